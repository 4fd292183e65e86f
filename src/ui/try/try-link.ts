import type { TryFailure, TryFrame } from '../../api/index.ts'
import { TRY_PATH } from '../../api/paths.ts'
import type { Complaint } from '../../errors/complaint.ts'
import { LastingSocket } from '../lasting-socket.ts'
import { decodeTryMatte, encodeTryFrame, type ReceivedMatte } from '../matte/try-message.ts'

/** What becomes of a frame that was sent, or of the connection. */
export interface TryEvents {
  readonly onMatte: (matte: ReceivedMatte) => void
  /** The frame gets no matte: it was dropped, or the connection went away with it. */
  readonly onDropped: () => void
  readonly onError: (error: Complaint) => void
  /** Frames can be sent, or no longer. */
  readonly onOpen: (isOpen: boolean) => void
}

/** The server answers within 5 s, whatever happens to the network. */
const PATIENCE_MS = 10_000

/** The socket on which frames are matted: one frame in flight. It connects again until it is closed. */
export class TryLink {
  readonly #events: TryEvents
  readonly #socket: LastingSocket
  #inFlight: { readonly id: number; readonly givesUp: number } | undefined

  constructor(events: TryEvents) {
    this.#events = events
    this.#socket = new LastingSocket(TRY_PATH, {
      onOpen: () => events.onOpen(true),
      onMessage: (data) => {
        if (typeof data === 'string') this.#hearFailure(JSON.parse(data) as TryFailure)
        else this.#hearMatte(decodeTryMatte(data))
      },
      onAway: () => {
        events.onOpen(false)
        if (this.#settle()) events.onDropped()
      },
    })
  }

  /** Whether a frame may be sent now. */
  get isFree(): boolean {
    return this.#socket.isOpen && !this.#inFlight
  }

  /** @param rgba - uint8 [height, width, 4], straight */
  send(frame: TryFrame, rgba: Uint8Array): void {
    // A socket that was never closed says nothing where the other side is stopped.
    this.#inFlight = { id: frame.id, givesUp: window.setTimeout(() => this.#socket.giveUp(), PATIENCE_MS) }
    this.#socket.send(encodeTryFrame(frame, rgba))
  }

  close(): void {
    this.#settle()
    this.#socket.close()
  }

  #hearMatte(matte: ReceivedMatte): void {
    if (matte.header.id !== this.#inFlight?.id) return
    this.#settle()
    this.#events.onMatte(matte)
  }

  #hearFailure(failure: TryFailure): void {
    const isOurs = failure.id === this.#inFlight?.id
    if (isOurs || failure.id === null) this.#settle()
    if (failure.kind === 'error') this.#events.onError(failure.error)
    else if (isOurs) this.#events.onDropped()
  }

  /** Whether a frame was in flight. */
  #settle(): boolean {
    const wasInFlight = this.#inFlight !== undefined
    clearTimeout(this.#inFlight?.givesUp)
    this.#inFlight = undefined
    return wasInFlight
  }
}
