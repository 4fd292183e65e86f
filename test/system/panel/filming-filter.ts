/** A filter without OBS that films and does what the panel tells it, on the real channel. */
import { setTimeout as sleep } from 'node:timers/promises'
import { lowResolution } from '../../../src/model/low-resolution.ts'
import { FilterSettings } from '../../../src/settings/index.ts'
import { MESSAGES, WIRE_REASONS, type WireReason } from '../../../src/sidecar/inference/channel/wire.ts'
import { FilterPeer, type HELLO } from '../../native/addon/filter-peer.ts'

/** Of the source whose frames the peer writes. */
const SOURCE = { width: 1920, height: 1080 }
const STATS_MS = 300

export const DEFAULTS = Object.fromEntries(
  Object.entries(FilterSettings.properties).map(([key, { default: value }]) => [key, value]),
) as unknown as FilterSettings

export class FilmingFilter implements AsyncDisposable {
  settings = DEFAULTS
  covered = false
  /** Counted by reason, as OBS's filter counts them. */
  readonly resets: Partial<Record<WireReason, number>> = { first: 1 }
  /** What the sidecar has set, one after the other. */
  readonly sets: Partial<FilterSettings>[] = []
  #scene: string
  #epoch = 1
  #reason: WireReason = 'first'
  #size: { width: number; height: number }
  #isEnding = false
  #frame = 1
  #filming: Promise<void> | undefined
  readonly #todo: (() => Promise<void>)[] = []

  private constructor(
    private readonly peer: FilterPeer,
    { ratio, scene }: { ratio: number; scene: string },
    private readonly socket: string,
    private readonly hello: Partial<typeof HELLO>,
  ) {
    this.settings = { ...DEFAULTS, ratio }
    this.#size = lowResolution(SOURCE.width, SOURCE.height, ratio)
    this.#scene = scene
  }

  /** @param hello - other than the peer's usual names */
  static async connect(socket: string, hello: Partial<typeof HELLO>): Promise<FilmingFilter> {
    const filter = new FilmingFilter(FilterPeer.start(), { ratio: 0.05, scene: 'Desk' }, socket, hello)
    await filter.#join()
    filter.#filming = filter.#filmForEver()
    return filter
  }

  async #join(): Promise<void> {
    await this.peer.join(this.socket, { ...this.hello, ...this.#size })
    await this.#send('settings', this.settings)
    await this.#send('scene', { scene: this.#scene })
  }

  /** The sidecar may hang up, where a busy machine makes it start inference anew: filters connect again. */
  async #filmForEver(): Promise<void> {
    while (!this.#isEnding) {
      try {
        await this.#film()
      } catch (error) {
        if (!String(error).includes('EPIPE') && !String(error).includes('ECONN')) throw error
        await this.peer.tell('leave')
        await this.#join().catch(() => sleep(100))
      }
    }
  }

  /** As the user does in OBS. */
  set(changes: Partial<FilterSettings>): Promise<void> {
    return this.#soon(async () => {
      this.settings = { ...this.settings, ...changes }
      await this.#send('settings', this.settings)
    })
  }

  /** Is away for a moment, as where another inference process takes over. */
  changeOver(): Promise<void> {
    return this.#soon(async () => {
      await this.peer.tell('leave')
      await sleep(400)
      await this.#join()
    })
  }

  /** Another scene comes on program. */
  goTo(scene: string): Promise<void> {
    return this.#soon(async () => {
      const from = this.#scene
      this.#scene = scene
      await this.#send('scene', { scene })
      await this.#reset('scene', from, scene)
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isEnding = true
    await this.#filming
    await this.peer.end()
  }

  async #film(): Promise<void> {
    let statsAtMs = 0
    for (; !this.#isEnding; this.#frame++) {
      const id = this.#frame
      while (this.#todo.length > 0) await this.#todo.shift()!()
      if (await this.peer.frame(id, this.#epoch, WIRE_REASONS.indexOf(this.#reason))) await this.peer.do('bell')
      await this.#hear()
      // Without waiting: the peer forgets what it hears while it waits for a matte.
      while ((await this.peer.tell('matte 0')).startsWith('matte ')) continue
      if (performance.now() - statsAtMs > STATS_MS) {
        statsAtMs = performance.now()
        await this.#send('stats', this.#stats(id))
      }
      await sleep(10)
    }
  }

  async #hear(): Promise<void> {
    for (;;) {
      const found = /^message (\d+) (.*)$/.exec(await this.peer.tell('message 20'))
      if (found === null) return
      const [, type, text] = found
      const body = JSON.parse(text) as unknown
      if (Number(type) === MESSAGES.set) await this.#take(body as Partial<FilterSettings>)
      if (Number(type) === MESSAGES.reset) await this.#reset('asked', null, null)
      if (Number(type) === MESSAGES.cover) this.covered = (body as { on: boolean }).on
      if (Number(type) === MESSAGES.ready) {
        await this.peer.do('use')
        await this.#reset('size', null, null)
      }
    }
  }

  async #take(changes: Partial<FilterSettings>): Promise<void> {
    this.sets.push(changes)
    this.settings = { ...this.settings, ...changes }
    await this.#send('settings', this.settings)
    const size = lowResolution(SOURCE.width, SOURCE.height, this.settings.ratio)
    if (size.width === this.#size.width && size.height === this.#size.height) return
    this.#size = size
    await this.peer.do(`memory ${size.width} ${size.height}`)
    await this.peer.do(`offer ${MESSAGES.memory} ${JSON.stringify(size)}`)
  }

  async #reset(reason: WireReason, from: string | null, to: string | null): Promise<void> {
    this.#epoch++
    this.#reason = reason
    this.resets[reason] = (this.resets[reason] ?? 0) + 1
    await this.#send('reset', { epoch: this.#epoch, reason, from, to })
  }

  #stats(frames: number) {
    const { ratio, pairing } = this.settings
    const counted = { shown: frames, covered: 0, sent: frames, answered: frames, dropped: { full: 0 } }
    const figures = {
      fps: 30,
      delayMs: 66,
      latencyMs: 41,
      sufficesMs: 0,
      ...this.#size,
      ratio: ratio || 512 / SOURCE.width,
    }
    return { ...figures, ...counted, pairing, cover: this.covered, resets: this.resets, error: null }
  }

  async #send(type: keyof typeof MESSAGES, body: unknown): Promise<void> {
    await this.peer.do(`send ${MESSAGES[type]} ${JSON.stringify(body)}`)
  }

  #soon(work: () => Promise<void>): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#todo.push(() => work().then(resolve, reject))
    })
  }
}
