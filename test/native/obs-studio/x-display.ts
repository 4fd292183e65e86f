import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createConnection, type Socket } from 'node:net'

/** A window that a program put on the display. */
export interface XWindow {
  readonly id: number
  readonly title: string
  readonly shown: boolean
}

/**
 * An X display of its own in memory (Xvfb), and the little of the X protocol that tests need: windows by their title,
 * and the polite request to close one. No window manager runs, so `wmctrl` has nobody to ask; `xdotool` can only
 * destroy or kill, which OBS does not take for leaving.
 */
export class XDisplay {
  private constructor(
    readonly name: string,
    private readonly server: ChildProcess,
  ) {
    process.on('exit', this.kill)
  }

  /** Xvfb chooses a display number that is free. */
  static async start(width = 1280, height = 800): Promise<XDisplay> {
    const screen = `${width}x${height}x24`
    const server = spawn('Xvfb', ['-displayfd', '3', '-screen', '0', screen, '-nolisten', 'tcp', '-noreset'], {
      stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
    })
    const pipe = server.stdio[3] as Socket
    const number = await Promise.race([
      once(pipe, 'data').then(([data]) => String(data).trim()),
      once(server, 'exit').then(() => Promise.reject(new Error('Xvfb ended before it had a display.'))),
    ])
    return new XDisplay(`:${number}`, server)
  }

  /** Every window with a title, whatever its depth. */
  async windows(): Promise<XWindow[]> {
    using client = await XClient.connect(this.name)
    const found: XWindow[] = []
    const waiting = [client.root]
    for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
      const title = await client.title(id)
      if (title !== '') found.push({ id, title, shown: await client.isShown(id) })
      waiting.push(...(await client.children(id)))
    }
    return found
  }

  /** Asks a window's program to close it, as the cross in its corner does (WM_DELETE_WINDOW). */
  async close(window: XWindow): Promise<void> {
    using client = await XClient.connect(this.name)
    await client.askToClose(window.id)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    process.off('exit', this.kill)
    if (this.server.exitCode !== null || this.server.signalCode !== null) return
    const ended = once(this.server, 'exit')
    this.server.kill('SIGTERM')
    await ended
  }

  private readonly kill = (): void => {
    this.server.kill('SIGKILL')
  }
}

const pad4 = (length: number): number => (length + 3) & ~3

/** One connection to an X server: requests out, replies in, in order. */
class XClient {
  root = 0
  private received = Buffer.alloc(0)
  private wake: (() => void) | undefined
  private ended = false

  private constructor(private readonly socket: Socket) {
    socket.on('data', (data) => {
      this.received = Buffer.concat([this.received, data])
      this.wake?.()
    })
    socket.on('error', () => undefined) // 'close' follows
    socket.on('close', () => {
      this.ended = true
      this.wake?.()
    })
  }

  static async connect(display: string): Promise<XClient> {
    const socket = createConnection(`/tmp/.X11-unix/X${display.slice(1)}`)
    const client = new XClient(socket)
    const hello = Buffer.alloc(12) // protocol 11.0, little-endian, without authorisation
    hello[0] = 0x6c
    hello.writeUInt16LE(11, 2)
    socket.write(hello)
    const head = await client.take(8)
    if (head[0] !== 1) throw new Error(`The X server ${display} refuses a connection.`)
    const setup = await client.take(head.readUInt16LE(6) * 4)
    client.root = setup.readUInt32LE(32 + pad4(setup.readUInt16LE(16)) + 8 * setup[21])
    return client
  }

  async children(window: number): Promise<number[]> {
    const reply = await this.request(15, 0, [window])
    if (!reply) return []
    return Array.from({ length: reply.readUInt16LE(16) }, (_, i) => reply.readUInt32LE(32 + 4 * i))
  }

  async title(window: number): Promise<string> {
    const WM_NAME = 39
    const reply = await this.request(20, 0, [window, WM_NAME, 0, 0, 256])
    return reply?.subarray(32, 32 + reply.readUInt32LE(16)).toString() ?? ''
  }

  async isShown(window: number): Promise<boolean> {
    const VIEWABLE = 2
    return (await this.request(3, 0, [window]))?.[26] === VIEWABLE
  }

  async askToClose(window: number): Promise<void> {
    const [protocols, deleteWindow] = [await this.atom('WM_PROTOCOLS'), await this.atom('WM_DELETE_WINDOW')]
    const clientMessage = 33 | (32 << 8) // in words of 32 bits
    this.send(25, 0, [window, 0, clientMessage, window, protocols, deleteWindow, 0, 0, 0, 0])
    await this.title(window) // a reply: the server has read all that was sent before
  }

  private async atom(name: string): Promise<number> {
    const words = Buffer.alloc(pad4(name.length))
    words.write(name)
    const reply = await this.request(16, 0, [name.length, ...words32(words)])
    if (!reply) throw new Error(`The X server knows no atom ${name}.`)
    return reply.readUInt32LE(8)
  }

  /** A reply, or null where the server answers with an error (a window that has just gone). */
  private async request(opcode: number, detail: number, words: readonly number[]): Promise<Buffer | null> {
    this.send(opcode, detail, words)
    for (;;) {
      const head = await this.take(32)
      if (head[0] === 0) return null
      if (head[0] === 1) return Buffer.concat([head, await this.take(head.readUInt32LE(4) * 4)])
    }
  }

  private send(opcode: number, detail: number, words: readonly number[]): void {
    const request = Buffer.alloc(4 + 4 * words.length)
    request[0] = opcode
    request[1] = detail
    request.writeUInt16LE(1 + words.length, 2)
    words.forEach((word, i) => request.writeUInt32LE(word, 4 + 4 * i))
    this.socket.write(request)
  }

  private async take(bytes: number): Promise<Buffer> {
    while (this.received.length < bytes) {
      if (this.ended) throw new Error('The X server hung up.')
      await new Promise<void>((resolve) => (this.wake = resolve))
    }
    const taken = this.received.subarray(0, bytes)
    this.received = this.received.subarray(bytes)
    return taken
  }

  [Symbol.dispose](): void {
    this.socket.destroy()
  }
}

function words32(bytes: Buffer): number[] {
  return Array.from({ length: bytes.length / 4 }, (_, i) => bytes.readUInt32LE(4 * i))
}
