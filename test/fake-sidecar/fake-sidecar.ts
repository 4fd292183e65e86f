import { EventEmitter, once } from 'node:events'
import type { Complaint } from '../../src/errors/index.ts'
import { ChannelServer, type ChannelEnd } from '../../src/sidecar/inference/channel/index.ts'
import { LIMITS, MESSAGES } from '../../src/sidecar/inference/channel/wire.ts'
import { seededRandom } from '../model/seeded-random.ts'
import { WELL_BEHAVED, type Behaviour, type RecordedFrame } from './behaviour.ts'
import { FakeConnection, type MessageFromFilter } from './fake-connection.ts'
import { loadHookedAddon, type HookedChannel } from './hooked-addon.ts'

export interface FakeSidecarOptions {
  /** Path of the socket; the filter finds it by MATTEBOX_SOCKET. */
  readonly socket: string
  readonly behaviour?: Partial<Behaviour>
  /** Of random delays and losses. */
  readonly seed?: number
  /** How many of a frame's first pixels are remembered; Infinity: all. Default: 4. */
  readonly recordPixels?: number
}

export type RecordedMessage = MessageFromFilter & { readonly connection: number }

export interface FakeSidecarEvents {
  connection: [FakeConnection]
  frame: [RecordedFrame]
  message: [RecordedMessage]
  refused: [Complaint]
  /** A connection ended, by its number. */
  ended: [number, ChannelEnd]
}

/**
 * A sidecar without an engine, on the real addon: it answers frames with made-up mattes, late, lossy or lying as it is
 * told (`behave`), and remembers all that it hears.
 */
export class FakeSidecar extends EventEmitter<FakeSidecarEvents> {
  /** All that ever were, by their numbers. */
  readonly connections: FakeConnection[] = []
  readonly frames: RecordedFrame[] = []
  readonly messages: RecordedMessage[] = []
  readonly refused: Complaint[] = []
  readonly random: () => number
  readonly recordPixels: number
  #behaviour: Behaviour
  readonly #server: ChannelServer
  readonly #natives = new Set<HookedChannel>()

  constructor({ socket, behaviour = {}, seed = 1, recordPixels = 4 }: FakeSidecarOptions) {
    super()
    this.#behaviour = { ...WELL_BEHAVED, ...behaviour }
    this.random = seededRandom(seed)
    this.recordPixels = recordPixels
    const addon = loadHookedAddon((native) => this.#watch(native))
    this.#server = new ChannelServer({ path: socket, sidecar: 'fake', admit: () => this.#admit(), addon })
    this.#server.on('connection', (channel) => {
      const connection = new FakeConnection(this, channel, this.connections.length)
      this.connections.push(connection)
      channel.on('closed', (end) => this.emit('ended', connection.number, end))
      this.emit('connection', connection)
    })
    this.#server.on('refused', (complaint) => {
      this.refused.push(complaint)
      this.emit('refused', complaint)
    })
  }

  get behaviour(): Behaviour {
    return this.#behaviour
  }

  /** Those that are open. */
  get open(): FakeConnection[] {
    return this.connections.filter(({ channel }) => !channel.isClosed)
  }

  /** Behaves differently from now on, to all filters. */
  behave(changes: Partial<Behaviour>): void {
    this.#behaviour = { ...this.#behaviour, ...changes }
    for (const native of this.#natives) native.hookReading(this.#behaviour.reading)
    for (const connection of this.open) connection.pump()
  }

  /** The next connection, or the first that is open. */
  async connected(): Promise<FakeConnection> {
    return this.open.at(0) ?? ((await once(this, 'connection')) as [FakeConnection])[0]
  }

  /** Stops listening and hangs up on everybody; resolves once all is closed. */
  async close(): Promise<void> {
    const closed = [once(this.#server, 'closed'), ...this.open.map(({ channel }) => once(channel, 'closed'))]
    this.#server.close()
    for (const { channel } of this.open) channel.close()
    await Promise.all(closed)
  }

  #admit(): Complaint | undefined | Promise<undefined> {
    const { admit } = this.#behaviour
    if (admit === 'hang') return new Promise(() => undefined)
    return admit === 'welcome' ? undefined : admit
  }

  /** From before its hello on. */
  #watch(native: HookedChannel): void {
    this.#natives.add(native)
    const send = native.send.bind(native)
    const lyingSend = (type: number, text: string): boolean => {
      const wire = this.#behaviour.welcomeWire
      if (type !== MESSAGES.welcome || wire === null || wire === LIMITS.wireVersion) return send(type, text)
      return send(type, JSON.stringify({ ...(JSON.parse(text) as object), wire }))
    }
    Object.defineProperty(native, 'send', { value: lyingSend })
    // The handshake is about to set its handlers, which begins the reading.
    if (!this.#behaviour.reading) setImmediate(() => native.hookReading(this.#behaviour.reading))
  }
}
