import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { isIP, type AddressInfo, type Socket } from 'node:net'
import { join } from 'node:path'
import { MatteboxError } from '../../errors/index.ts'
import type { Log } from '../main/log.ts'
import { Door } from './door.ts'
import { isLoopback, listenAddresses, outsideAddress } from './hosts.ts'
import { createHttpApp } from './http-app.ts'
import { LiveSockets, type Previews, type States } from './live-sockets.ts'
import type { PanelSecret } from './panel-secret.ts'
import type { Route } from './route.ts'
import { Sockets } from './sockets.ts'
import { TrySockets, type TryEngine } from './try-sockets.ts'

/** Connections of all kinds; a browser opens six beside its WebSockets. */
const CONNECTIONS_MAX = 256
const TIMES = {
  /** For the head of a request: whoever sends it a letter at a time keeps nobody out. */
  headersTimeout: 10_000,
  /** For all of it: 64 MiB over a slow wireless network. */
  requestTimeout: 120_000,
  keepAliveTimeout: 5_000,
  connectionsCheckingInterval: 2_000,
}

export interface PanelServerOptions {
  readonly sidecar: Previews & TryEngine
  readonly states: States
  readonly routes: readonly Route[]
  /** 0: one that is free. */
  readonly port: number
  /** Beside this machine itself; 127.0.0.1: nothing else. */
  readonly listen: string
  readonly secret: PanelSecret
  /** Folder of the built page; default: the one in this package. */
  readonly ui?: string
  /** Puts the invocation that works where the user is into the commands of a mend; default: leaves them as they are. */
  readonly localize?: (text: string) => string
  readonly log: Log
  /** How often clients of WebSockets must give a sign of life, in milliseconds; default 15 s. */
  readonly pingMs?: number
  /** How long the head and the whole of a request may take to come, and how often to look; defaults: 10 s, 120 s, 2 s. */
  readonly times?: Partial<typeof TIMES>
}

/** The panel: its page, its API and its WebSockets, on one port. */
export class PanelServer {
  private constructor(
    readonly port: number,
    readonly listen: string,
    private readonly door: Door,
    private readonly servers: readonly Server[],
    private readonly sockets: Sockets,
    private readonly live: LiveSockets,
  ) {}

  /** @throws {MatteboxError} PANEL_PORT, naming what is in the way */
  static async open(options: PanelServerOptions): Promise<PanelServer> {
    const { sidecar, states, routes, listen, secret, log, pingMs } = options
    const { localize = (text: string) => text, ui = join(import.meta.dirname, '..', '..', '..', 'dist', 'ui') } =
      options
    if (isIP(listen) === 0) {
      throw new MatteboxError(
        'PANEL_PORT',
        `${listen} is no address.`,
        'Give an IP address: `mattebox start --listen`.',
      )
    }
    const times = { ...TIMES, ...options.times }
    const [main, ...others] = listenAddresses(listen)
    const first = await startServer(main, options.port, times)
    const { port } = first.address() as AddressInfo
    const door = new Door(secret, port, listen)
    const live = new LiveSockets(states, sidecar)
    const sockets = new Sockets(door, { live: live.add, attempt: new TrySockets(sidecar, localize, log).add }, pingMs)
    const app = createHttpApp({ routes, door, ui, localize, log })
    let connections = 0
    const serve = (server: Server): void => {
      server.on('request', (request, response) => void app(request, response))
      server.on('upgrade', (request, connection, head) => sockets.upgrade(request, connection, head))
      server.on('connection', (connection: Socket) => {
        connections++
        connection.on('close', () => connections--)
        if (connections > CONNECTIONS_MAX) connection.end(FULL)
      })
      server.on('error', (error) => log.error('The panel’s server failed.', { error: String(error) }))
    }
    serve(first)
    const servers = [first]
    const panel = new PanelServer(port, listen, door, servers, sockets, live)
    for (const address of others) {
      const server = await startServer(address, port, times).catch(async (error: unknown) => {
        await panel.close()
        throw error
      })
      serve(server)
      servers.push(server)
    }
    log.info('The panel is open.', { port, listen })
    return panel
  }

  /** For a browser on this machine that is known already. */
  get address(): string {
    return `http://127.0.0.1:${this.port}/`
  }

  /** The address for another device; undefined where only this machine is served. */
  get outsideAddress(): string | undefined {
    const address = outsideAddress(this.listen)
    if (address === undefined) return undefined
    return `http://${isIP(address) === 6 ? `[${address}]` : address}:${this.port}/`
  }

  /** Whether others than this machine may knock. */
  get isExposed(): boolean {
    return !isLoopback(this.listen)
  }

  /** Goes into a code that somebody makes from the secret. */
  get id(): string {
    return this.door.id
  }

  /** A code that lets one browser in, within ten minutes: the address and `?code=`. */
  newCode(): string {
    return this.door.codes.issue()
  }

  /** Whether a code has neither been used nor grown too old. */
  isAlive(code: string): boolean {
    return this.door.codes.isAlive(code)
  }

  /** WebSockets are told that it goes away (1001); resolves when nothing listens any more. */
  async close(): Promise<void> {
    this.live.close()
    const closed = this.servers.filter(({ listening }) => listening).map((server) => once(server.close(), 'close'))
    await this.sockets.close()
    for (const server of this.servers) server.closeAllConnections()
    await Promise.all(closed)
  }
}

const FULL = [
  'HTTP/1.1 503 Service Unavailable',
  'Content-Type: application/json; charset=utf-8',
  'Retry-After: 5',
  'Connection: close',
  '',
  JSON.stringify({
    error: {
      code: 'PANEL_FULL',
      message: `${CONNECTIONS_MAX} connections are open, as many as mattebox takes.`,
      mend: 'Try again later.',
    },
  }),
].join('\r\n')

async function startServer(address: string, port: number, times: typeof TIMES): Promise<Server> {
  const server = createServer(times).listen({ port, host: address })
  await once(server, 'listening').catch((error: unknown) => {
    throw cannotListen(address, port, error)
  })
  return server
}

function cannotListen(address: string, port: number, cause: unknown): MatteboxError {
  const { code = String(cause) } = cause as NodeJS.ErrnoException
  switch (code) {
    case 'EADDRINUSE':
      return new MatteboxError(
        'PANEL_PORT',
        `Another program uses port ${port} of ${address}, so that there is no panel.`,
        `End it, or choose another port: \`mattebox start --port ${port < 65535 ? port + 1 : 4477}\`.`,
        { cause },
      )
    case 'EACCES':
      return new MatteboxError(
        'PANEL_PORT',
        `Port ${port} is kept for the system, so that there is no panel.`,
        'Choose a port from 1024: `mattebox start --port 4477`.',
        { cause },
      )
    default:
      return new MatteboxError(
        'PANEL_PORT',
        `The panel cannot listen at ${address}, port ${port} (${code}).`,
        'Choose an address that this machine has (`mattebox start --listen`), or none.',
        { cause },
      )
  }
}
