/** An X display of our own: libobs draws nowhere else. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'

export class Display {
  private constructor(
    /** As in the variable DISPLAY. */
    readonly name: string,
    private readonly server: ChildProcess,
  ) {}

  /** Starts Xvfb on a display that is free. */
  static async start(): Promise<Display> {
    const server = spawn('Xvfb', ['-displayfd', '3', '-screen', '0', '640x480x24', '-nolisten', 'tcp'], {
      stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
    })
    for await (const number of createInterface(server.stdio[3] as Readable)) return new Display(`:${number}`, server)
    throw new Error('Xvfb ended before it had a display')
  }

  async stop(): Promise<void> {
    if (this.server.exitCode !== null || this.server.signalCode !== null) return
    const ended = once(this.server, 'exit')
    this.server.kill()
    await ended
  }
}
