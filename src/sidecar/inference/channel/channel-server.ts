import { EventEmitter } from 'node:events'
import type { Complaint, MatteboxError } from '../../../errors/index.ts'
import { loadAddon, type Addon, type NativeChannel, type NativeServer } from './addon.ts'
import { Channel } from './channel.ts'
import { notAccepting, notListening, stranger } from './channel-error.ts'
import { shakeHands, type Admit, type Handshake } from './handshake.ts'

export interface ListenOptions {
  /** Default: MATTEBOX_SOCKET, else `~/.local/state/mattebox/channel.sock`. A socket that is there is replaced. */
  readonly path?: string | undefined
  /** This side's version, told to filters. */
  readonly sidecar: string
  /** Default: every filter that speaks this version of the wire. */
  readonly admit?: Admit
  readonly addon?: Addon
}

export interface ChannelServerEvents {
  /** A filter was welcomed. Listen to the channel's events before anything is awaited. */
  connection: [Channel]
  /** Somebody was sent away: the reason, as it was told to him. */
  refused: [Complaint]
  /** Filters cannot be connected for now; tried again every second. */
  failed: [MatteboxError]
  closed: []
}

const RETRY_MS = 1000

/** Where filters connect. It closes without touching the channels that were welcomed. */
export class ChannelServer extends EventEmitter<ChannelServerEvents> {
  readonly path: string
  readonly #native: NativeServer
  readonly #handshakes = new Set<Handshake>()
  #retry: NodeJS.Timeout | undefined

  /**
   * Listens, at once.
   *
   * @throws {MatteboxError} CHANNEL_ADDON, CHANNEL_SOCKET
   */
  constructor({ path, sidecar, admit = () => undefined, addon = loadAddon() }: ListenOptions) {
    super()
    let found = path ?? ''
    try {
      found = path ?? addon.socketPath()
      this.#native = new addon.ChannelServer(found, {
        accepted: (channel) => this.#shakeHands(channel, sidecar, admit),
        refused: () => this.emit('refused', stranger()),
        failed: (code) => {
          this.#retry = setTimeout(() => this.#native.resume(), RETRY_MS)
          this.emit('failed', notAccepting(code))
        },
        closed: () => this.emit('closed'),
      })
    } catch (error) {
      throw notListening(found, error)
    }
    this.path = found
  }

  /** May be called at any time and again. Filters in mid-handshake are let go of; `closed` follows later, once. */
  close(): void {
    clearTimeout(this.#retry)
    this.#native.close()
    for (const handshake of this.#handshakes) handshake.abandon()
  }

  #shakeHands(native: NativeChannel, sidecar: string, admit: Admit): void {
    const over = (): void => void this.#handshakes.delete(handshake)
    const handshake = shakeHands(native, sidecar, admit, {
      welcomed: (hello, size) => {
        over()
        this.emit('connection', new Channel(native, hello, size))
      },
      refused: (complaint) => {
        over()
        this.emit('refused', complaint)
      },
      gone: over,
    })
    this.#handshakes.add(handshake)
  }
}
