/** Builds the C programs of this folder and talks with them: commands in, one JSON object a line out. */
import { execFileSync, spawn, type ChildProcessByStdio } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { expect } from 'vitest'

/** `expect.poll` with time enough for a busy machine. */
export const eventually = <T>(read: () => T) => expect.poll(read, { timeout: 5000 })

const REPOSITORY = join(import.meta.dirname, '../../..')

/** A line that a program printed. */
export type Event = Readonly<Record<string, unknown>>

const built = new Map<string, string>()

/** Builds the programs with sanitizers (`address,undefined` or `thread`), once. Returns their folder. */
export function buildPrograms(sanitize: string): string {
  const known = built.get(sanitize)
  if (known !== undefined) return known
  const cache = join(REPOSITORY, '.cache/native')
  const folder = join(cache, `obs-plugin-tests-${sanitize.replace(',', '-')}`)
  mkdirSync(cache, { recursive: true })
  const script = 'cmake -S "$0" -B "$1" -DMATTEBOX_SANITIZE="$2" >&2 && cmake --build "$1" -j2 >&2'
  execFileSync('flock', [`${folder}.lock`, 'sh', '-c', script, import.meta.dirname, folder, sanitize], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  built.set(sanitize, folder)
  return folder
}

interface Waiter {
  readonly wanted: (event: Event) => boolean
  readonly found: (event: Event) => void
}

/** A running program of this folder. */
export class Program {
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>
  readonly #ended: Promise<number | null>
  readonly #unread: Event[] = []
  #waiter: Waiter | undefined
  /** What it wrote to stderr: its log. */
  log = ''

  constructor(path: string, words: readonly string[], environment: NodeJS.ProcessEnv) {
    const child = spawn(path, words, { env: environment, stdio: ['pipe', 'pipe', 'pipe'] })
    this.#child = child
    // A program that was killed no longer reads; its end is what the test waits for.
    child.stdin.on('error', () => undefined)
    child.stderr.setEncoding('utf8').on('data', (text: string) => (this.log += text))
    this.#ended = new Promise((resolve) => child.once('close', resolve))
    createInterface({ input: child.stdout }).on('line', (line) => this.#take(JSON.parse(line) as Event))
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  say(command: string): void {
    this.#child.stdin.write(`${command}\n`)
  }

  /**
   * The next event that matches; earlier ones are passed over and forgotten.
   *
   * @throws Error where none comes in `timeoutMs`: with the program's log
   */
  async next(wanted: (event: Event) => boolean, what: string, timeoutMs = 5000): Promise<Event> {
    const known = this.#unread.findIndex(wanted)
    if (known >= 0) return this.#unread.splice(0, known + 1)[known]
    this.#unread.length = 0
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiter = undefined
        reject(new Error(`no ${what} in ${timeoutMs} ms; its log: ${this.log}`))
      }, timeoutMs)
      const found = (event: Event): void => {
        clearTimeout(timer)
        resolve(event)
      }
      this.#waiter = { wanted, found }
    })
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  /** Ends its input and waits for it. Returns its exit code. */
  async end(): Promise<number | null> {
    this.#child.stdin.end()
    return this.#ended
  }

  #take(event: Event): void {
    if (this.#waiter === undefined) {
      this.#unread.push(event)
    } else if (this.#waiter.wanted(event)) {
      const { found } = this.#waiter
      this.#waiter = undefined
      found(event)
    }
  }
}
