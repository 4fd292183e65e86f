import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type {
  InferenceConfig,
  SourcePlan,
  SourceReport,
  ToInference,
} from '../../../src/sidecar/contract/inference-process.ts'
import type { Log, LogLevel } from '../../../src/sidecar/main/log.ts'
import { Supervisor, type EngineChoice, type SupervisorOptions } from '../../../src/sidecar/main/supervisor.ts'
import type { ProviderName } from '../../../src/settings/index.ts'

/** What one stand-in process does. Without a word it comes up at once and stays. */
export interface Doing {
  /** It cannot serve at all. */
  readonly unable?: string
  /** Nothing runs its network. */
  readonly none?: string
  readonly stderr?: string
  /** It blocks for so long, as `create` does. */
  readonly createMs?: number
  /** It becomes warm after so long, without blocking. */
  readonly warmMs?: number
  /** It dies before it is warm. */
  readonly dieCold?: boolean
  readonly sources?: readonly SourceReport[]
  /** Reported in their place a moment later. */
  readonly thenSources?: readonly SourceReport[]
  /** Its filters take on no settings. */
  readonly deaf?: boolean
  readonly handover?: readonly SourcePlan[] | null
  readonly failAfterMs?: number
  readonly failed?: string
  /** It falls silent. */
  readonly hangAfterMs?: number
  readonly dieAfterMs?: number
  readonly signal?: NodeJS.Signals
  /** It does not end when told to. */
  readonly stubborn?: boolean
}

/** What stand-ins do: always, by provider, as a successor, and by how many were started before. */
export type Told = { readonly [provider in ProviderName]?: Doing } & {
  readonly always?: Doing
  readonly successor?: Doing
  readonly nth?: Readonly<Record<number, Doing>>
}

/** A start of a stand-in, or something that it heard. */
export interface Entry {
  readonly pid: number
  readonly at: number
  readonly started?: Omit<InferenceConfig, 'record'>
  readonly provider?: ProviderName
  readonly heard?: ToInference
}

export const STAND_IN = join(import.meta.dirname, 'stand-in-inference.mjs')

/** Times short enough for a test, in the proportions of the real ones. */
export const SHORT: SupervisorOptions = {
  childPath: STAND_IN,
  limits: { runMs: 1_000, createMs: 10_000 },
  backoffMs: [0, 150, 300, 600],
  healthyMs: 700,
  retireMs: 400,
  unableMs: 600,
}

/** A folder of a test's own, with the journal of its stand-ins. */
export class Stage {
  readonly folder = mkdtempSync(join(tmpdir(), 'mattebox-main-'))
  readonly journal = join(this.folder, 'journal')
  readonly logged: { level: LogLevel; message: string; fields: Readonly<Record<string, unknown>> }[] = []
  readonly #supervisors: Supervisor[] = []

  readonly log: Log = {
    debug: this.#keep('debug'),
    info: this.#keep('info'),
    warn: this.#keep('warn'),
    error: this.#keep('error'),
  }

  /** A configuration that has stand-ins do as told. */
  choice(told: Told, changes: Partial<EngineChoice> = {}): EngineChoice {
    return {
      version: '1.2.3',
      model: { name: 'some-model', path: '/some-model.safetensors' },
      provider: 'cpu',
      record: this.record(told),
      ...changes,
    }
  }

  record(told: Told): string {
    return JSON.stringify({ ...told, journal: this.journal })
  }

  supervise(told: Told, changes: Partial<EngineChoice> = {}, options: SupervisorOptions = {}): Supervisor {
    const supervisor = new Supervisor(this.choice(told, changes), this.log, { ...SHORT, ...options })
    this.#supervisors.push(supervisor)
    supervisor.start()
    return supervisor
  }

  get entries(): Entry[] {
    if (!existsSync(this.journal)) return []
    const lines = readFileSync(this.journal, 'utf8').split('\n').slice(0, -1)
    return lines.map((line) => JSON.parse(line) as Entry)
  }

  get starts(): (Entry & Required<Pick<Entry, 'started'>>)[] {
    return this.entries.filter((entry) => entry.started) as (Entry & Required<Pick<Entry, 'started'>>)[]
  }

  said(text: string | RegExp): boolean {
    return this.logged.some(({ message }) => (typeof text === 'string' ? message.includes(text) : text.test(message)))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#supervisors.map((supervisor) => supervisor.stop()))
    rmSync(this.folder, { recursive: true, force: true })
  }

  #keep(level: LogLevel): Log[LogLevel] {
    return (message, fields = {}) => void this.logged.push({ level, message, fields })
  }
}

/** Waits until something holds. */
export async function until(holds: () => boolean, what: string, limitMs = 15_000): Promise<void> {
  for (const end = performance.now() + limitMs; !holds(); await sleep(10)) {
    if (performance.now() > end) throw new Error(`waited in vain: ${what}`)
  }
}

export const ready = (supervisor: Supervisor) =>
  until(() => supervisor.state.engine.state === 'ready' && supervisor.state.listening !== undefined, 'an engine')

export const servingPid = (supervisor: Supervisor): number =>
  supervisor.state.processes.find(({ role }) => role === 'serving')!.pid!

export function runs(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** A filter as an inference process reports it. */
export function report(filterId: string, changes: { received?: number; width?: number } = {}): SourceReport {
  const { received = 0, width = 512 } = changes
  return {
    hello: {
      wire: 1,
      filterId,
      source: 'Camera',
      filter: 'Mattebox',
      obs: '32.0.0',
      pid: 1,
      private: false,
      welcomed: false,
    },
    settings: {
      ratio: 0,
      refiner: 'deep',
      background: 'remove',
      blur_radius: 24,
      view: 'result',
      decontaminate: false,
      level_low: 0,
      level_high: 1,
      feather: 0,
      regions: [],
      pairing: 'matched',
      in_between: 'nearest',
      max_delay_ms: 150,
      when_unavailable: 'hide',
      reset_on_scene_change: 'always',
      cut_detection: true,
    },
    filter: {
      fps: 30,
      delayMs: 66.7,
      latencyMs: 40,
      sufficesMs: 0,
      width,
      height: 288,
      ratio: 0.4,
      pairing: 'matched',
      shown: received,
      cover: false,
      covered: 0,
      sent: received,
      answered: received,
      dropped: {},
      resets: { first: 1 },
      error: null,
    },
    sidecar: {
      provider: 'cpu',
      device: 'stand-in',
      model: 'some-model',
      inferenceMs: 21.4,
      received,
      answered: received,
      dropped: {},
      resets: { cut: 2 },
      error: null,
    },
    plan: { filterId, width, height: 288, refiner: 'deep', planes: 2 },
    scene: null,
    answeredPerSecond: 29.5,
    share: 1,
    counters: {
      received,
      answered: received - 1,
      dropped: { newer: 1, resize: 0, unready: 0, error: 0, full: 0, closed: 0 },
    },
    sourceSize: { width: 1920, height: 1080 },
    recentResets: [],
    picture: null,
  }
}
