import { MatteboxError } from '../../errors/index.ts'
import type { PassedOver } from '../contract/inference-process.ts'
import { PROVIDER_NAMES, PROVIDER_TITLES, type ProviderName } from '../../settings/index.ts'
import { namesVulkanDriver, precheck, thisMachine, type Machine } from './provider-precheck.ts'
import {
  probeProvider,
  type ProbeOptions,
  type ProbeResult,
  type ProbeTensor,
  type ProbeWork,
} from './provider-probe.ts'
import { noGpu, slowerThanCpu, wrongOutputs, type ProviderReason } from './provider-reason.ts'

/** What became of trying one provider. */
export type ProviderReport =
  | {
      readonly provider: ProviderName
      readonly ok: true
      /** Median of a run, in milliseconds. */
      readonly ms: number
      readonly device?: string | undefined
    }
  | { readonly provider: ProviderName; readonly ok: false; readonly reason: ProviderReason }

export interface ProviderChoice {
  readonly provider: ProviderName
  /** Median of a trial run in milliseconds; undefined if none was made. */
  readonly ms?: number | undefined
  readonly device?: string | undefined
  /** Providers that `auto` tried before this one. */
  readonly passedOver: readonly PassedOver[]
}

export interface ChoiceOptions extends Omit<ProbeOptions, 'hardwareOnly'> {
  /** Facts to go by, for tests; default: `thisMachine()`. */
  readonly machine?: Machine | undefined
  /** Providers that `auto` does not try, because they failed before; never the CPU. */
  readonly avoid?: readonly PassedOver[] | undefined
}

/**
 * Largest difference to the CPU's outputs, as a part of an output's largest value. Far from the 10-bit mantissas that
 * GPUs multiply with (TF32, fp16: about 1e-3 a layer), far from what a broken driver computes.
 */
const TOLERANCE = 0.05

/**
 * Chooses what runs the network. `auto`: the first of CUDA, WebGPU and CPU that works, and is not slower than the CPU.
 * Each is tried by real runs in a child process, unless it is certain without one that it cannot work. The CPU itself
 * is what remains: it is taken untried.
 *
 * @param work - asked for only if something is to be run; the network that will run, on a picture that is not constant
 * @throws {MatteboxError} PROVIDER_UNAVAILABLE if a provider that was named does not work; it may be slow, though
 */
export async function chooseProvider(
  wanted: ProviderName | 'auto',
  work: () => ProbeWork | Promise<ProbeWork>,
  options: ChoiceOptions = {},
): Promise<ProviderChoice> {
  if (wanted === 'cpu') return { provider: 'cpu', passedOver: [] }
  const trial = new Trial(work, options, wanted === 'auto' ? 'choose' : 'named')
  const passedOver: PassedOver[] = []
  for (const provider of wanted === 'auto' ? PROVIDER_NAMES : [wanted]) {
    if (provider === 'cpu') break
    const failed = wanted === 'auto' && options.avoid?.find((other) => other.provider === provider)
    if (failed) {
      passedOver.push(failed)
      continue
    }
    const report = await trial.of(provider)
    if (report.ok) return { provider, ms: report.ms, device: report.device, passedOver }
    passedOver.push({ provider, reason: report.reason })
  }
  if (wanted === 'auto') return { provider: 'cpu', passedOver }
  const { message, mend } = passedOver[0].reason
  throw new MatteboxError(
    'PROVIDER_UNAVAILABLE',
    `${PROVIDER_TITLES[wanted]} does not work here. ${message}`,
    `${mend} Or choose --provider auto or cpu.`,
  )
}

/**
 * Tries all providers, in the order of `auto`, one after the other. One that is slower than the CPU works, too, unless
 * it is the CPU in disguise.
 */
export async function checkProviders(work: ProbeWork, options: ChoiceOptions = {}): Promise<ProviderReport[]> {
  const trial = new Trial(() => work, options, 'check')
  const reports: ProviderReport[] = []
  for (const provider of PROVIDER_NAMES) reports.push(await trial.of(provider))
  return reports
}

/** Tries one provider, as `checkProviders` does. */
export function checkProvider(
  provider: ProviderName,
  work: ProbeWork,
  options: ChoiceOptions = {},
): Promise<ProviderReport> {
  return new Trial(() => work, options, 'check').of(provider)
}

type ProbeFailure = Extract<ProbeResult, { ok: false }>

/** Tries providers on one work, and runs it on the CPU at most once, for comparison. */
class Trial {
  #work: ProbeWork | undefined
  #cpu: ProbeResult | undefined
  readonly #machine: Machine

  /**
   * @param purpose - `choose` wants a GPU that is faster than the CPU and spends no time where there is none; `check`
   * wants a GPU; `named` takes what works
   */
  constructor(
    private readonly work: () => ProbeWork | Promise<ProbeWork>,
    private readonly options: ChoiceOptions,
    private readonly purpose: 'choose' | 'check' | 'named',
  ) {
    this.#machine = options.machine ?? thisMachine()
  }

  async of(provider: ProviderName): Promise<ProviderReport> {
    const refuse = (reason: ProviderReason): ProviderReport => ({ provider, ok: false, reason })
    const known = await precheck(provider, this.#machine, this.purpose === 'choose')
    if (known) return refuse(known)
    if (provider === 'cpu') return report(await this.cpu())
    const result = await this.probe(provider)
    if (!result.ok) return this.withoutGpu(result) ? refuse(noGpu()) : result
    const cpu = await this.cpu()
    // Nothing to compare with: better a GPU than nothing.
    if (!cpu.ok) return report(result)
    const difference = largestDifference(result.outputs, cpu.outputs)
    // Written so that NaN is refused too.
    if (!(difference <= TOLERANCE)) return refuse(wrongOutputs(provider, difference))
    if (this.purpose === 'choose' && result.ms > cpu.ms) return refuse(slowerThanCpu(provider, result.ms, cpu.ms))
    return report(result)
  }

  /** Whether what failed was a software driver that nobody named: the missing GPU is the better reason. */
  private withoutGpu({ provider, reason }: ProbeFailure): boolean {
    const sought = provider === 'webgpu' && (reason.code === 'PROVIDER_NO_DEVICE' || reason.code === 'PROVIDER_DRIVER')
    return sought && this.#machine.hardware?.devices.length === 0 && !namesVulkanDriver(this.#machine.env)
  }

  private async cpu(): Promise<ProbeResult> {
    return (this.#cpu ??= await this.probe('cpu'))
  }

  private async probe(provider: ProviderName): Promise<ProbeResult> {
    this.#work ??= await this.work()
    return probeProvider(provider, this.#work, { ...this.options, hardwareOnly: this.purpose !== 'named' })
  }
}

function report(result: ProbeResult): ProviderReport {
  if (!result.ok) return result
  const { provider, ms, device } = result
  return { provider, ok: true, ms, device }
}

/**
 * Largest |difference| over all outputs, each divided by its largest |value| in `wanted` (at least 1);
 * NaN if a number is none, infinity if an output is missing.
 */
export function largestDifference(
  found: Readonly<Record<string, ProbeTensor>>,
  wanted: Readonly<Record<string, ProbeTensor>>,
): number {
  let worst = 0
  for (const [name, { data }] of Object.entries(wanted)) {
    if (!(name in found) || found[name].data.length !== data.length) return Infinity
    const other = found[name].data
    let largest = 1
    let difference = 0
    for (let i = 0; i < data.length; i++) {
      largest = Math.max(largest, Math.abs(data[i]))
      difference = Math.max(difference, Math.abs(data[i] - other[i]))
    }
    worst = Math.max(worst, difference / largest)
  }
  return worst
}
