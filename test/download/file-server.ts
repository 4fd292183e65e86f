import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { PublicFile } from '../../src/download/index.ts'

export type Behaviour = (request: IncomingMessage, response: ServerResponse, bytes: Buffer) => void

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** A file server on this machine that behaves as it is told, request by request; the last behaviour stays. */
export class FileServer {
  /** Of each request, in their order. */
  readonly asked: { readonly range: string | undefined; readonly ifRange: string | undefined }[] = []
  readonly #sockets = new Set<Socket>()
  readonly #server

  private constructor(
    readonly bytes: Buffer,
    readonly behaviours: Behaviour[],
  ) {
    this.#server = createServer((request, response) => {
      const { range, 'if-range': ifRange } = request.headers
      this.asked.push({ range, ifRange: ifRange as string | undefined })
      const behave = this.behaviours.length > 1 ? this.behaviours.shift()! : this.behaviours[0]
      behave(request, response, this.bytes)
    }).on('connection', (socket) => this.#sockets.add(socket))
  }

  static async serving(bytes: Buffer, ...behaviours: Behaviour[]): Promise<FileServer> {
    const server = new FileServer(bytes, behaviours)
    await new Promise<void>((resolve) => server.#server.listen(0, '127.0.0.1', resolve))
    return server
  }

  /** The file that it says it has. */
  file(name = 'file.bin'): PublicFile {
    const { port } = this.#server.address() as AddressInfo
    const address = `http://127.0.0.1:${port}/${name}`
    return { file: name, address, bytes: this.bytes.length, sha256: sha256(this.bytes) }
  }

  [Symbol.dispose](): void {
    for (const socket of this.#sockets) socket.destroy()
    this.#server.close()
  }
}

/** As a good server does: knows ranges, and serves the whole where the file is not what If-Range says. */
export function honest({ etag = '"one"' }: { etag?: string } = {}): Behaviour {
  return ({ headers }, response, bytes) => {
    const from = Number(/^bytes=(\d+)-$/.exec(headers.range ?? '')?.[1] ?? NaN)
    response.setHeader('etag', etag)
    if (Number.isNaN(from) || (headers['if-range'] ?? etag) !== etag) {
      response.writeHead(200, { 'content-length': bytes.length }).end(bytes)
    } else if (from >= bytes.length) {
      response.writeHead(416, { 'content-range': `bytes */${bytes.length}` }).end()
    } else {
      const range = `bytes ${from}-${bytes.length - 1}/${bytes.length}`
      response
        .writeHead(206, { 'content-range': range, 'content-length': bytes.length - from })
        .end(bytes.subarray(from))
    }
  }
}

/** The head of an honest answer and some of its body, then nothing more, or the end of the connection. */
export function breakingOff(sentBytes: number, how: 'stalls' | 'hangs up' = 'hangs up'): Behaviour {
  return ({ headers }, response, bytes) => {
    const from = Number(/^bytes=(\d+)-$/.exec(headers.range ?? '')?.[1] ?? 0)
    const range = { 'content-range': `bytes ${from}-${bytes.length - 1}/${bytes.length}` }
    response.writeHead(from > 0 ? 206 : 200, {
      'content-length': bytes.length - from,
      etag: '"one"',
      ...(from > 0 && range),
    })
    response.write(bytes.subarray(from, from + sentBytes), () => {
      if (how === 'hangs up') response.destroy()
    })
  }
}
