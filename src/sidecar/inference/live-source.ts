import { MatteboxError } from '../../errors/index.ts'
import type { FilterSettings } from '../../settings/index.ts'
import type { EngineState, SourcePlan, SourceReport } from '../contract/inference-process.ts'
import type { Channel, FilterStats, Renamed, SidecarResetReason } from './channel/index.ts'
import type { FrameRecord } from './frame-record.ts'
import type { MattingSession } from './matting-session.ts'
import { networkName, type NetworkKey } from './network-pool.ts'

/** What became of a turn. */
export type Turn =
  | { readonly kind: 'answered'; readonly runMs: number }
  /** No frame waited, or none was answered for a reason that is counted. */
  | { readonly kind: 'nothing' }
  /** The runtime failed: the provider is not to be trusted any more. */
  | { readonly kind: 'failed'; readonly error: MatteboxError }

interface Serving {
  readonly session: MattingSession
  readonly key: NetworkKey
}

/** In a row; a provider that answers nothing else for so long is broken. */
const MOST_BROKEN_MATTES = 30

/** One filter in OBS as the inference process sees it: its channel, what it wants, and its recurrent state. */
export class LiveSource {
  /** Null until the filter has said them. */
  settings: FilterSettings | null = null
  filterStats: FilterStats | null = null
  scene: string | null = null
  names: Renamed
  #serving: Serving | undefined
  /** Warm, and waiting for the first frame of its size. */
  #next: Serving | undefined
  /** The step that is under way, or was last; never rejects. */
  #turn: Promise<unknown> = Promise.resolve()
  #isFullSize = false
  #pixels: Uint8Array | undefined
  #broken = 0
  /** Tells the filter that the size it wants is served; another size in between makes it void. */
  #ready: (() => void) | undefined
  readonly #resets: Record<SidecarResetReason, number> = { cut: 0, restart: 0, error: 0 }
  /** Since the last report. */
  #window = { answered: 0, runMs: 0, busyMs: 0, began: performance.now() }

  constructor(
    readonly channel: Channel,
    private readonly record: FrameRecord | undefined,
  ) {
    const { source, filter } = channel.hello
    this.names = { source, filter }
  }

  /** The network that this source wants; undefined until it has said its settings. */
  get wanted(): NetworkKey | undefined {
    if (this.settings === null) return undefined
    const { width, height } = this.channel.size
    // Where nothing was shrunk there is nothing to refine, as published.
    const refiner = this.#isFullSize ? 'none' : this.settings.refiner
    return { width, height, refiner, planes: this.settings.decontaminate ? 8 : 2 }
  }

  get plan(): SourcePlan | undefined {
    const wanted = this.wanted
    return wanted && { filterId: this.channel.hello.filterId, ...wanted }
  }

  /** Whether a session serves this source now. */
  get isServed(): boolean {
    return this.#serving !== undefined
  }

  /** Whether the session that serves, or is about to, is the one that is wanted. */
  get isAsWanted(): boolean {
    const wanted = this.wanted
    const found = this.#next ?? this.#serving
    return wanted !== undefined && found !== undefined && networkName(wanted) === networkName(found.key)
  }

  /**
   * Lets another session serve, and ends the one before. What that one remembered is gone: the states begin anew.
   * Where the sizes differ, the old one serves until the first frame of the new size.
   */
  async use(session: MattingSession, key: NetworkKey): Promise<void> {
    const old = this.#serving
    await this.#next?.session[Symbol.asyncDispose]()
    this.#next = undefined
    if (old !== undefined && (old.key.width !== key.width || old.key.height !== key.height)) {
      this.#next = { session, key }
      return
    }
    // A filter's very first frame follows nothing that could be forgotten.
    if (old !== undefined || this.channel.hello.welcomed) session.reset('restart')
    this.#serving = { session, key }
    // A step may be under way.
    await this.#turn
    await old?.session[Symbol.asyncDispose]()
  }

  /** To be called once what is wanted can be served. */
  whenProvided(ready: () => void): void {
    this.#ready = ready
  }

  /** What is wanted can be served. */
  provided(): void {
    const ready = this.#ready
    this.#ready = undefined
    ready?.()
  }

