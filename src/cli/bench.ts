import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { access } from 'node:fs/promises'
import { cpus } from 'node:os'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Command } from 'commander'
import { MatteboxError } from '../errors/index.ts'
import { lowResolution } from '../model/low-resolution.ts'
import { median } from '../video/median.ts'
import type { BenchAnswer, BenchRequest, BenchTask } from './bench-child.ts'
import { resolveModel } from '../models/model-location.ts'
import { versions } from './versions.ts'

export interface BenchCase {
  readonly name: '1080p' | '4k'
  readonly source: readonly [number, number]
  readonly lowRes: readonly [number, number]
  /** Official graph, one whole frame. */
  readonly baselineMs?: number
  readonly shrinkMs: number
  /** Our network with 8 planes, with 2 planes. */
  readonly stepMs: number
  readonly step2Ms: number
  readonly applyMs: number
  readonly ratioStep?: number
  readonly ratioTotal?: number
  /** Of the process that steps with 8 planes. */
  readonly peakMiB: number
  readonly baselinePeakMiB?: number
}

export interface BenchReport {
  readonly machine: { readonly cpu: string; readonly cores: number; readonly threads: number }
  readonly versions: Readonly<Record<string, string>>
  readonly cases: readonly BenchCase[]
}

const CASES = [
  { name: '1080p', source: [1920, 1080], ratio: 0.25 },
  { name: '4k', source: [3840, 2160], ratio: 0.125 },
] as const

const THREADS = 2
const ROUNDS = 15
const SETTING_ROUNDS = 5
/** Before each run: threads that spin go on for a while after theirs, and would take a core from the next process. */
const SETTLE_MS = 100

/** A process that measures one thing. */
class Runner {
  private static readonly running = new Set<ChildProcess>()

  readonly times: number[] = []
  /** Rejects when the process ends on its own. */
  private readonly ended: Promise<never>

  private constructor(
    private readonly child: ChildProcess,
    private readonly model: string,
  ) {
    Runner.running.add(child)
    this.ended = once(child, 'exit').then(([code, signal]) => {
      Runner.running.delete(child)
      throw benchError(`A process ended (${String(signal ?? code)}).`)
    })
    this.ended.catch(() => undefined)
  }

  static async start(task: BenchTask): Promise<Runner> {
    const runner = new Runner(
      fork(fileURLToPath(new URL('./bench-child.js', import.meta.url)), { stdio: 'inherit' }),
      task.model,
    )
    await runner.ask(task)
    return runner
  }

  /** Ends every process that is left, also where one failed: they would keep the command alive. */
  static endAll(): void {
    for (const child of Runner.running) child.kill()
  }

  async run(): Promise<void> {
    await setTimeout(SETTLE_MS)
    const answer = await this.ask('go')
    if ('ms' in answer) this.times.push(answer.ms)
  }

  /** Peak resident memory, MiB; ends the process. */
  async stop(): Promise<number> {
    const answer = await this.ask('stop')
    return 'peakMiB' in answer ? answer.peakMiB : NaN
  }

  private async ask(request: BenchRequest): Promise<BenchAnswer> {
    const answered = once(this.child, 'message') as Promise<[BenchAnswer]>
    this.child.send(request)
    const [answer] = await Promise.race([answered, this.ended])
    if ('error' in answer) throw benchError(`${this.model}: ${answer.error}`)
    return answer
  }
}

function benchError(message: string): MatteboxError {
  return new MatteboxError(
    'BENCH',
    message,
    'Check the model with `mattebox models verify`; --baseline takes the official ONNX file.',
  )
}

/** Times the cases, our network beside the official graph where one is given, run by run in turn. */
export async function bench(
  model: string,
  baseline: string | undefined,
  rounds: number,
  progress: (line: string) => void,
): Promise<BenchReport> {
  const cases: BenchCase[] = []
  for (const { name, source, ratio } of CASES) {
    const low = lowResolution(source[0], source[1], ratio)
    const lowRes = [low.width, low.height] as const
    const task = { model, source, lowRes, ratio, threads: THREADS }
    progress(`${name}: starting`)
    const official = baseline ? await betterBaseline({ ...task, model: baseline }) : undefined
    const step = await Runner.start({ ...task, what: 'step8' })
    // The two that are compared run in turn, and nothing between them: another process would leave the caches cold.
    await inTurn(official ? [official, step] : [step], rounds, (round) => {
      progress(`${name}: our step${official ? ' and the official graph' : ''}, round ${round} of ${rounds}`)
    })
    const peakMiB = await step.stop()
    const baselinePeakMiB = await official?.stop()

    const others: Runner[] = []
    for (const what of ['step2', 'shrink', 'apply'] as const) others.push(await Runner.start({ ...task, what }))
    await inTurn(others, rounds, (round) => progress(`${name}: the rest, round ${round} of ${rounds}`))
    for (const runner of others) await runner.stop()

    const [stepMs, step2Ms, shrinkMs, applyMs] = [step, ...others].map(({ times }) => median(times)) as [
      number,
      number,
      number,
      number,
    ]
    const measured = { name, source, lowRes, shrinkMs, stepMs, step2Ms, applyMs, peakMiB }
    const baselineMs = official && median(official.times)
    cases.push(
      official && baselineMs
        ? {
            ...measured,
            baselineMs,
            ratioStep: baselineMs / stepMs,
            ratioTotal: baselineMs / (shrinkMs + stepMs + applyMs),
            baselinePeakMiB: baselinePeakMiB!,
          }
        : measured,
    )
  }
  const machine = { cpu: cpus().at(0)?.model ?? 'unknown', cores: cpus().length, threads: THREADS }
  return { machine, versions: await versions(), cases }
}

