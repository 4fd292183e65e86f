import { STATUS_CODES, type IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { WebSocketServer, type WebSocket } from 'ws'
import { LIVE_PATH, TRY_PATH } from '../../api/index.ts'
import { LIVE_SIDE } from '../../settings/live-side.ts'
import type { Door } from './door.ts'
import { refusalOf } from './failure-status.ts'
import { Refusal } from './refusal.ts'

const SOCKETS_MAX = 64
/** A list of what is watched. */
const LIVE_MESSAGE_MAX = 64 * 1024
/** 4 MiB of pixels, and a header's room. */
const TRY_MESSAGE_MAX = 4 * LIVE_SIDE.max ** 2 + 64 * 1024
/** Past this, what was said lies unread for too long: the client is let go of. */
export const UNSENT_MAX = 8 * 1024 * 1024
/** Asked twice without an answer, a client has gone. */
const PING_MS = 15_000
const ROTATED_MS = 1000
const LEAVE_MS = 500

type AddSocket = (socket: WebSocket) => void

/** The panel's WebSockets: who is let in, how many, and how they end. What they say is for others. */
export class Sockets {
  readonly #servers = new Map<string, { readonly server: WebSocketServer; readonly add: AddSocket }>()
  readonly #answered = new WeakSet<WebSocket>()
  readonly #timers: readonly NodeJS.Timeout[]
  #secret: string | undefined

  constructor(
    readonly door: Door,
    add: { readonly live: AddSocket; readonly attempt: AddSocket },
    pingMs: number = PING_MS,
  ) {
    const options = { noServer: true, perMessageDeflate: false, clientTracking: true }
    const live = new WebSocketServer({ ...options, maxPayload: LIVE_MESSAGE_MAX })
    const attempt = new WebSocketServer({ ...options, maxPayload: TRY_MESSAGE_MAX })
    this.#servers.set(LIVE_PATH, { server: live, add: add.live })
    this.#servers.set(TRY_PATH, { server: attempt, add: add.attempt })
    this.#secret = door.secret.value
    this.#timers = [setInterval(() => this.#ping(), pingMs), setInterval(() => this.#checkSecret(), ROTATED_MS)]
  }

  /** Takes a connection that wants to be a WebSocket, or answers why not. */
  upgrade(request: IncomingMessage, connection: Duplex, head: Buffer): void {
    connection.on('error', () => connection.destroy())
    try {
      this.door.requireOwnPage(request)
      this.door.admitSocket(request)
      const found = this.#servers.get((request.url ?? '').split('?')[0])
      if (!found)
        throw new Refusal(404, 'REQUEST_UNKNOWN', 'There is no WebSocket at this address.', 'See docs/api.md.')
      if (this.#all().length >= SOCKETS_MAX) {
        const mend = 'Close some pages of the panel, or end some scripts.'
        throw new Refusal(503, 'PANEL_FULL', `${SOCKETS_MAX} WebSockets are open, as many as mattebox takes.`, mend)
      }
      found.server.handleUpgrade(request, connection, head, (socket) => {
        this.#answered.add(socket)
        // What it sends may be no WebSocket message; that ends it, and nothing else.
        socket.on('error', () => undefined).on('pong', () => this.#answered.add(socket))
        found.add(socket)
      })
    } catch (error) {
      refuse(connection, refusalOf(error))
    }
  }

  /** Tells every client that the panel goes away; resolves when they have left, or had time to. */
  async close(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer)
    const sockets = this.#all()
    const left = sockets.map((socket) => new Promise<void>((resolve) => socket.once('close', () => resolve())))
    for (const socket of sockets) socket.close(1001, 'mattebox ends')
    const late = setTimeout(() => sockets.forEach((socket) => socket.terminate()), LEAVE_MS)
    await Promise.all(left)
    clearTimeout(late)
  }

  #all(): WebSocket[] {
    return Array.from(this.#servers.values()).flatMap(({ server }) => Array.from(server.clients))
  }

  #ping(): void {
    for (const socket of this.#all()) {
      if (this.#answered.delete(socket)) socket.ping()
      else socket.terminate()
    }
  }

  /** Whoever came in with the secret of before is a stranger now. */
  #checkSecret(): void {
    const { value } = this.door.secret
    // Whoever removed it wants everybody out, and himself in again.
    if (value === undefined) void this.door.secret.restore().catch(() => undefined)
    if (value === this.#secret) return
    this.#secret = value
    for (const socket of this.#all()) socket.close(1008, 'the secret was renewed')
  }
}

function refuse(connection: Duplex, { status, failure, more }: Refusal): void {
  const body = JSON.stringify(failure)
  const headers = {
    ...more.headers,
    'Content-Type': 'application/json; charset=utf-8',
    'Content-Length': String(Buffer.byteLength(body)),
    'Cache-Control': 'no-store',
    Connection: 'close',
  }
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  connection.once('finish', () => connection.destroy())
  connection.end(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${lines.join('')}\r\n${body}`)
}
