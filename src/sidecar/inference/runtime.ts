import { createRequire } from 'node:module'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import type * as Ort from 'onnxruntime-node'
import { MatteboxError } from '../../errors/index.ts'
import { RUNTIME_FOLDER } from '../../settings/cuda-folder.ts'
import type { ProviderName } from '../../settings/index.ts'
import { explainFailure } from './provider-reason.ts'

export interface SessionRequest {
  readonly provider: ProviderName
  /** Which GPU CUDA runs on, from 0; default: the first. The other providers take none. */
  readonly device?: number | undefined
  /** Threads that share one operation, at least 1; default: `defaultThreads()`. */
  readonly threads?: number | undefined
  /**
   * Outputs that stay in GPU memory, to be fed back as they are (recurrent states). WebGPU only: with the other
   * providers all outputs come back in main memory, and the same loop works. Never call `getData()` on such a tensor:
   * it aborts the process. Dispose it when its successor is there.
   */
  readonly outputsOnGpu?: readonly string[] | undefined
  /** Whether idle threads spin, waiting for the next run; default false. Only for the official graph in the bench. */
  readonly spinning?: boolean | undefined
  /**
   * Lets the runtime write its errors to standard error, where alone it says why a provider's library does not load.
   * The first session of a process decides for all that follow.
   */
  readonly logErrors?: boolean | undefined
}

/** Cores beyond are left to OBS. Not measured on larger machines yet. */
const MOST_THREADS = 8

/** Threads of a session where the user names none. */
export function defaultThreads(): number {
  return Math.min(MOST_THREADS, availableParallelism())
}

/**
 * Loads onnxruntime: 46 MB, so only commands that run the network pay for it. The copy that CUDA's libraries lie beside
 * computes the same with the other providers.
 *
 * @throws {MatteboxError} PROVIDER_UNAVAILABLE where there is no binary for this platform
 */
async function loadRuntime(): Promise<typeof Ort> {
  const copy = process.env[RUNTIME_FOLDER]
  try {
    if (copy) return createRequire(join(copy, 'package.json'))('onnxruntime-node') as typeof Ort
    return await import('onnxruntime-node')
  } catch (cause) {
    throw new MatteboxError(
      'PROVIDER_UNAVAILABLE',
      `onnxruntime does not load on ${process.platform} ${process.arch}: ${errorText(cause).split('\n')[0]}`,
      'It runs on Linux with glibc 2.28 or newer (x64, arm64), Windows (x64, arm64) and macOS on Apple silicon.',
      { cause },
    )
  }
}

/**
 * Creates an onnxruntime session: the only place that does. One provider, no list to fall back through: the runtime's
 * own fallback either throws or is silent. Operations that a GPU provider lacks still run on the CPU.
 *
 * Blocks the JavaScript thread, like every run of the session; a GPU driver may abort the process (provider-probe.ts
 * finds that out first).
 *
 * @param model - an ONNX file
 * @throws {MatteboxError} PROVIDER_UNAVAILABLE if a GPU provider cannot be used
 */
export async function createSession(model: Uint8Array, request: SessionRequest): Promise<Ort.InferenceSession> {
  const { provider, logErrors = false } = request
  const ort = await loadRuntime()
  ort.env.logLevel = logErrors ? 'error' : 'fatal'
  try {
    return await ort.InferenceSession.create(model, sessionOptions(request))
  } catch (cause) {
    // On the CPU it is a graph of ours that does not load: a fault to be seen whole.
    if (provider === 'cpu') throw cause
    const { message, mend } = explainFailure(provider, errorText(cause))
    throw new MatteboxError('PROVIDER_UNAVAILABLE', message, mend, { cause })
  }
}

/** What the runtime is told. */
export function sessionOptions(request: SessionRequest): Ort.InferenceSession.SessionOptions {
  const { provider, device, threads = defaultThreads(), outputsOnGpu = [], spinning = false } = request
  return {
    executionProviders: [provider === 'cuda' && device !== undefined ? { name: 'cuda', deviceId: device } : provider],
    graphOptimizationLevel: 'all',
    executionMode: 'sequential',
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    // Sizes are fixed: the pattern saves nothing and costs 65 MiB of resident memory at 480x272.
    enableMemPattern: false,
    logSeverityLevel: request.logErrors ? 3 : 4,
    // Threads that spin between frames take 75 % of a core at 30 Hz where sleeping ones take 9 %.
    extra: { session: { intra_op: { allow_spinning: spinning ? '1' : '0' } } },
    ...(provider === 'webgpu' && { preferredOutputLocation: locations(outputsOnGpu) }),
  }
}

function locations(names: readonly string[]): Record<string, 'gpu-buffer'> {
  return Object.fromEntries(names.map((name) => [name, 'gpu-buffer']))
}

function errorText(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).trim()
}
