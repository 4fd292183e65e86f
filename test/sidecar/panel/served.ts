import { EventEmitter } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { request, type IncomingHttpHeaders } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { WebSocket, type ClientOptions } from 'ws'
import type { PanelState } from '../../../src/api/index.ts'
import type { Preview, TryAnswer, TryRequest } from '../../../src/sidecar/contract/inference-process.ts'
import type { Log, LogLevel } from '../../../src/sidecar/main/log.ts'
import { PanelSecret } from '../../../src/sidecar/panel/panel-secret.ts'
import { PanelServer, type PanelServerOptions } from '../../../src/sidecar/panel/panel-server.ts'

/** A sidecar that shows and mattes what a test tells it to. */
export class StandInSidecar extends EventEmitter<{ preview: [Preview] }> {
  watched: readonly string[] = []
  readonly tried: { readonly client: string; readonly frame: TryRequest }[] = []
  readonly ended: string[] = []
  answer = (frame: TryRequest): Promise<TryAnswer> =>
    Promise.resolve({
      kind: 'matte',
      id: frame.id,
      width: frame.width,
      height: frame.height,
      planes: frame.planes,
      texels: new Uint8Array(2 * frame.planes * frame.width * frame.height),
      runMs: 1,
      reset: null,
      provider: 'cpu',
      model: 'stand-in',
    })

  watch(filterIds: readonly string[]): void {
    this.watched = filterIds
  }

  tryFrame(client: string, frame: TryRequest): Promise<TryAnswer> {
    this.tried.push({ client, frame })
    return this.answer(frame)
  }

  endTry(client: string): void {
    this.ended.push(client)
  }
}

/** A state that counts how often it was asked for. */
export class StandInStates extends EventEmitter<{ change: [] }> {
  asked = 0
  /** Grows the state to a size that a slow client feels. */
  padding = ''

  get state(): PanelState {
    this.asked++
    return { version: `1.2.3${this.padding}` } as PanelState
  }
}

export interface Reply {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
}

/** What a WebSocket's handshake came to: it is open, or the status of the answer in its place. */
export type Knocked = { readonly socket: WebSocket } | { readonly status: number; readonly text: string }

/** A panel server over real sockets, with a state folder and a built page of its own. */
export class Served {
  readonly folder = mkdtempSync(join(tmpdir(), 'mattebox-panel-'))
  readonly ui = join(this.folder, 'ui')
  readonly sidecar = new StandInSidecar()
  readonly states = new StandInStates()
  readonly logged: { level: LogLevel; message: string; fields: Readonly<Record<string, unknown>> }[] = []
  readonly log: Log = {
    debug: this.#keep('debug'),
    info: this.#keep('info'),
    warn: this.#keep('warn'),
    error: this.#keep('error'),
  }
  secret!: PanelSecret
  server!: PanelServer
  readonly #sockets: WebSocket[] = []

  static async open(options: Partial<PanelServerOptions> = {}): Promise<Served> {
    const served = new Served()
    mkdirSync(join(served.ui, 'assets'), { recursive: true })
    writeFileSync(join(served.ui, 'index.html'), '<!doctype html><title>the panel</title>')
    writeFileSync(join(served.ui, 'assets', 'index-abc123.js'), `// ${'a script '.repeat(500)}`)
    served.secret = await PanelSecret.open(join(served.folder, 'state'))
    await served.start(options)
    return served
  }

  async start(options: Partial<PanelServerOptions> = {}): Promise<void> {
    this.server = await PanelServer.open({
      sidecar: this.sidecar,
      states: this.states,
      routes: [],
      port: 0,
      listen: '127.0.0.1',
      secret: this.secret,
      ui: this.ui,
      log: this.log,
      ...options,
    })
  }

  get port(): number {
    return this.server.port
  }

  get host(): string {
    return `127.0.0.1:${this.port}`
  }

  get bearer(): Record<string, string> {
    return { authorization: `Bearer ${this.secret.value!}` }
  }

  /** As a browser sends it that was let in. */
  get cookie(): Record<string, string> {
    return { cookie: `mattebox-${this.port}=${this.secret.cookie(this.port)!}` }
  }

  ask(
    method: string,
    path: string,
    options: { headers?: Record<string, string>; body?: string | Buffer; host?: string } = {},
  ): Promise<Reply> {
    const { headers = {}, body, host = this.host } = options
    return new Promise((resolve, reject) => {
      const asked = request(
        { host: '127.0.0.1', port: this.port, method, path, headers: { host, ...headers }, agent: false },
        (response) => {
          const pieces: Buffer[] = []
          response.on('data', (piece: Buffer) => pieces.push(piece))
          response.on('error', reject)
          response.on('end', () => {
            const { statusCode = 0, headers: found } = response
            resolve({ status: statusCode, headers: found, text: Buffer.concat(pieces).toString() })
          })
        },
      )
      asked.on('error', reject)
      asked.end(body)
    })
  }

  knock(path: string, headers: Record<string, string>, options: ClientOptions = {}): Promise<Knocked> {
    const socket = new WebSocket(`ws://127.0.0.1:${this.port}${path}`, { headers, ...options })
    this.#sockets.push(socket)
    return new Promise((resolve, reject) => {
      socket.on('open', () => resolve({ socket }))
      socket.on('unexpected-response', (_, response) => {
        let text = ''
        response.setEncoding('utf8').on('data', (piece: string) => (text += piece))
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text }))
      })
      socket.on('error', reject)
    })
  }

  /** A WebSocket of a script. */
  async socket(path: string, options: ClientOptions = {}): Promise<WebSocket> {
    const knocked = await this.knock(path, this.bearer, options)
    if ('socket' in knocked) return knocked.socket
    throw new Error(`refused: ${knocked.status} ${knocked.text}`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.terminate()
    await this.server.close()
    rmSync(this.folder, { recursive: true, force: true })
  }

  #keep(level: LogLevel): Log[LogLevel] {
    return (message, fields = {}) => void this.logged.push({ level, message, fields })
  }
}