  /** Takes what the filter has said. */
  apply(settings: FilterSettings): void {
    this.settings = settings
    for (const { session } of this.#sessions) session.cutDetection = settings.cut_detection
  }

  /** There is nothing to serve with: the frame is given up. */
  giveUp(): void {
    const frame = this.channel.takeFrame(this.#pixels)
    if (frame === undefined) return
    this.#pixels = frame.pixels
    this.channel.drop(frame, 'unready')
  }

  /** Takes the newest frame, steps, and answers. One step at a time. */
  step(): Promise<Turn> {
    const turn = this.#step()
    this.#turn = turn.catch(() => undefined)
    return turn
  }

  async #step(): Promise<Turn> {
    if (this.#serving === undefined) {
      this.giveUp()
      return { kind: 'nothing' }
    }
    const began = performance.now()
    const frame = this.channel.takeFrame(this.#pixels)
    if (frame === undefined) return { kind: 'nothing' }
    this.#pixels = frame.pixels
    const { pixels: data, width, height, epoch, reason } = frame
    this.#isFullSize = frame.sourceWidth === width && frame.sourceHeight === height
    if (this.#next?.key.width === width && this.#next.key.height === height) await this.#swap()
    // The filter may have left meanwhile.
    const serving = this.#serving as Serving | undefined
    if (serving?.key.width !== width || serving.key.height !== height) {
      this.channel.drop(frame, 'unready')
      return { kind: 'nothing' }
    }
    const { session, key } = serving
    try {
      const answer = await session.step({ data, width, height, epoch, reason })
      const { planes, reset, runMs } = answer
      const ours = isOurs(reset) ? reset : undefined
      if (ours) this.#resets[ours]++
      const fate = this.channel.writeMatte(frame, planes, ours ?? 'none')
      const busyMs = performance.now() - began
      this.#window.busyMs += busyMs
      this.record?.write(this.channel.hello.filterId, frame, key, { ...answer, besideMs: busyMs - runMs })
      if (fate === 'nonFinite') return this.#answeredBroken(session)
      this.#broken = 0
      if (fate === 'ok') this.#window.answered++
      this.#window.runMs += runMs
      return { kind: 'answered', runMs }
    } catch (error) {
      this.channel.drop(frame, 'error')
      this.#resets.error++
      if (!(error instanceof MatteboxError)) throw error
      return { kind: 'failed', error }
    }
  }

  /** Figures since the last report, which begin anew. @param totalBusyMs - of all sources in the same time */
  report(engine: EngineState, error: SourceReport['sidecar']['error'], totalBusyMs: number): SourceReport {
    const { answered, runMs, busyMs, began } = this.#window
    const now = performance.now()
    this.#window = { answered: 0, runMs: 0, busyMs: 0, began: now }
    const { counters } = this.channel
    const ready = engine.state === 'ready' ? engine : undefined
    return {
      hello: { ...this.channel.hello, ...this.names },
      settings: this.settings,
      filter: this.filterStats,
      sidecar: {
        provider: ready?.provider ?? '',
        device: ready?.device ?? '',
        model: ready?.model ?? '',
        inferenceMs: answered > 0 ? runMs / answered : 0,
        ...counters,
        resets: { ...this.#resets },
        error,
      },
      plan: this.plan ?? null,
      scene: this.scene,
      answeredPerSecond: now > began ? (1000 * answered) / (now - began) : 0,
      share: totalBusyMs > 0 ? busyMs / totalBusyMs : 0,
      counters,
    }
  }

  /** Time spent on this source since the last report, in milliseconds. */
  get busyMs(): number {
    return this.#window.busyMs
  }

  async end(): Promise<void> {
    const sessions = this.#sessions
    this.#serving = this.#next = undefined
    await this.#turn
    for (const { session } of sessions) await session[Symbol.asyncDispose]()
  }

  get #sessions(): Serving[] {
    return [this.#serving, this.#next].filter((found) => found !== undefined)
  }

  async #swap(): Promise<void> {
    const old = this.#serving
    this.#serving = this.#next
    this.#next = undefined
    await old?.session[Symbol.asyncDispose]()
  }

  /** The channel wrote nothing and counted it. */
  #answeredBroken(session: MattingSession): Turn {
    session.reset('error')
    this.#broken++
    if (this.#broken < MOST_BROKEN_MATTES) return { kind: 'nothing' }
    const message = `The network answered numbers that are none (NaN or infinity) ${MOST_BROKEN_MATTES} times in a row.`
    const mend = 'Choose another provider, or check the model with `mattebox models verify`.'
    return { kind: 'failed', error: new MatteboxError('INFERENCE', message, mend) }
  }
}

function isOurs(reset: string | undefined): reset is SidecarResetReason {
  return reset === 'cut' || reset === 'restart' || reset === 'error'
}
