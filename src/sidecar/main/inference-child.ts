import type { ChildProcess } from 'node:child_process'
import { EventEmitter } from 'node:events'
import type { Readable } from 'node:stream'
import type { Complaint } from '../../errors/index.ts'
import type {
  EngineState,
  FromInference,
  InferenceConfig,
  PhaseLimits,
  SourceReport,
  ToInference,
} from '../contract/inference-process.ts'
import { cpuPercent } from './cpu-percent.ts'
import type { Log } from './log.ts'
import { OutputLines } from './output-lines.ts'
import { Watchdog, type Phase } from './watchdog.ts'

/** How a process ended. */
export interface Ending {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  /** It was silent for so long that it was ended. */
  readonly silentMs: number | undefined
  /** What it said about its end, if it did. */
  readonly said: Extract<FromInference, { kind: 'failed' | 'unable' }> | undefined
}

/** What it says of itself, twice a second. */
export interface Usage {
  readonly rssBytes: number
  readonly cpuMs: number
  readonly cpuPercent: number
}

/** A process that hangs inside a driver may outlive SIGKILL: it is not waited for longer. */
const END_TIMEOUT_MS = 5_000
const GOODBYE_MS = 1_000
const LAST_WORDS_MS = 500

/**
 * One inference process, from its fork to its end: what it said last, whether it hangs, what it writes. It decides
 * nothing but to end a process that hangs.
 */
export class InferenceChild extends EventEmitter<{ message: [FromInference]; ended: [Ending] }> {
  readonly startedAt = performance.now()
  engine: EngineState = { state: 'starting' }
  sources: readonly SourceReport[] = []
  usage: Usage | undefined
  /** Where filters reach it, once they do. */
  listening: string | undefined
  /** Why they never will: it serves frames without OBS alone. */
  unreachable: Complaint | undefined
  /** Since when it can be reached, by filters or without them. */
  servesSince: number | undefined
  /** Resolves when it has ended. */
  readonly ended: Promise<Ending>

  readonly #process: ChildProcess
  readonly #watchdog: Watchdog
  #watching: NodeJS.Timeout
  #usageAt = performance.now()
  #silentMs: number | undefined
  #said: Ending['said']
  #goodbye: NodeJS.Timeout | undefined
  #over = false

  constructor(
    child: ChildProcess,
    readonly config: InferenceConfig,
    limits: PhaseLimits,
    private readonly log: Log,
  ) {
    super()
    this.#process = child
    this.#watchdog = new Watchdog(limits, this.startedAt)
    this.#watching = setInterval(() => this.#watch(), this.#watchdog.intervalMs)
    // There is neither where no process could be made for want of descriptors.
    if (child.stdout) this.#keep(child.stdout, 'stdout')
    if (child.stderr) this.#keep(child.stderr, 'stderr')
    child.on('message', (message: FromInference) => this.#hear(message))
    this.ended = new Promise((resolve) => {
      const end = (code: number | null, signal: NodeJS.Signals | null): void => {
        if (this.#over) return
        this.#over = true
        clearInterval(this.#watching)
        clearTimeout(this.#goodbye)
        const ending = { code, signal, silentMs: this.#silentMs, said: this.#said }
        resolve(ending)
        this.emit('ended', ending)
      }
      // Its last words may lie unread in the pipe: they say why it ended.
      child.on('exit', (code, signal) => {
        clearInterval(this.#watching)
        if (!child.connected) return void setImmediate(() => end(code, signal))
        child.once('disconnect', () => end(code, signal))
        setTimeout(() => end(code, signal), LAST_WORDS_MS)
      })
      // It could not be started, or not be told: either way there is no process of use.
      child.on('error', (error) => {
        this.log.warn('The inference process cannot be spoken to.', { pid: child.pid, error: error.message })
        if (child.pid === undefined) end(null, null)
        else this.kill()
      })
    })
    this.send({ kind: 'start', config })
  }

  get pid(): number | undefined {
    return this.#process.pid
  }

  get phase(): Phase {
    return this.#watchdog.phase
  }

  send(message: ToInference): void {
    // Where it is gone, its end says so.
    if (this.#process.connected) this.#process.send(message, () => undefined)
  }

  kill(): void {
    this.#process.kill('SIGKILL')
  }

  /** Asks it to end, and ends it where it does not within `patienceMs`; resolves when it has ended. */
  async retire(patienceMs: number): Promise<void> {
    if (this.#over) return
    // It may be busy with its goodbyes.
    clearInterval(this.#watching)
    this.send({ kind: 'retire' })
    const patience = setTimeout(() => this.kill(), patienceMs)
    const despair = setTimeout(() => {
      this.log.error('The inference process outlives SIGKILL; it is left alone.', { pid: this.pid })
      this.#process.unref()
      if (this.#process.connected) this.#process.disconnect()
      this.#process.emit('exit', null, 'SIGKILL')
    }, patienceMs + END_TIMEOUT_MS)
    await this.ended
    clearTimeout(patience)
    clearTimeout(despair)
  }

  #watch(): void {
    const silentMs = this.#watchdog.ask(performance.now())
    if (silentMs === undefined) return
    this.#silentMs = silentMs
    clearInterval(this.#watching)
    this.log.error('The inference process is silent; it is ended.', {
      pid: this.pid,
      phase: this.phase,
      silentMs: Math.round(silentMs),
    })
    this.kill()
  }

  #hear(message: FromInference): void {
    const now = performance.now()
    this.#watchdog.heard(now, message.kind === 'phase' ? message.phase : undefined)
    switch (message.kind) {
      case 'alive': {
        const { rssBytes, cpuMs } = message
        const before = { cpuMs: this.usage?.cpuMs ?? 0, atMs: this.#usageAt }
        this.usage = { rssBytes, cpuMs, cpuPercent: cpuPercent(before, { cpuMs, atMs: now }) }
        this.#usageAt = now
        break
      }
      case 'engine':
        this.engine = message.engine
        break
      case 'listening':
        this.listening ??= message.path
        this.servesSince ??= now
        break
      case 'unreachable':
        this.unreachable = message.error
        this.servesSince ??= now
        break
      case 'sources':
        this.sources = message.sources
        break
      case 'failed':
      case 'unable':
        this.#said = message
        // It ends by itself; a driver that it cannot leave must not hold it.
        this.#goodbye ??= setTimeout(() => this.kill(), GOODBYE_MS)
        break
      case 'log':
        this.log[message.level](message.message, { pid: this.pid, ...message.fields })
        break
      case 'phase':
      case 'refused':
      case 'handover':
      case 'preview':
      case 'tryAnswer':
    }
    this.emit('message', message)
  }

  #keep(stream: Readable, name: string): void {
    const lines = new OutputLines()
    const write = (line: string): void => this.log.warn(line, { pid: this.pid, from: name })
    stream.setEncoding('utf8')
    stream.on('data', (text: string) => lines.take(text, performance.now()).forEach(write))
    stream.on('close', () => lines.end(performance.now()).forEach(write))
  }
}
