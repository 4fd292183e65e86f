import { fork } from 'node:child_process'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { cudaEnvironment } from '../../settings/cuda-folder.ts'
import type { ProviderName } from '../../settings/index.ts'
import { crashed, explainFailure, softwareDriver, timedOut, type ProviderReason } from './provider-reason.ts'

/** A tensor as it travels between the two processes. */
export interface ProbeTensor {
  readonly type: 'float32' | 'uint8'
  readonly dims: readonly number[]
  readonly data: Float32Array | Uint8Array
}

/** What a provider is tried with: the network that is going to run tells more than a toy. */
export interface ProbeWork {
  /** An ONNX file. */
  readonly model: Uint8Array
  readonly inputs: Readonly<Record<string, ProbeTensor>>
}

export interface ProbeOptions {
  /** Which GPU CUDA runs on, from 0; default: the first. */
  readonly device?: number | undefined
  /** Threads of the session; default: `defaultThreads()`. */
  readonly threads?: number | undefined
  /** Limit for creating the session, and again for its first run, which compiles shaders; default 180 s. */
  readonly createTimeoutMs?: number | undefined
  /** Limit for each later run; default 5 s. */
  readonly runTimeoutMs?: number | undefined
  /** Stop before the first run where only a software driver of Vulkan answers. */
  readonly hardwareOnly?: boolean | undefined
  /** Program of the child process, for tests. */
  readonly childPath?: string | undefined
}

export type ProbeResult =
  | {
      readonly provider: ProviderName
      readonly ok: true
      /** Median of a run, after the first, in milliseconds. */
      readonly ms: number
      readonly device?: string | undefined
      readonly outputs: Readonly<Record<string, ProbeTensor>>
    }
  | { readonly provider: ProviderName; readonly ok: false; readonly reason: ProviderReason }

/** What the parent sends: one job, then nothing more. */
export interface ProbeJob extends ProbeWork {
  readonly provider: ProviderName
  readonly device: number | undefined
  readonly threads: number | undefined
}

/** What the child says, in this order: created, then ran (once for each run), then done; or failed instead. */
export type ProbeMessage =
  | { readonly kind: 'created'; readonly device: string | undefined; readonly software: readonly string[] }
  | { readonly kind: 'ran' }
  | { readonly kind: 'done'; readonly ms: number; readonly outputs: Readonly<Record<string, ProbeTensor>> }
  | { readonly kind: 'failed'; readonly message: string }

const CREATE_TIMEOUT_MS = 180_000
const RUN_TIMEOUT_MS = 5_000
/** A process that hangs inside a driver may outlive SIGKILL: it is not waited for longer. */
const END_TIMEOUT_MS = 1_000
const STDERR_LIMIT = 65_536

// Beside this file, and compiled or not as this file is.
const CHILD = fileURLToPath(new URL(`./provider-probe-child${extname(import.meta.url)}`, import.meta.url))

/**
 * Tries one provider by real runs in a child process: drivers abort and hang, and must not take this process along.
 * Never rejects: whatever goes wrong becomes the reason. Nothing the child writes reaches the terminal.
 */
export function probeProvider(
  provider: ProviderName,
  work: ProbeWork,
  options: ProbeOptions = {},
): Promise<ProbeResult> {
  const { createTimeoutMs = CREATE_TIMEOUT_MS, runTimeoutMs = RUN_TIMEOUT_MS } = options
  return new Promise((resolve) => {
    const child = fork(options.childPath ?? CHILD, [], {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      serialization: 'advanced',
      // A debugger's port, or a loader, is the parent's own.
      execArgv: [],
      env: cudaEnvironment(),
    })
    let stderr = ''
    let device: string | undefined
    /** How it ended, once that is known; put into words when all of stderr is there. */
    let outcome: (() => ProbeResult) | undefined
    let limit: NodeJS.Timeout | undefined

    const expect = (step: string, ms: number): void => {
      clearTimeout(limit)
      limit = setTimeout(() => fail(() => timedOut(provider, step, ms)), ms)
    }
    const end = (how: () => ProbeResult): void => {
      outcome ??= how
      clearTimeout(limit)
      child.kill('SIGKILL')
      limit = setTimeout(finish, END_TIMEOUT_MS)
    }
    const fail = (why: () => ProviderReason): void => end(() => ({ provider, ok: false, reason: why() }))
    const finish = (): void => {
      clearTimeout(limit)
      child.removeAllListeners()
      child.stderr!.destroy()
      if (child.connected) child.disconnect()
      child.unref()
      resolve(outcome!())
    }

    child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      if (stderr.length < STDERR_LIMIT) stderr += text
    })
    child.on('message', (message: ProbeMessage) => {
      if (outcome) return
      switch (message.kind) {
        case 'created':
          device = message.device
          if (options.hardwareOnly && message.software.length > 0) return fail(() => softwareDriver(message.software))
          return expect('the first run', createTimeoutMs)
        case 'ran':
          return expect('a run', runTimeoutMs)
        case 'done':
          return end(() => ({ provider, ok: true, ms: message.ms, device, outputs: message.outputs }))
        case 'failed':
          return fail(() => explainFailure(provider, message.message, withoutColours(stderr)))
      }
    })
    child.on('error', (error) => fail(() => explainFailure(provider, error.message)))
    child.on('close', (code, signal) => {
      outcome ??= () => ({
        provider,
        ok: false,
        reason: crashed(provider, signal ?? `exit code ${code}`, withoutColours(stderr)),
      })
      finish()
    })
    child.send({ provider, device: options.device, threads: options.threads, ...work } satisfies ProbeJob, (error) => {
      // The child is gone: 'close' says how.
      if (error) child.kill('SIGKILL')
    })
    expect('creating the session', createTimeoutMs)
  })
}

function withoutColours(text: string): string {
  return text.replace(/\u001b\[[\d;]*m/g, '')
}
