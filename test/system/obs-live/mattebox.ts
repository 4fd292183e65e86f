/** `mattebox start` as a user runs it, with a home of its own: real main process, real inference process, real network. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { encodeModelFile } from '../../../src/model/weights/index.ts'
import type { SidecarState } from '../../../src/sidecar/main/sidecar.ts'
import type { SourceMetrics } from '../../../src/sidecar/main/metrics.ts'
import { randomWeights } from '../../model/random-weights.ts'
import { compiled } from '../../sidecar/inference/compiled.ts'

/** The program, from the sources as they are; to be removed at the end. */
export function compiledMattebox(): { readonly path: string; remove(): void } {
  return compiled('cli/main.ts', 'sidecar/inference/inference-process.ts', 'sidecar/inference/provider-probe-child.ts')
}

/** A home with a model of made-up weights, for all runs of a test. */
export function home(): { readonly folder: string; readonly model: string } & Disposable {
  const folder = mkdtempSync(join(tmpdir(), 'mattebox-home-'))
  const model = join(folder, 'made-up.safetensors')
  const provenance = { licence: 'none', source: 'made up', sourceSha256: '0'.repeat(64) }
  writeFileSync(model, encodeModelFile(randomWeights(3), 'fp32', provenance))
  return { folder, model, [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }) }
}

export interface MatteboxOptions {
  readonly program: string
  /** Its HOME. */
  readonly home: string
  /** Where filters connect. */
  readonly socket: string
  readonly args?: readonly string[]
  /** How nice it is to others; default: not. */
  readonly nice?: number
}

export class Mattebox {
  /** The last state that it printed. */
  state: SidecarState | undefined
  stderr = ''
  readonly startedAt = performance.now()
  #woken = new Set<() => void>()

  private constructor(readonly child: ChildProcess) {
    createInterface(child.stdout!).on('line', (line) => {
      this.state = JSON.parse(line) as SidecarState
      for (const wake of this.#woken) wake()
    })
    child.stderr!.setEncoding('utf8').on('data', (text: string) => (this.stderr += text))
  }

  static start({ program, home: folder, socket, args = [], nice = 0 }: MatteboxOptions): Mattebox {
    const all = ['start', '--json', '--no-open', '--socket', socket, '--provider', 'cpu', '--threads', '1', ...args]
    const env = { PATH: process.env['PATH'], HOME: folder, XDG_CONFIG_HOME: join(folder, '.config') }
    const command = ['-n', String(nice), process.execPath, program, ...all]
    // `nice` becomes the program: its process is the main process.
    return new Mattebox(spawn('nice', command, { stdio: ['ignore', 'pipe', 'pipe'], env }))
  }

  /** The inference process that serves. */
  get inferencePid(): number | undefined {
    return this.state?.processes.find(({ role }) => role === 'serving')?.pid
  }

  /** The filter on a source, where it is connected. */
  source(name = 'cam'): SourceMetrics | undefined {
    return this.state?.sources.find(({ connected, last }) => connected && last.hello.source === name)
  }

  /** Waits for a state. @throws with the last one after `limitMs`, or where it ends */
  async until(wished: (state: SidecarState) => boolean, limitMs = 15_000): Promise<SidecarState> {
    const end = performance.now() + limitMs
    for (;;) {
      if (this.state && wished(this.state)) return this.state
      if (this.hasEnded || performance.now() > end) {
        const ended = this.hasEnded ? `ended (${this.child.exitCode ?? this.child.signalCode})` : 'did not come to it'
        throw new Error(`mattebox ${ended}: ${this.stderr.slice(-2000)}\n${JSON.stringify(this.state).slice(0, 3000)}`)
      }
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          clearTimeout(timer)
          this.#woken.delete(wake)
          resolve()
        }
        const timer = setTimeout(wake, 200)
        this.#woken.add(wake)
      })
    }
  }

  get hasEnded(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null
  }

  /** Ends it, and resolves to its exit code or signal. */
  async signal(signal: NodeJS.Signals): Promise<number | string | null> {
    if (!this.hasEnded) {
      const ended = once(this.child, 'exit')
      this.child.kill(signal)
      await ended
    }
    return this.child.exitCode ?? this.child.signalCode
  }

  async end(): Promise<void> {
    if ((await Promise.race([this.signal('SIGTERM'), late(5000)])) === 'late') await this.signal('SIGKILL')
  }
}

function late(ms: number): Promise<'late'> {
  return new Promise((resolve) => setTimeout(resolve, ms, 'late').unref())
}

/** Whether a process lives, a zombie not counted. */
export function lives(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
