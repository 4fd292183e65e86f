import { EventEmitter } from 'node:events'
import { Value } from 'typebox/value'
import { MatteboxError } from '../../../errors/index.ts'
import { FilterSettings } from '../../../settings/index.ts'
import type { ChannelCounters, MatteFate, NativeChannel } from './addon.ts'
import { breach, endOf, unread } from './channel-error.ts'
import type { FilterReset, FilterStats, Hello, Renamed, Scene, SidecarStats, Size, ToFilter } from './messages.ts'
import { parseMessage } from './parse-message.ts'
import { MESSAGES, WIRE_REASONS, type FilterResetReason, type SidecarResetReason } from './wire.ts'

/** A frame that a filter sent; it stays open until it is answered or dropped. */
export interface Frame {
  /** Counts the filter's captures, from 1. */
  readonly id: number
  /** Counts the filter's resets, from 1: the recurrent state begins anew where it changes. */
  readonly epoch: number
  /** Why the epoch began. */
  readonly reason: FilterResetReason
  /** When it was captured, on CLOCK_MONOTONIC; beyond 104 days exact to a few nanoseconds. */
  readonly timestampNs: number
  /** The low resolution: sides of `pixels`. */
  readonly width: number
  readonly height: number
  readonly sourceWidth: number
  readonly sourceHeight: number
  /** BGRA [height, width, 4], straight alpha, gamma-encoded. */
  readonly pixels: Uint8Array
}

/** Why a channel ended; without an error one of the two sides wanted it. */
export interface ChannelEnd {
  readonly error?: MatteboxError
}

export interface ChannelEvents {
  /** Frames wait, or waited a moment ago: take the newest. */
  frames: []
  settings: [FilterSettings]
  renamed: [Renamed]
  scene: [Scene]
  reset: [FilterReset]
  stats: [FilterStats]
  /**
   * The filter wants another low resolution, and its memory is at hand: the old one serves until `ready` is called.
   * Where nobody listens that is at once.
   */
  size: [Size, ready: () => void]
  /** The last event, once. */
  closed: [ChannelEnd]
}

/** One filter in OBS that was welcomed: its frames, its mattes and its messages. */
export class Channel extends EventEmitter<ChannelEvents> {
  #end: ChannelEnd = {}
  #closed = false
  #size: Size

