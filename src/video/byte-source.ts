import type { Readable } from 'node:stream'

/** Chunks that may wait before the stream is paused. */
const WAITING_BYTES = 1024 * 1024

/**
 * Bytes of a stream, taken on demand: one at a time or many into a given place, copied once. Pauses the stream when
 * nobody takes them.
 */
export class ByteSource {
  /** Bytes that the stream has given so far: shows whether its writer is alive. */
  received = 0
  private readonly waiting: Buffer[] = []
  private waitingBytes = 0
  private chunk: Buffer = Buffer.alloc(0)
  private at = 0
  private ended = false
  private wake: (() => void) | undefined

  constructor(private readonly stream: Readable) {
    const end = (): void => {
      this.ended = true
      this.wake?.()
    }
    stream.on('data', (chunk: Buffer) => {
      this.received += chunk.length
      this.waiting.push(chunk)
      this.waitingBytes += chunk.length
      if (this.waitingBytes > WAITING_BYTES) stream.pause()
      this.wake?.()
    })
    stream.on('end', end).on('close', end).on('error', end)
  }

  /** The next byte; undefined at the end. */
  async byte(): Promise<number | undefined> {
    if (this.at === this.chunk.length && !(await this.next())) return undefined
    return this.chunk[this.at++]
  }

  /** Fills `target` with the next bytes; answers how many there were: fewer only at the end. */
  async fill(target: Uint8Array): Promise<number> {
    let done = 0
    while (done < target.length) {
      if (this.at === this.chunk.length && !(await this.next())) return done
      const take = Math.min(target.length - done, this.chunk.length - this.at)
      target.set(this.chunk.subarray(this.at, this.at + take), done)
      this.at += take
      done += take
    }
    return done
  }

  /** Passes over bytes; answers how many there were: fewer only at the end. */
  async skip(bytes: number): Promise<number> {
    let done = 0
    while (done < bytes) {
      if (this.at === this.chunk.length && !(await this.next())) return done
      const take = Math.min(bytes - done, this.chunk.length - this.at)
      this.at += take
      done += take
    }
    return done
  }

  private async next(): Promise<boolean> {
    while (this.waiting.length === 0) {
      if (this.ended) return false
      await new Promise<void>((resolve) => (this.wake = resolve))
      this.wake = undefined
    }
    this.chunk = this.waiting.shift()!
    this.at = 0
    this.waitingBytes -= this.chunk.length
    if (this.waitingBytes <= WAITING_BYTES / 2 && this.stream.isPaused()) this.stream.resume()
    return true
  }
}
