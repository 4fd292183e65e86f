import type { ChildProcess } from 'node:child_process'
import { EventEmitter } from 'node:events'
import { isDeepStrictEqual } from 'node:util'
import type { Complaint } from '../../errors/index.ts'
import { PROVIDER_TITLES } from '../../settings/index.ts'
import type {
  EngineState,
  FromInference,
  InferenceConfig,
  PassedOver,
  PhaseLimits,
  Preview,
  SourcePlan,
  SourceReport,
  ToInference,
  TryAnswer,
  TryRequest,
} from '../contract/inference-process.ts'
import { Backoff, BACKOFF_MS } from './backoff.ts'
import { endingReason, failedProvider } from './ending-reason.ts'
import { forkInference, takeHold } from './fork-inference.ts'
import { InferenceChild, type Ending, type Usage } from './inference-child.ts'
import type { Log } from './log.ts'
import { ProviderFailures } from './provider-failures.ts'
import { TryFrames } from './try-frames.ts'
import type { Phase } from './watchdog.ts'

/** What is to run; the rest of a process's configuration is the supervisor's own. */
export type EngineChoice = Omit<InferenceConfig, 'avoid' | 'plans' | 'takesOver'>

export interface SupervisorOptions {
  /** Program of the inference process; for tests. */
  readonly childPath?: string | undefined
  /** A process that was forked ahead of time, and let go, for the first one. */
  readonly early?: ChildProcess | undefined
  /** Silence that means a hang; default: 5 s, and 180 s while a network is created. */
  readonly limits?: PhaseLimits | undefined
  /** Waits before a start; default: `BACKOFF_MS`. */
  readonly backoffMs?: readonly number[] | undefined
  /** After so long, a process counts as healthy; default 10 s. */
  readonly healthyMs?: number | undefined
  /** Two failures of a provider within this time pass it over; default 60 s. */
  readonly failureWindowMs?: number | undefined
  /** A process that is told to retire is ended after this time; default 2 s. */
  readonly retireMs?: number | undefined
  /** Wait before the next try where a process said that it cannot serve at all; default 5 s. */
  readonly unableMs?: number | undefined
}

export interface ProcessState {
  readonly pid: number | undefined
  /** `successor`: it takes over when it is warm; `retiring`: it says goodbye. */
  readonly role: 'serving' | 'successor' | 'retiring'
  readonly phase: Phase
  readonly uptimeMs: number
  readonly usage: Usage | undefined
}

export interface SupervisorState {
  readonly engine: EngineState
  /** Providers that failed while live and are not tried again. */
  readonly avoid: readonly PassedOver[]
  readonly processes: readonly ProcessState[]
  readonly sources: readonly SourceReport[]
  /** Where filters reach the process that serves; undefined until they can. */
  readonly listening: string | undefined
  /** How often a process was started in place of one that ended. */
  readonly restarts: number
  /** The last connection that was sent away. */
  readonly refused: Complaint | undefined
  /** What went wrong last; undefined when all has been well for a while. */
  readonly error: Complaint | undefined
}

const LIMITS: PhaseLimits = { runMs: 5_000, createMs: 180_000 }

/**
 * Keeps an inference process alive: starts it again when it dies or hangs, passes a provider over that fails twice, and
 * hands over from one process to the next when the engine is to change, so that the pictures on air do not wait for it.
 */
export class Supervisor extends EventEmitter<{ change: []; preview: [Preview] }> {
  #choice: EngineChoice
  readonly #log: Log
  readonly #childPath: string | undefined
  #early: ChildProcess | undefined
  readonly #limits: PhaseLimits
  readonly #healthyMs: number
  readonly #retireMs: number
  readonly #unableMs: number
  readonly #backoff: Backoff
  readonly #failures: ProviderFailures

  #serving: InferenceChild | undefined
  /** It is warming up and takes over when it listens; one at most. */
  #successor: InferenceChild | undefined
  /** Processes that are no longer wanted and have not ended yet: whatever they do has no consequence. */
  readonly #leaving = new Set<InferenceChild>()
  /** Networks that the sources wanted last. */
  #plans: readonly SourcePlan[] = []
  /** Filters whose previews are wanted. */
  #watched: readonly string[] = []
  readonly #tries = new TryFrames()
  #waiting: NodeJS.Timeout | undefined
  #settling: NodeJS.Timeout | undefined
  /** The process that serves asked for the successor: it waits to hear what becomes of that. */
  #asked = false
  #unable: Complaint | undefined
  #refused: Complaint | undefined
  #error: Complaint | undefined
  #restarts = 0
  #stopped = false

