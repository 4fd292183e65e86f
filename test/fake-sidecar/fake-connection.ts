import type { ChannelCounters } from '../../src/sidecar/inference/channel/addon.ts'
import type {
  Channel,
  FilterReset,
  FilterStats,
  Frame,
  Hello,
  Renamed,
  Scene,
} from '../../src/sidecar/inference/channel/index.ts'
import { MESSAGES } from '../../src/sidecar/inference/channel/wire.ts'
import type { FilterSettings } from '../../src/settings/index.ts'
import type { Lie } from './behaviour.ts'
import type { FakeSidecar } from './fake-sidecar.ts'
import type { HookedChannel } from './hooked-addon.ts'
import { namedMatte, type MatteName, type Matte } from './mattes.ts'

/** A control message of a filter. */
export type MessageFromFilter =
  | { readonly name: 'hello'; readonly body: Hello }
  | { readonly name: 'settings'; readonly body: FilterSettings }
  | { readonly name: 'renamed'; readonly body: Renamed }
  | { readonly name: 'scene'; readonly body: Scene }
  | { readonly name: 'reset'; readonly body: FilterReset }
  | { readonly name: 'stats'; readonly body: FilterStats }

const STATS_MS = 1000
const HALF_ONE = 0x3c00

/** One filter at a fake sidecar. `channel` is the real thing: `set`, `cover`, `reset`, `stats`, `bye`, `close`. */
export class FakeConnection {
  /** The filter's settings, once it has said them. */
  settings: FilterSettings | undefined
  #inWork = 0
  #buffer: Uint8Array | undefined
  readonly #mattes = new Map<MatteName, Matte>()

  constructor(
    private readonly sidecar: FakeSidecar,
    readonly channel: Channel,
    /** Place in the sidecar's `connections`. */
    readonly number: number,
  ) {
    const remember = (message: MessageFromFilter): void => {
      const recorded = { ...message, connection: number }
      sidecar.messages.push(recorded)
      sidecar.emit('message', recorded)
    }
    remember({ name: 'hello', body: channel.hello })
    channel.on('settings', (body) => {
      this.settings = body
      remember({ name: 'settings', body })
    })
    channel.on('renamed', (body) => remember({ name: 'renamed', body }))
    channel.on('scene', (body) => remember({ name: 'scene', body }))
    channel.on('reset', (body) => remember({ name: 'reset', body }))
    channel.on('stats', (body) => remember({ name: 'stats', body }))
    channel.on('frames', () => this.pump())
    const timer = setInterval(() => this.#sayStats(), STATS_MS)
    channel.on('closed', () => clearInterval(timer))
    setImmediate(() => this.#sayStats())
  }

  get counters(): ChannelCounters {
    return this.channel.counters
  }

  /** Puts bytes on the socket as one message, whatever they are. */
  sendBytes(bytes: Uint8Array): boolean {
    return this.#native.hookSend(bytes)
  }

  /** Sends a control message with any text. */
  sendText(name: keyof typeof MESSAGES, text: string): boolean {
    return this.sendBytes(Buffer.concat([Buffer.of(MESSAGES[name]), Buffer.from(text)]))
  }

  /** Sets the rings' indexes to what cannot be. */
  breakIndexes(): void {
    this.#native.hookIndexes()
  }

  /** @internal takes and answers what there is, within the behaviour */
  pump(): void {
    const { sidecar, channel } = this
    while (sidecar.behaviour.taking && this.#inWork < sidecar.behaviour.overlap) {
      const frame = channel.takeFrame(sidecar.behaviour.overlap === 1 ? this.#buffer : undefined)
      if (frame === undefined) return
      this.#buffer = frame.pixels
      this.#remember(frame)
      const { delayMs } = sidecar.behaviour
      const [from, to] = typeof delayMs === 'number' ? [delayMs, delayMs] : delayMs
      const wait = from + (to - from) * sidecar.random()
      if (wait === 0) {
        this.#answer(frame)
        continue
      }
      this.#inWork++
      setTimeout(() => {
        this.#inWork--
        this.#answer(frame)
        this.pump()
      }, wait)
    }
  }

  get #native(): HookedChannel {
    return this.channel['native'] as HookedChannel
  }

  #answer(frame: Frame): void {
    const { sidecar, channel } = this
    const { lose, lie, matte, planes } = sidecar.behaviour
    if (channel.isClosed) return
    if (sidecar.random() < lose) return channel.drop(frame, 'error')
    const count = planes === 'as-set' ? ((this.settings?.decontaminate ?? true) ? 8 : 2) : planes
    if (lie !== null) {
      this.#lie(frame, count, lie)
      return channel.drop(frame, 'error')
    }
    const made = typeof matte === 'function' ? matte : this.#named(matte)
    channel.writeMatte(frame, made(frame, count))
  }

  #named(name: MatteName): Matte {
    let matte = this.#mattes.get(name)
    if (matte === undefined) this.#mattes.set(name, (matte = namedMatte(name)))
    return matte
  }

  /** Opaque, so that it would be seen. */
  #lie({ id, epoch, width, height }: Frame, planes: 2 | 8, lie: Lie): void {
    const texels = new Uint16Array(planes * width * height).fill(HALF_ONE)
    const fields = { frameId: id + (lie.id ?? 0), epoch: epoch + (lie.epoch ?? 0), planes, width, height, reason: 0 }
    const { planes: count, width: wide, height: high, reason } = lie
    const replaced = { planes: count, width: wide, height: high, reason }
    const said = Object.fromEntries(Object.entries(replaced).filter(([, value]) => value !== undefined))
    this.#native.hookMatte({ ...fields, ...said }, new Uint8Array(texels.buffer))
  }

  #remember(frame: Frame): void {
    const { recordPixels, frames } = this.sidecar
    const pixels = Array.from(frame.pixels.subarray(0, recordPixels * 4))
    const recorded = { ...frame, pixels, connection: this.number }
    frames.push(recorded)
    this.sidecar.emit('frame', recorded)
  }

  #sayStats(): void {
    const { stats } = this.sidecar.behaviour
    if (stats === null || this.channel.isClosed) return
    const nothing = { provider: 'cpu', device: '', model: 'fake', inferenceMs: 0, resets: {}, error: null }
    this.channel.stats({ ...nothing, ...this.counters, ...stats })
  }
}