/** Lets the runners run one after the other, never two at once. */
async function inTurn(runners: readonly Runner[], rounds: number, onRound: (round: number) => void): Promise<void> {
  for (let round = 1; round <= rounds; round++) {
    onRound(round)
    for (const runner of runners) await runner.run()
  }
}

/** The official graph at its better setting of `allow_spinning` on this machine. */
async function betterBaseline(task: Omit<BenchTask, 'what'>): Promise<Runner> {
  const sleeping = await Runner.start({ ...task, what: 'baseline' })
  const spinning = await Runner.start({ ...task, what: 'baseline-spinning' })
  for (let round = 0; round < SETTING_ROUNDS; round++) {
    await sleeping.run()
    await spinning.run()
  }
  const [better, worse] = median(sleeping.times) <= median(spinning.times) ? [sleeping, spinning] : [spinning, sleeping]
  await worse.stop()
  better.times.length = 0
  return better
}

const NOTE =
  'ratioStep compares different work: the official graph does the whole frame, our step ends in coefficient planes; ' +
  'in OBS the rest is the shader’s. ratioTotal compares whole frames.'

function table({ machine, cases }: BenchReport): string {
  const lines = [`${machine.cpu}, ${machine.threads} threads; medians in ms`]
  for (const c of cases) {
    const ours = `shrink ${ms(c.shrinkMs)}  step ${ms(c.stepMs)} (2 planes ${ms(c.step2Ms)})  full resolution ${ms(c.applyMs)}`
    lines.push(`${c.name} (${c.lowRes.join('x')}): ${ours}  peak ${c.peakMiB.toFixed(0)} MiB`)
    if (c.baselineMs !== undefined) {
      const ratios = `${c.ratioStep!.toFixed(2)} times our step, ${c.ratioTotal!.toFixed(2)} times our whole frame`
      lines.push(`  official ${ms(c.baselineMs)}: ${ratios}  peak ${c.baselinePeakMiB!.toFixed(0)} MiB`)
    }
  }
  if (cases.some((c) => c.baselineMs !== undefined)) lines.push(NOTE)
  return `${lines.join('\n')}\n`
}

function ms(value: number): string {
  return value.toFixed(1)
}

export function registerBench(program: Command): void {
  program
    .command('bench')
    .description('time the network on this machine’s CPU, beside the official graph if you have it')
    .option('--model <name|path>', 'the model to time')
    .option('--baseline <onnx>', 'the official release’s ONNX file, to compare with')
    .option('--rounds <n>', 'runs to take the median of', String(ROUNDS))
    .option('--json', 'print the report as JSON')
    .action(async (options: { model?: string; baseline?: string; rounds: string; json?: true }) => {
      const rounds = Number(options.rounds)
      if (!Number.isInteger(rounds) || rounds < 1) {
        throw new MatteboxError('USAGE', `--rounds is ${options.rounds}.`, 'Give a whole number from 1.')
      }
      const model = await resolveModel(options.model)
      if (options.baseline) await requireFile(options.baseline)
      const live = process.stderr.isTTY
      const progress = (line: string): void => {
        if (live) process.stderr.write(`\r\u001b[K${line}`)
      }
      const report = await bench(model, options.baseline, rounds, progress).finally(() => Runner.endAll())
      if (live) process.stderr.write('\r\u001b[K')
      process.stdout.write(
        options.json ? `${JSON.stringify({ ...report, ...(options.baseline && { note: NOTE }) })}\n` : table(report),
      )
    })
}

async function requireFile(path: string): Promise<void> {
  await access(path).catch((cause: unknown) => {
    throw new MatteboxError('USAGE', `There is no file ${path}.`, 'Give the path of the official ONNX file.', { cause })
  })
}