  constructor(choice: EngineChoice, log: Log, options: SupervisorOptions = {}) {
    super()
    this.#choice = choice
    this.#log = log
    this.#childPath = options.childPath
    this.#early = options.early
    this.#limits = options.limits ?? LIMITS
    this.#healthyMs = options.healthyMs ?? 10_000
    this.#retireMs = options.retireMs ?? 2_000
    this.#unableMs = options.unableMs ?? 5_000
    this.#backoff = new Backoff(options.backoffMs ?? BACKOFF_MS, this.#healthyMs)
    this.#failures = new ProviderFailures(options.failureWindowMs)
  }

  get state(): SupervisorState {
    return {
      engine: this.#engine(),
      avoid: this.#failures.avoid,
      processes: [
        ...(this.#serving ? [processState(this.#serving, 'serving')] : []),
        ...(this.#successor ? [processState(this.#successor, 'successor')] : []),
        ...[...this.#leaving].map((child) => processState(child, 'retiring')),
      ],
      sources: this.#serving?.sources ?? [],
      listening: this.#serving?.listening,
      restarts: this.#restarts,
      refused: this.#refused,
      error: this.#error ?? this.#serving?.unreachable,
    }
  }

  start(): void {
    this.#launch()
  }

  /** Says something to the process that serves the filter, or that serves at all. */
  send(message: Extract<ToInference, { filterId: string }>): void {
    const { filterId } = message
    const candidates = [this.#serving, ...this.#leaving].filter((child) => child !== undefined)
    const itsOwn = candidates.find(({ sources }) => sources.some(({ hello }) => hello.filterId === filterId))
    ;(itsOwn ?? this.#serving)?.send(message)
  }

  /** Asks for previews of these filters, and of no others: of every process from now on. */
  watch(filterIds: readonly string[]): void {
    if (isDeepStrictEqual(filterIds, this.#watched)) return
    this.#watched = filterIds
    for (const child of [this.#serving, this.#successor]) child?.send({ kind: 'watch', filterIds })
  }

  /** Has a frame matted without OBS. One in flight a client; resolves in any case, with what became of it. */
  tryFrame(client: string, frame: TryRequest): Promise<TryAnswer> {
    const { id } = frame
    const engine = this.#engine()
    if (engine.state === 'none') return Promise.resolve({ kind: 'error', id, error: engine.error })
    if (engine.state === 'ready' && this.#serving) return this.#tries.send(this.#serving, client, frame)
    // While the next process is due, the reason is why the last one ended.
    const error = this.#waiting && this.#error
    return Promise.resolve(error ? { kind: 'error', id, error } : { kind: 'dropped', id })
  }

  /** The client has gone: what is kept for it is let go of. */
  endTry(client: string): void {
    this.#tries.end(client)
    this.#serving?.send({ kind: 'tryEnd', client })
  }

  /** Changes what runs: a second process takes over when it is warm. */
  change(choice: EngineChoice): void {
    if (this.#stopped) return
    this.#choice = choice
    if (this.#waiting) {
      this.#error = undefined
      this.#backoff.clear()
      this.#launch()
    } else if (this.#serving && this.#serving.engine.state !== 'ready') {
      // Nothing is on air that would miss it.
      this.#error = undefined
      this.#log.info('The engine is to change; the inference process is replaced.', { pid: this.#serving.pid })
      this.#replace(this.#serving)
    } else {
      this.#handOver(this.#successor?.config.plans ?? this.#plans, 'the engine is to change')
    }
    this.#changed()
  }

  /** Tries providers again that were passed over because they failed while live. */
  retryProviders(): void {
    if (this.#failures.avoid.length === 0) return
    this.#failures.clear()
    this.#handOver(this.#plans, 'providers are to be tried again')
    this.#changed()
  }

  /** Ends all processes; resolves when they have ended. */
  async stop(): Promise<void> {
    this.#stopped = true
    clearTimeout(this.#waiting)
    clearTimeout(this.#settling)
    this.#waiting = undefined
    const leaving = [...this.#leaving].map((child) => child.ended)
    const rest = [this.#serving, this.#successor].filter((child) => child !== undefined)
    await Promise.all([...leaving, ...rest.map((child) => child.retire(this.#retireMs))])
  }

  #engine(): EngineState {
    const engine = this.#serving?.engine ?? { state: 'starting' }
    return this.#unable && engine.state === 'starting' ? { state: 'none', error: this.#unable } : engine
  }

  #launch(): void {
    clearTimeout(this.#waiting)
    this.#waiting = undefined
    this.#asked = false
    this.#serving = this.#fork(this.#plans, false)
    this.#changed()
  }

  #fork(plans: readonly SourcePlan[], takesOver: boolean): InferenceChild {
    const config = { ...this.#choice, avoid: this.#failures.avoid, plans, takesOver }
    const forked = (this.#early && takeHold(this.#early)) ?? forkInference(this.#childPath)
    this.#early = undefined
    const child = new InferenceChild(forked, config, this.#limits, this.#log)
    this.#log.info('An inference process is started.', { pid: child.pid, takesOver, plans: plans.length })
    child.on('message', (message) => this.#hear(child, message))
    child.on('ended', (ending) => this.#ended(child, ending))
    if (this.#watched.length > 0) child.send({ kind: 'watch', filterIds: this.#watched })
    return child
  }

  #hear(child: InferenceChild, message: FromInference): void {
    if (this.#stopped || this.#leaving.has(child)) return
    const serves = child === this.#serving
    switch (message.kind) {
      case 'engine':
        if (message.engine.state === 'none') this.#engineMissing(child, message.engine.error)
        else if (serves && message.engine.state === 'ready') this.#settle(child)
        if (serves && message.engine.state !== 'starting') this.#unable = undefined
        break
      case 'listening':
      case 'unreachable':
        if (message.kind === 'unreachable') this.#log.error(message.error.message, { ...message.error })
        if (!serves) this.#takeOver(child)
        this.#unable = undefined
        break
      case 'sources':
        if (serves) this.#remember(child)
        break
      case 'refused':
        this.#refused = message.complaint
        this.#log.warn('A connection was sent away.', { ...message.complaint })
        break
      case 'handover':
        if (!serves) break
        this.#asked = true
        this.#handOver(message.plans, 'a network is to be built')
        break
      case 'preview':
        if (serves) this.emit('preview', message.preview)
        return
      case 'tryAnswer':
        this.#tries.answered(child, message.client, message.answer)
        return
      case 'alive':
        return
      case 'phase':
      case 'failed':
      case 'unable':
      case 'log':
    }
    this.#changed()
  }

  /** Filters come back one after the other when a process is new: until then the old plans stay. */
  #remember(child: InferenceChild): void {
    const plans = child.sources.flatMap(({ plan }) => plan ?? [])
    const young = child.servesSince === undefined || performance.now() - child.servesSince < this.#healthyMs
    const missing = young ? this.#plans.filter((old) => plans.every(({ filterId }) => filterId !== old.filterId)) : []
    this.#plans = [...plans, ...missing]
  }

  /** The process that serves has been well for a while: what went wrong before is over. */
  #settle(child: InferenceChild): void {
    clearTimeout(this.#settling)
    this.#settling = setTimeout(() => {
      if (child !== this.#serving || child.engine.state !== 'ready') return
      this.#error = undefined
      this.#changed()
    }, this.#healthyMs)
  }

  /** A process found nothing that runs its network. Whoever serves says so to the filters, and stays. */
  #engineMissing(child: InferenceChild, error: Complaint): void {
    if (child === this.#successor) {
      this.#successor = undefined
      this.#dismiss(child)
      this.#handoverFailed(error)
    } else {
      this.#error = error
      this.#log.error(error.message, { ...error })
      // It waits to be warm before it listens, and now has no predecessor: a new one listens at once.
      if (child.config.takesOver && child.servesSince === undefined) this.#replace(child)
    }
  }

  #handOver(plans: readonly SourcePlan[], why: string): void {
    if (!this.#serving) {
      // The one that is about to start takes what is wanted now.
      this.#plans = plans
      return
    }
    if (this.#successor) {
      const { config } = this.#successor
      const wanted = { ...this.#choice, avoid: this.#failures.avoid, plans, takesOver: true }
      if (isDeepStrictEqual(config, wanted)) return
      this.#dismiss(this.#successor)
    }
    this.#successor = this.#fork(plans, true)
    this.#log.info(`A second inference process is to take over: ${why}.`, {
      pid: this.#successor.pid,
      serving: this.#serving.pid,
    })
  }

  #takeOver(successor: InferenceChild): void {
    const old = this.#serving
    this.#serving = successor
    this.#successor = undefined
    this.#asked = false
    this.#log.info('The second inference process has taken over.', { pid: successor.pid, retired: old?.pid })
    this.#settle(successor)
    if (old) void this.#retire(old)
  }

  #handoverFailed(error: Complaint): void {
    this.#error = error
    this.#log.error(`The second inference process failed, and the first goes on: ${error.message}`, { ...error })
    // What was asked for comes about all the same; what the user chose does not, and the error stays to say so.
    if (this.#asked && this.#serving) {
      this.#serving.send({ kind: 'buildHere' })
      this.#settle(this.#serving)
    }
    this.#asked = false
  }

  /** In place of a process that puts nothing on air: it ends, then the next one starts. */
  #replace(child: InferenceChild): void {
    this.#serving = undefined
    if (this.#successor) this.#dismiss(this.#successor)
    this.#successor = undefined
    void this.#retire(child).then(() => {
      if (!this.#stopped && !this.#serving && !this.#waiting) this.#launch()
    })
  }

  #retire(child: InferenceChild): Promise<void> {
    this.#leaving.add(child)
    this.#tries.lost(child)
    return child.retire(this.#retireMs)
  }

  #dismiss(child: InferenceChild): void {
    this.#leaving.add(child)
    child.kill()
  }

  #ended(child: InferenceChild, ending: Ending): void {
    const { code, signal } = ending
    this.#tries.lost(child, this.#stopped ? undefined : endingReason(ending, failedProvider(child, ending)))
    if (this.#leaving.delete(child) || this.#stopped) {
      this.#log.info('An inference process has ended.', { pid: child.pid, code, signal })
      if (!this.#stopped) this.#changed()
      return
    }
    const provider = failedProvider(child, ending)
    const reason = endingReason(ending, provider)
    this.#log.error(reason.message, { ...reason, pid: child.pid, exitCode: code, signal })
    const passedOver = provider !== undefined && this.#countFailure({ provider, reason })
    if (child === this.#successor) {
      this.#successor = undefined
      this.#handoverFailed(reason)
    } else {
      this.#error = reason
      this.#serving = undefined
      clearTimeout(this.#settling)
      this.#succeed(child, ending, passedOver)
    }
    this.#changed()
  }

  /** Whether the provider is passed over from now on. */
  #countFailure(failure: PassedOver): boolean {
    if (!this.#failures.failed(failure, this.#choice.provider, performance.now())) return false
    this.#log.error(`${PROVIDER_TITLES[failure.provider]} failed twice and is passed over from now on.`, {
      ...failure.reason,
      provider: failure.provider,
    })
    return true
  }

  /** Puts a process in the place of the one that served and died. */
  #succeed(dead: InferenceChild, { said }: Ending, passedOver: boolean): void {
    this.#restarts++
    const successor = this.#successor
    this.#successor = undefined
    if (successor) {
      if (!passedOver) {
        // It listens when it is warm, which no other process would be sooner.
        this.#serving = successor
        this.#asked = false
        return
      }
      this.#dismiss(successor)
    }
    const now = performance.now()
    if (passedOver) this.#backoff.clear()
    this.#unable = said?.kind === 'unable' ? said.error : undefined
    const backoffMs = passedOver ? 0 : this.#backoff.died(dead.servesSince === undefined ? 0 : now - dead.servesSince)
    const waitMs = this.#unable ? this.#unableMs : backoffMs
    this.#log.info('The next inference process is due.', { waitMs })
    this.#waiting = setTimeout(() => this.#launch(), waitMs)
  }

  #changed(): void {
    this.emit('change')
  }
}

function processState(child: InferenceChild, role: ProcessState['role']): ProcessState {
  const { pid, phase, usage, startedAt } = child
  return { pid, role, phase, usage, uptimeMs: performance.now() - startedAt }
}
