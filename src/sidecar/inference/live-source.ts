import { MatteboxError } from '../../errors/index.ts'
import type { FilterSettings } from '../../settings/index.ts'
import {
  MOST_RECENT_RESETS,
  type EngineState,
  type PictureFigures,
  type RecentReset,
  type SourcePlan,
  type SourceReport,
} from '../contract/inference-process.ts'
import { brokenMatte, MOST_BROKEN_MATTES } from './broken-mattes.ts'
import type { Channel, FilterReset, FilterStats, Frame, Renamed, SidecarResetReason, Size } from './channel/index.ts'
import type { FrameRecord } from './frame-record.ts'
import type { LowPicture } from './low-picture.ts'
import type { MattingSession } from './matting-session.ts'
import { networkName, type NetworkKey } from './network-pool.ts'
import { pictureFigures } from './picture-figures.ts'

/** What became of a turn. */
export type Turn =
  | { readonly kind: 'answered'; readonly runMs: number; readonly reset: SidecarResetReason | undefined }
  /** A frame was taken and not answered, for a reason that is counted. */
  | { readonly kind: 'unanswered' }
  /** No frame waited. */
  | { readonly kind: 'nothing' }
  /** The runtime failed: the provider is not to be trusted any more. */
  | { readonly kind: 'failed'; readonly error: MatteboxError }

interface Serving {
  readonly session: MattingSession
  readonly key: NetworkKey
}

/** A source that sends nothing for longer is hidden, or does not move. */
const STILL_MS = 2000

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
  /** Newest first. */
  #recentResets: readonly RecentReset[] = []
  #sourceSize: Size | null = null
  #picture: LowPicture | undefined
  /** When that one was taken. */
  #taken = -Infinity
  /** Since the last `measure`, and what that one found. */
  #window = { answered: 0, runMs: 0, busyMs: 0, began: performance.now(), hasLooked: false }
  #figures = { answeredPerSecond: 0, share: 0, inferenceMs: 0 }
  #pictureFigures: PictureFigures | null = null

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

  /** Whether somebody would see it stop: it is served, and sent a frame a moment ago. */
  get isFilming(): boolean {
    return this.isServed && performance.now() - this.#taken < STILL_MS
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

  /** Notes a reset that the filter told of. */
  filterReset({ reason, from, to }: FilterReset): void {
    this.#note({ reason, by: 'filter', from, to })
  }

  /** The frame that was taken last, and its planes; its memory is used again at the next step. */
  get picture(): LowPicture | undefined {
    return this.#picture
  }

  /** Takes the figures of that picture, once between two `measure`. */
  lookAtPicture(): void {
    if (this.#picture === undefined || this.#window.hasLooked) return
    this.#window.hasLooked = true
    this.#pictureFigures = pictureFigures(this.#picture)
  }

  /** Takes the newest frame, steps, and answers. One step at a time. */
  step(): Promise<Turn> {
    const turn = this.#step()
    this.#turn = turn.catch(() => undefined)
    return turn
  }

  async #step(): Promise<Turn> {
    const began = performance.now()
    const frame = this.#takeFrame()
    if (frame === undefined) return { kind: 'nothing' }
    const { pixels: data, width, height, epoch, reason } = frame
    if (this.#next?.key.width === width && this.#next.key.height === height) await this.#swap()
    // The filter may have left meanwhile.
    const serving = this.#serving
    if (serving?.key.width !== width || serving.key.height !== height) {
      this.channel.drop(frame, 'unready')
      return { kind: 'unanswered' }
    }
    const { session, key } = serving
    try {
      const answer = await session.step({ data, width, height, epoch, reason })
      const { planes, reset, runMs } = answer
      const ours = isOurs(reset) ? reset : undefined
      if (ours) this.#resets[ours]++
      const fate = this.channel.writeMatte(frame, planes, ours ?? 'none')
      if (ours) this.#note({ reason: ours, by: 'sidecar', from: null, to: null })
      const busyMs = performance.now() - began
      this.#window.busyMs += busyMs
      this.record?.write(this.channel.hello.filterId, frame, key, { ...answer, besideMs: busyMs - runMs })
      if (fate === 'nonFinite') return this.#answeredBroken(session)
      this.#broken = 0
      this.#picture = { frameId: frame.id, width, height, pixels: data, planes }
      if (fate === 'ok') this.#window.answered++
      this.#window.runMs += runMs
      return { kind: 'answered', runMs, reset: ours }
    } catch (error) {
      this.channel.drop(frame, 'error')
      this.#resets.error++
      if (!(error instanceof MatteboxError)) throw error
      return { kind: 'failed', error }
    }
  }

  /** Takes the figures since the last time, which begin anew. @param totalBusyMs - of all sources in the same time */
  measure(totalBusyMs: number): void {
    const { answered, runMs, busyMs, began } = this.#window
    const now = performance.now()
    this.#window = { answered: 0, runMs: 0, busyMs: 0, began: now, hasLooked: false }
    this.#figures = {
      answeredPerSecond: now > began ? (1000 * answered) / (now - began) : 0,
      share: totalBusyMs > 0 ? busyMs / totalBusyMs : 0,
      inferenceMs: answered > 0 ? runMs / answered : 0,
    }
  }

  /** What is to be told now; the figures are of the last `measure`. */
  report(engine: EngineState): SourceReport {
    const { counters } = this.channel
    const ready = engine.state === 'ready' ? engine : undefined
    const { inferenceMs, ...figures } = this.#figures
    return {
      hello: { ...this.channel.hello, ...this.names },
      settings: this.settings,
      filter: this.filterStats,
      sidecar: {
        provider: ready?.provider ?? '',
        device: ready?.device ?? '',
        model: ready?.model ?? '',
        inferenceMs,
        ...counters,
        resets: { ...this.#resets },
        error: engine.state === 'none' ? engine.error : null,
      },
      plan: this.plan ?? null,
      scene: this.scene,
      ...figures,
      counters,
      sourceSize: this.#sourceSize,
      recentResets: this.#recentResets,
      picture: this.#pictureFigures,
    }
  }

  /** Time spent on this source since the last `measure`, in milliseconds. */
  get busyMs(): number {
    return this.#window.busyMs
  }

  async end(): Promise<void> {
    const sessions = this.#sessions
    this.#serving = this.#next = undefined
    await this.#turn
    for (const { session } of sessions) await session[Symbol.asyncDispose]()
  }

  #takeFrame(): Frame | undefined {
    const frame = this.channel.takeFrame(this.#pixels)
    if (frame === undefined) return undefined
    const { id, width, height, sourceWidth, sourceHeight, pixels } = frame
    this.#pixels = pixels
    this.#isFullSize = sourceWidth === width && sourceHeight === height
    this.#sourceSize = { width: sourceWidth, height: sourceHeight }
    this.#picture = { frameId: id, width, height, pixels, planes: null }
    this.#taken = performance.now()
    return frame
  }

  #note(reset: Omit<RecentReset, 'atMs'>): void {
    this.#recentResets = [{ atMs: Date.now(), ...reset }, ...this.#recentResets].slice(0, MOST_RECENT_RESETS)
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
    if (this.#broken < MOST_BROKEN_MATTES) return { kind: 'unanswered' }
    return { kind: 'failed', error: brokenMatte(MOST_BROKEN_MATTES) }
  }
}

function isOurs(reset: string | undefined): reset is SidecarResetReason {
  return reset === 'cut' || reset === 'restart' || reset === 'error'
}
