import { Check } from 'typebox/schema'
import type { WebSocket } from 'ws'
import { LiveRequest, type LiveMessage, type PanelState, type PreviewHeader } from '../../api/index.ts'
import type { Preview } from '../contract/inference-process.ts'
import { encodeMessage } from './socket-message.ts'

/** The state is told at most this often, and soon after it changed. */
const STATE_MS = 200

/** Everything the panel shows, as it changes. */
export interface States {
  readonly state: PanelState
  on(event: 'change', listener: () => void): unknown
  off(event: 'change', listener: () => void): unknown
}

/** Where pictures of sources come from, while they are watched. */
export interface Previews {
  on(event: 'preview', listener: (preview: Preview) => void): unknown
  off(event: 'preview', listener: (preview: Preview) => void): unknown
  watch(filterIds: readonly string[]): void
}

interface Client {
  watched: ReadonlySet<string>
  /** It has not been told the newest state. */
  isBehind: boolean
}

/**
 * `/api/live`: the state at once, where it changes and in answer to each request, and the pictures that are watched. A
 * client that reads slowly gets fewer of both: nothing is laid up for it.
 */
export class LiveSockets {
  readonly #clients = new Map<WebSocket, Client>()
  readonly #changed = (): void => {
    for (const client of this.#clients.values()) client.isBehind = true
    this.#tellSoon()
  }
  readonly #preview = (preview: Preview): void => this.#show(preview)
  #due: NodeJS.Timeout | undefined
  #toldAt = -Infinity

  constructor(
    readonly states: States,
    readonly previews: Previews,
  ) {
    states.on('change', this.#changed)
    previews.on('preview', this.#preview)
  }

  readonly add = (socket: WebSocket): void => {
    const client: Client = { watched: new Set(), isBehind: false }
    this.#clients.set(socket, client)
    socket.on('message', (data: Buffer, isBinary) => {
      const watched = isBinary ? undefined : readRequest(data)
      if (watched) {
        client.watched = watched
        this.#watch()
        // Pages see no pings: a request that is asked again is how they learn that this side lives.
        client.isBehind = true
        this.#tellSoon()
      } else socket.close(1008, 'not a request of /api/live: see docs/api.md')
    })
    socket.on('close', () => {
      this.#clients.delete(socket)
      this.#watch()
    })
    socket.send(this.#stateText())
  }

  close(): void {
    clearTimeout(this.#due)
    this.states.off('change', this.#changed)
    this.previews.off('preview', this.#preview)
  }

  /** Tells those who are behind. */
  #tellSoon(): void {
    this.#due ??= setTimeout(() => this.#tell(), Math.max(0, this.#toldAt + STATE_MS - performance.now()))
  }

  #tell(): void {
    this.#due = undefined
    this.#toldAt = performance.now()
    let text: string | undefined
    for (const [socket, client] of this.#clients) {
      if (!client.isBehind || socket.bufferedAmount > 0) continue
      client.isBehind = false
      socket.send((text ??= this.#stateText()))
    }
    const clients = Array.from(this.#clients.values())
    if (clients.some(({ isBehind }) => isBehind)) this.#due = setTimeout(() => this.#tell(), STATE_MS)
  }

  #stateText(): string {
    const message: LiveMessage = { kind: 'state', state: this.states.state }
    return JSON.stringify(message)
  }

  #show({ filterId, frameId, width, height, rgba, alpha }: Preview): void {
    const header: PreviewHeader = { filterId, frameId, width, height, hasAlpha: alpha !== null }
    let message: Buffer | undefined
    for (const [socket, { watched }] of this.#clients) {
      if (!watched.has(filterId) || socket.bufferedAmount > 0) continue
      socket.send((message ??= encodeMessage(header, rgba, ...(alpha ? [alpha] : []))))
    }
  }

  #watch(): void {
    this.previews.watch(Array.from(new Set(Array.from(this.#clients.values()).flatMap(({ watched }) => [...watched]))))
  }
}

function readRequest(data: Buffer): ReadonlySet<string> | undefined {
  try {
    const request: unknown = JSON.parse(data.toString())
    return Check(LiveRequest, request) ? new Set(request.filterIds) : undefined
  } catch {
    return undefined
  }
}
