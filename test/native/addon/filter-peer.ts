import { execFileSync, spawn, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, renameSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { MESSAGES } from '../../../src/sidecar/inference/channel/wire.ts'

/** A matte as the filter reads it; `hash` is FNV-1a (64 bits) of its texels. */
export interface PeerMatte {
  readonly frameId: number
  readonly epoch: number
  readonly planes: number
  readonly width: number
  readonly height: number
  readonly reason: number
  readonly hash: string
}

export const HELLO = {
  wire: 1,
  filterId: '0123456789abcdef',
  source: 'Camera',
  filter: 'mattebox',
  obs: '29.0.2',
  pid: 4711,
  private: false,
  welcomed: false,
}

/** What is loaded into this process to watch it (asan.mjs) is neither the filter's nor its compiler's. */
const ENVIRONMENT = { ...process.env, LD_PRELOAD: '' }

/** A filter without OBS, in a process of its own, on the real C channel (filter-peer.c). */
export class FilterPeer {
  readonly #answers: AsyncIterator<string, undefined>
  /** Frames that found a free slot, of `frame` and `send`. */
  written = 0

  private constructor(readonly child: ChildProcessWithoutNullStreams) {
    this.#answers = createInterface(child.stdout)[Symbol.asyncIterator]()
    child.stderr.pipe(process.stderr)
  }

  /** @param uid - another user to run as; needs root */
  static start(uid?: number): FilterPeer {
    return new FilterPeer(spawn(build(), { stdio: 'pipe', env: ENVIRONMENT, ...(uid !== undefined && { uid }) }))
  }

  /** Sends a line and resolves to the answer: `ok`, `error ENAME`, or as filter-peer.c says. */
  async tell(line: string): Promise<string> {
    this.child.stdin.write(`${line}\n`)
    const answer = await this.#answers.next()
    if (answer.done) throw new Error(`the filter peer ended at: ${line.slice(0, 100)}`)
    return answer.value
  }

  /** As `tell`, where only `ok` is good. */
  async do(line: string): Promise<void> {
    const answer = await this.tell(line)
    if (answer !== 'ok') throw new Error(`${line.slice(0, 100)}: ${answer}`)
  }

  /** Connects and says a good hello with a memory of this size; does not wait for the welcome. */
  async hello(path: string, { width = 32, height = 16, ...changes }: Partial<typeof HELLO & Size> = {}): Promise<void> {
    await this.do(`connect ${path}`)
    await this.do(`memory ${width} ${height}`)
    await this.do(`offer ${MESSAGES.hello} ${JSON.stringify({ ...HELLO, ...changes })}`)
    await this.do('use')
  }

  /** `hello`, and its welcome. */
  async join(path: string, changes: Parameters<FilterPeer['hello']>[1] = {}): Promise<void> {
    await this.hello(path, changes)
    const { type } = await this.message()
    if (type !== MESSAGES.welcome) throw new Error('not welcomed')
  }

  /** Writes a frame whose pixels are `pixelsOf(id, …)`; false: the ring is full. */
  async frame(id: number, epoch = 1, reason = 1): Promise<boolean> {
    const written = (await this.tell(`frame ${id} ${epoch} ${reason}`)) === 'ok'
    if (written) this.written++
    return written
  }

  /** Writes a frame and rings. */
  async send(id: number, epoch = 1, reason = 1): Promise<void> {
    if (!(await this.frame(id, epoch, reason))) throw new Error('the ring is full')
    await this.do('bell')
  }

  /** @throws where none comes in time */
  async matte(timeoutMs = 2000): Promise<PeerMatte> {
    const answer = await this.tell(`matte ${timeoutMs}`)
    const [kind, ...fields] = answer.split(' ')
    if (kind !== 'matte') throw new Error(`no matte: ${answer}`)
    const [frameId, epoch, planes, width, height, reason] = fields.map(Number)
    return { frameId, epoch, planes, width, height, reason, hash: fields[6] }
  }

  /** The next message that is no doorbell. @throws where none comes in time */
  async message(timeoutMs = 3000): Promise<{ type: number; body: unknown }> {
    const answer = await this.tell(`message ${timeoutMs}`)
    const found = /^message (\d+) (.*)$/.exec(answer)
    if (found === null) throw new Error(`no message: ${answer}`)
    return { type: Number(found[1]), body: JSON.parse(found[2]) as unknown }
  }

  /** Waits until the sidecar has hung up. */
  async gone(timeoutMs = 3000): Promise<boolean> {
    return (await this.tell(`message ${timeoutMs}`)) === 'error EPIPE'
  }

  /** Films: a frame each `intervalMs`, whatever is answered; resolves when all are sent. Ids must not go back. */
  async film(frames: number, intervalMs: number, firstId = 1): Promise<Film> {
    const answer = await this.tell(`film ${frames} ${intervalMs} ${firstId}`)
    const [kind, ...figures] = answer.split(' ')
    if (kind !== 'film') throw new Error(`no film: ${answer}`)
    const [sent, full, answered, p50Ms, p99Ms, mostMs, longestGapMs] = figures.map(Number)
    return { sent, full, answered, p50Ms, p99Ms, mostMs, longestGapMs }
  }

  /** Sends frames one at a time, each when the one before is answered; from writing a frame to reading its matte, ms. */
  async rounds(firstId: number, count: number): Promise<number[]> {
    const [kind, ...times] = (await this.tell(`rounds ${firstId} ${count}`)).split(' ')
    if (kind !== 'rounds') throw new Error(`no rounds: ${kind} ${times.join(' ')}`)
    return times.map(Number)
  }

  async figures(): Promise<Figures> {
    const [, descriptors, mappings, residentKib] = (await this.tell('figures')).split(' ').map(Number)
    return { descriptors: descriptors, mappings: mappings, residentKib: residentKib }
  }

  async end(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return
    const ended = once(this.child, 'exit')
    this.child.stdin.end()
    await ended
  }
}

interface Size {
  readonly width: number
  readonly height: number
}

export interface Film {
  readonly sent: number
  /** Frames that found no free slot. */
  readonly full: number
  readonly answered: number
  /** From a frame to its matte. */
  readonly p50Ms: number
  readonly p99Ms: number
  readonly mostMs: number
  /** Without a matte, after the first. */
  readonly longestGapMs: number
}

export interface Figures {
  readonly descriptors: number
  readonly mappings: number
  readonly residentKib: number
}

/** The pixels of a frame of the peer's, as it paints them. */
export function pixelsOf(id: number, { width, height }: Size): Uint8Array {
  return Uint8Array.from({ length: width * height * 4 }, (_, i) => (id * 31 + i * 7 + (i >> 8)) & 255)
}

/** FNV-1a, 64 bits, as the peer computes it. */
export function hashOf(bytes: Uint8Array): string {
  let hash = 0xcbf29ce484222325n
  for (const byte of bytes) hash = ((hash ^ BigInt(byte)) * 0x100000001b3n) & 0xffffffffffffffffn
  return hash.toString(16).padStart(16, '0')
}

/** Compiles the peer where its sources are newer; answers its path. */
function build(): string {
  const sources = ['native/channel', 'test/native/addon'].flatMap((folder) =>
    readdirSync(folder)
      .filter((file) => /\.[ch]$/.test(file))
      .map((file) => join(folder, file)),
  )
  const output = resolve('build/test/filter-peer')
  const newest = Math.max(...sources.map((file) => statSync(file).mtimeMs))
  if (existsSync(output) && statSync(output).mtimeMs > newest) return output
  mkdirSync('build/test', { recursive: true })
  const fresh = `${output}-${process.pid}`
  const flags = ['-std=c11', '-D_GNU_SOURCE', '-O2', '-Wall', '-Wextra', '-Werror']
  execFileSync('cc', [...flags, ...sources.filter((file) => file.endsWith('.c')), '-o', fresh], {
    stdio: 'inherit',
    env: ENVIRONMENT,
  })
  renameSync(fresh, output)
  return output
}
