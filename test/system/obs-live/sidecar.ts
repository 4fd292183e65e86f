/**
 * What answers the filter in these tests: the only file that knows how it is started.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { FromInference, SourceReport } from '../../../src/sidecar/contract/inference-process.ts'
import { compiled } from '../../sidecar/inference/compiled.ts'
import { InferenceChild } from '../../sidecar/inference/inference-child.ts'

/** A sidecar with the real network, on the CPU. */
export interface Sidecar {
  /** Folder of the record of the frames that were stepped. */
  readonly record: string
  /** What it said last of the filters that are connected. */
  readonly sources: readonly SourceReport[]
  /** All that it said of them, once a second. */
  readonly reports: readonly Report[]
  /** When its thread was held up by building networks, on the monotonic clock. */
  readonly builds: readonly Build[]
  /** Why it has ended; undefined while it runs. */
  readonly ending: string | undefined
  /** Resolves when it can matte. After it was killed: another one, as the supervisor would start it. */
  start(): Promise<void>
  /** It says bye to the filters and ends. */
  stop(): Promise<void>
  /** Ends it as a crash would. */
  kill(): Promise<void>
  /** Stops it in the middle of whatever it does, until `resume`. */
  pause(): void
  resume(): void
  /** Ends it, and nothing is left of it. */
  remove(): Promise<void>
}

export interface Report {
  /** On the monotonic clock. */
  readonly atMs: number
  readonly sources: readonly SourceReport[]
}

export interface Build {
  readonly beginsMs: number
  /** Infinity while it goes on. */
  readonly endsMs: number
}

interface SidecarOptions {
  /** Where filters look for it. */
  readonly socket: string
  /** A model file. */
  readonly model: string
}

/** The inference process, without a main process. */
export function sidecar({ socket, model }: SidecarOptions): Sidecar {
  const program = compiled('sidecar/inference/inference-process.ts', 'sidecar/inference/provider-probe-child.ts')
  const record = mkdtempSync(join(tmpdir(), 'mattebox-record-'))
  const builds: { beginsMs: number; endsMs: number }[] = []
  const reports: Report[] = []
  let running: InferenceChild | undefined

  const child = (): InferenceChild => {
    if (running === undefined) throw new Error('The sidecar was not started.')
    return running
  }
  return {
    record,
    builds,
    reports,
    get sources() {
      return reports.at(-1)?.sources ?? []
    },
    get ending() {
      if (running === undefined || !running.hasEnded) return undefined
      const failed = running.heard.filter(({ kind }) => kind === 'failed' || kind === 'unable')
      return `${running.child.exitCode ?? running.child.signalCode} ${JSON.stringify(failed)} ${running.stderr}`
    },
    async start() {
      running = InferenceChild.start(program.path, {
        socket,
        record,
        model: { name: 'standin', path: model },
        // There is no main process that could start a second one: it builds in place.
        longestBlockMs: Infinity,
      })
      running.child.on('message', (message: FromInference) => {
        const atMs = monotonicMs()
        if (message.kind === 'sources') reports.push({ atMs, sources: message.sources })
        if (message.kind !== 'phase') return
        if (message.phase === 'create') builds.push({ beginsMs: atMs, endsMs: Infinity })
        else if (builds.length > 0) builds[builds.length - 1].endsMs = atMs
      })
      await running.hears('listening')
      await running.hears('engine', ({ engine }) => engine.state === 'ready')
    },
    async stop() {
      child().say({ kind: 'retire' })
      await child().ended()
    },
    kill: () => child().end(),
    pause: () => void child().child.kill('SIGSTOP'),
    resume: () => void child().child.kill('SIGCONT'),
    async remove() {
      await running?.end()
      program.remove()
      rmSync(record, { recursive: true, force: true })
    },
  }
}

/** Whether a filter shows the newest matte because the machine is too slow for `matched`. */
export function hasFallenBack({ sources }: Report): boolean {
  return sources.some(({ settings, filter }) => settings?.pairing === 'matched' && filter?.pairing === 'newest')
}

/** CLOCK_MONOTONIC: the clock of libobs's timestamps. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6
}
