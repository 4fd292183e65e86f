import { spawn, type ChildProcess } from 'node:child_process'
import type { Readable, Writable } from 'node:stream'

/** How a process ended: by itself with a code, by a signal, or it never began (`startError`). */
export interface ProcessEnd {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly startError: Error | undefined
}

const running = new Set<ChildProcess>()
// Children are in a group of their own (below), so nobody else would end them when this process leaves.
process.on('exit', () => {
  for (const child of running) killGroup(child)
})

/** Ends a child and what it started itself (a wrapper script around ffmpeg has children of its own). */
function killGroup(child: ChildProcess): void {
  try {
    if (child.pid === undefined || process.platform === 'win32') child.kill('SIGKILL')
    else if (child.exitCode === null && child.signalCode === null) process.kill(-child.pid, 'SIGKILL')
  } catch {
    // It has ended by itself meanwhile.
  }
}

/** Bytes of standard error that are kept: the first lines name the fault, the last ones the consequence. */
const STDERR_HEAD_BYTES = 4096
const STDERR_TAIL_BYTES = 4096

/**
 * One child process with pipes: ffmpeg or ffprobe. Knows how it ended and what it complained about; is killed when
 * this process exits.
 */
export class MediaProcess {
  /** Resolves, and never rejects, once the process has ended and its pipes are closed. */
  readonly ended: Promise<ProcessEnd>
  private readonly child: ChildProcess
  private stderrHead = ''
  private stderrTail = ''
  private killed = false

  /**
   * @param input - whether `stdin` is a pipe; else it is closed
   */
  constructor(program: string, args: readonly string[], options: { input?: boolean; cwd?: string } = {}) {
    this.child = spawn(program, args, {
      stdio: [options.input === true ? 'pipe' : 'ignore', 'pipe', 'pipe'],
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      // A statically linked ffprobe crashes on transport streams when it loads the system's character tables.
      env: { ...process.env, GCONV_PATH: '/nonexistent' },
      // A group of its own: Ctrl-C in a terminal reaches every process of the group, and an encoder that is
      // interrupted by itself would close its half-written file as if it were done.
      detached: process.platform !== 'win32',
      windowsHide: true,
    })
    running.add(this.child)
    let startError: Error | undefined
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      const room = STDERR_HEAD_BYTES - this.stderrHead.length
      this.stderrHead += text.slice(0, room)
      if (text.length > room) this.stderrTail = (this.stderrTail + text.slice(room)).slice(-STDERR_TAIL_BYTES)
    })
    // A closed pipe shows in how the process ended; each write's own callback has the error too.
    this.child.stdin?.on('error', () => undefined)
    this.child.stdout?.on('error', () => undefined)
    this.ended = new Promise((resolve) => {
      this.child.on('error', (error) => {
        startError ??= error
        if (this.child.pid === undefined) finish(null, null)
      })
      const finish = (code: number | null, signal: NodeJS.Signals | null): void => {
        running.delete(this.child)
        resolve({ code, signal, startError })
      }
      this.child.on('close', finish)
    })
  }

  get stdin(): Writable {
    return this.child.stdin!
  }

  get stdout(): Readable {
    return this.child.stdout!
  }

  /** What the process said on standard error, condensed to one line of at most 300 characters; '' if nothing. */
  get complaint(): string {
    return condense(this.stderr)
  }

  /** What was kept of standard error: its beginning and its end. */
  get stderr(): string {
    return this.stderrHead + this.stderrTail
  }

  /** Whether `kill` was called. */
  get wasKilled(): boolean {
    return this.killed
  }

  /** Ends the process at once. */
  kill(): void {
    this.killed = true
    killGroup(this.child)
    // Whoever else may hold the pipes open: do not wait for him.
    this.child.stdout?.destroy()
    this.child.stderr?.destroy()
    this.child.stdin?.destroy()
  }
}

/** Condenses what ffmpeg wrote on standard error to its first two different sentences. */
export function condense(stderr: string): string {
  const sentences = stderr
    .split(/[\r\n]+/)
    // "[h264 @ 0x55d0c8] " names a component and an address in memory: noise for the reader.
    .map((line) => line.replace(/^(\[[^\]]*@ [^\]]*\]\s*)+/, '').trim())
    .filter((line) => line !== '' && !/^(Last message repeated|Conversion failed!|Exiting normally)/.test(line))
  const text = [...new Set(sentences)].slice(0, 2).join('; ')
  return text.length > 300 ? `${text.slice(0, 297)}...` : text
}

/** Standard output of a process that ran to its end, how that end was and what it complained about. */
export interface ProcessResult extends ProcessEnd {
  readonly stdout: string
  readonly complaint: string
  readonly timedOut: boolean
}

/**
 * Runs a process to its end and collects its standard output (at most 16 MiB: past that it is killed).
 *
 * @param timeoutMs - after which it is killed and `timedOut` is true
 */
export async function runToEnd(program: string, args: readonly string[], timeoutMs: number): Promise<ProcessResult> {
  const child = new MediaProcess(program, args)
  let timedOut = false
  const timer = setTimeout(() => {
    timedOut = true
    child.kill()
  }, timeoutMs)
  const chunks: Buffer[] = []
  let bytes = 0
  child.stdout.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    if (bytes > 16 * 1024 * 1024) child.kill()
    else chunks.push(chunk)
  })
  const end = await child.ended
  clearTimeout(timer)
  return { ...end, stdout: Buffer.concat(chunks).toString('utf8'), complaint: child.complaint, timedOut }
}

/**
 * Watches a sign of life, such as a count of bytes, and calls `onStall` once it has not changed for `stallMs`. Counts
 * looks, not the clock: while this process itself is busy and cannot read, no time passes.
 *
 * @returns ends the watching
 */
export function watchForStall(signOfLife: () => number, stallMs: number, onStall: () => void): () => void {
  const looks = 10
  let last = signOfLife()
  let silent = 0
  const timer = setInterval(() => {
    const now = signOfLife()
    silent = now === last ? silent + 1 : 0
    last = now
    if (silent < looks) return
    clearInterval(timer)
    onStall()
  }, stallMs / looks)
  return () => clearInterval(timer)
}
