/** What becomes of the connection, and what is heard on it. */
export interface SocketEvents {
  readonly onOpen: () => void
  readonly onMessage: (data: string | ArrayBuffer) => void
  /** It went away; another one follows by itself. */
  readonly onAway: () => void
}

const FIRST_WAIT_MS = 250
const LONGEST_WAIT_MS = 5000

/** A WebSocket to the panel's server, which connects again until it is closed. */
export class LastingSocket {
  readonly #path: string
  readonly #events: SocketEvents
  #socket: WebSocket | undefined
  #waitMs = FIRST_WAIT_MS
  #again: number | undefined

  constructor(path: string, events: SocketEvents) {
    this.#path = path
    this.#events = events
    this.#connect()
  }

  get isOpen(): boolean {
    return this.#socket?.readyState === WebSocket.OPEN
  }

  send(data: string | Uint8Array<ArrayBuffer>): void {
    this.#socket?.send(data)
  }

  /** Lets a connection go on which nobody answers: a browser that closes one waits for the other side for a minute. */
  giveUp(): void {
    const socket = this.#socket
    if (!socket) return
    this.#leave(socket)
    this.#goAway()
  }

  close(): void {
    clearTimeout(this.#again)
    if (this.#socket) this.#leave(this.#socket)
  }

  #connect(): void {
    const socket = new WebSocket(new URL(this.#path, location.href.replace(/^http/, 'ws')))
    this.#socket = socket
    socket.binaryType = 'arraybuffer'
    socket.onopen = () => {
      this.#waitMs = FIRST_WAIT_MS
      this.#events.onOpen()
    }
    socket.onmessage = ({ data }: MessageEvent<string | ArrayBuffer>) => this.#events.onMessage(data)
    socket.onclose = () => this.#goAway()
  }

  #leave(socket: WebSocket): void {
    socket.onopen = socket.onmessage = socket.onclose = null
    socket.close()
    this.#socket = undefined
  }

  #goAway(): void {
    this.#socket = undefined
    this.#events.onAway()
    this.#again = window.setTimeout(() => this.#connect(), this.#waitMs)
    this.#waitMs = Math.min(2 * this.#waitMs, LONGEST_WAIT_MS)
  }
}