  /** @internal channels come from a `ChannelServer` */
  constructor(
    private readonly native: NativeChannel,
    readonly hello: Hello,
    size: Size,
  ) {
    super()
    this.#size = size
    native.handle({
      frames: () => this.emit('frames'),
      message: (type, text, hasMemory) => this.#receive(type, text, hasMemory),
      closed: (code, fault) => {
        this.#closed = true
        const error = endOf(code, fault)
        this.emit('closed', error ? { error } : this.#end)
      },
    })
  }

  /**
   * Takes the newest frame; older ones are dropped (`newer`). Undefined where none waits or the channel is closed.
   *
   * @param into - memory that the pixels go to where it has the right length; else they get new memory
   */
  takeFrame(into?: Uint8Array): Frame | undefined {
    const frame = this.native.takeFrame(into)
    // On the hot path: the frame is new and nobody else's.
    if (frame === null) return undefined
    return Object.assign(frame, { reason: WIRE_REASONS[frame.reason] as FilterResetReason })
  }

  /**
   * Answers a frame. The fate of a matte that could not be written is counted under its reason.
   *
   * @param planes - coefficients, float32 [2 or 8, height, width]; with one that is NaN or infinite nothing is written
   * @param reset - why the recurrent state began anew at this frame, where the sidecar decided it
   */
  writeMatte(frame: Pick<Frame, 'id'>, planes: Float32Array, reset: SidecarResetReason | 'none' = 'none'): MatteFate {
    return this.native.writeMatte(frame.id, planes, WIRE_REASONS.indexOf(reset))
  }

  /** As `writeMatte`, for coefficients that are fp16 texels already, as in wire.h. */
  writeTexels(
    frame: Pick<Frame, 'id'>,
    texels: Uint8Array,
    planes: 2 | 8,
    reset: SidecarResetReason | 'none' = 'none',
  ): MatteFate {
    return this.native.writeTexels(frame.id, texels, planes, WIRE_REASONS.indexOf(reset))
  }

  /** Gives a frame up: there is no engine for it yet, or the engine failed on it. */
  drop(frame: Pick<Frame, 'id'>, reason: 'unready' | 'error'): void {
    this.native.drop(frame.id, reason)
  }

  /**
   * Asks the filter to change settings; it answers with `settings`.
   *
   * @throws {MatteboxError} USAGE, naming the first that is no setting or out of range
   */
  set(changes: Partial<FilterSettings>): void {
    for (const [key, value] of Object.entries(changes)) {
      const schema = Object.hasOwn(FilterSettings.properties, key)
        ? FilterSettings.properties[key as keyof FilterSettings]
        : undefined
      if (schema === undefined || !Value.Check(schema, value)) {
        const message =
          schema === undefined ? `There is no setting ${key}.` : `${key} cannot be ${JSON.stringify(value)}.`
        throw new MatteboxError('USAGE', message, 'See the table of settings in the guide.')
      }
    }
    this.#send('set', changes)
  }

  /** Asks the filter for a reset. */
  reset(): void {
    this.#send('reset', {})
  }

  /** Shows the policy's picture, or no longer. */
  cover(on: boolean): void {
    this.#send('cover', { on })
  }

  /** Says the sidecar's figures. */
  stats(stats: SidecarStats): void {
    // A filter that does not read for a while misses some.
    this.native.send(MESSAGES.stats, JSON.stringify(stats))
  }

  /** Sends the filter away to connect anew at once, and closes. */
  bye(): void {
    this.#send('bye', {})
    this.close()
  }

  /** The low resolution that the filter wants: of its frames, or of those that follow once `ready` is said. */
  get size(): Size {
    return this.#size
  }

  /** Frames by what became of them; after `closed` they add up. */
  get counters(): ChannelCounters {
    return this.native.counters()
  }

  /** Whether `closed` was emitted. */
  get isClosed(): boolean {
    return this.#closed
  }

  /** May be called at any time and again; `closed` follows later, once. */
  close(): void {
    this.native.close()
  }

  #send<Name extends keyof ToFilter>(name: Name, body: ToFilter[Name]): void {
    if (this.native.send(MESSAGES[name], JSON.stringify(body))) return
    this.#fail(unread())
  }

  #fail(error: MatteboxError): void {
    if (this.#end.error === undefined) this.#end = { error }
    this.native.close()
  }

  #receive(type: number, text: string, hasMemory: boolean): void {
    try {
      const { name, body } = parseMessage(type, text)
      switch (name) {
        case 'hello':
          throw breach('a second hello')
        case 'memory':
          return this.#adopt(body, hasMemory)
        case 'settings':
          return void this.emit('settings', body)
        case 'renamed':
          return void this.emit('renamed', body)
        case 'scene':
          return void this.emit('scene', body)
        case 'reset':
          return void this.emit('reset', body)
        case 'stats':
          return void this.emit('stats', body)
      }
    } catch (error) {
      if (!(error instanceof MatteboxError)) throw error
      this.#fail(error)
    }
  }

  /** The old memory serves until the first frame in the new one. */
  #adopt({ width, height }: Size, hasMemory: boolean): void {
    if (!hasMemory) throw breach('a memory message without memory')
    const memory = this.native.adopt()
    if (typeof memory === 'string') throw breach(`memory that cannot be used: ${memory}`)
    if (memory.width !== width || memory.height !== height) {
      throw breach(`memory of ${memory.width}x${memory.height} that it called ${width}x${height}`)
    }
    this.#size = { width, height }
    const ready = (): void => {
      if (!this.#closed) this.#send('ready', { width, height })
    }
    if (!this.emit('size', this.#size, ready)) ready()
  }
}
