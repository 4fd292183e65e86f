import { Tensor, type InferenceSession } from 'onnxruntime-common'
import { MatteboxError } from '../../errors/index.ts'
import type { Planes } from '../../model/blocks/refiner.ts'
import { emitNetwork, NETWORK_IO, stateShapes } from '../../model/network.ts'
import type { Weights } from '../../model/weights/tensor.ts'
import { collectGarbage } from './collect-garbage.ts'
import { CutDetector } from './cut-detector.ts'
import type { ProviderName } from './provider-name.ts'
import { createSession } from './runtime.ts'

/** Why the recurrent states were zeroed: the first six are the caller's (with an epoch), the others the session's own. */
export const RESET_REASONS = ['asked', 'scene', 'source', 'gap', 'first', 'size', 'cut', 'restart', 'error'] as const
export type ResetReason = (typeof RESET_REASONS)[number]

export interface MattingOptions {
  /** Asked for each time a network is built, and not kept: they are 15 MB that nobody needs while it runs. */
  readonly weights: () => Weights | Promise<Weights>
  readonly provider: ProviderName
  /** Threads of the CPU provider; undefined = as the machine has. */
  readonly threads?: number | undefined
  readonly refiner: 'deep' | 'fast' | 'none'
  readonly planes: Planes
  readonly precision?: 'fp32' | 'fp16'
  /** Zero the states where the content of the picture jumps. */
  readonly cutDetection: boolean
}

/** A frame in the network's low resolution. */
export interface LowFrame {
  /** uint8 [height, width, 4], BGRA, straight. */
  readonly data: Uint8Array
  /** Multiples of 16. */
  readonly width: number
  readonly height: number
  /** Counts the source's resets: with a new value the states are zeroed before this frame. */
  readonly epoch?: number
  /** Why the epoch changed. */
  readonly reason?: ResetReason
}

export interface Coefficients {
  /** float32 [planes, height, width]: see `Planes` for their order. Valid until the next step. */
  readonly planes: Float32Array
  readonly width: number
  readonly height: number
  /** The reset that came before this frame, if one did. */
  readonly reset: ResetReason | undefined
}

/** A network for one size, and the memory of its source. */
interface Engine {
  readonly width: number
  readonly height: number
  readonly session: InferenceSession
  readonly cuts: CutDetector
  states: readonly Tensor[]
}

/**
 * The temporal state of one source: steps the network frame by frame and owns the recurrent states r1..r4.
 *
 * Steps are taken one after the other. A failed step zeroes the states, so that nothing broken is remembered.
 */
export class MattingSession implements AsyncDisposable {
  readonly #options: MattingOptions
  readonly #resets = Object.fromEntries(RESET_REASONS.map((reason) => [reason, 0])) as Record<ResetReason, number>
  #engine: Engine | undefined
  #epoch: number | undefined
  #pending: ResetReason | undefined

  constructor(options: MattingOptions) {
    this.#options = options
  }

  /** Resets so far, by reason. */
  get resets(): Readonly<Record<ResetReason, number>> {
    return this.#resets
  }

  /** Zeroes the states before the next frame. */
  reset(reason: ResetReason): void {
    this.#pending = reason
  }

  /**
   * Builds the network for a size and runs it once on an empty picture, so that the first step is as fast as the
   * others. The states stay as they are.
   */
  async warm(width: number, height: number): Promise<void> {
    const engine = await this.#engineFor(width, height)
    const empty = new Uint8Array(width * height * 4)
    const out = await engine.session.run(feeds(engine, empty, zeroStates(width, height)))
    dispose(Object.values(out))
  }

  /**
   * One recurrent step.
   *
   * @throws {MatteboxError} SHAPE if the frame's bytes and size disagree; INFERENCE if the runtime fails or answers
   * numbers that are none (the states are then zeroed, reason `error`)
   */
  async step(frame: LowFrame): Promise<Coefficients> {
    requireWhole(frame)
    const engine = await this.#engineFor(frame.width, frame.height)
    const reset = this.#resetBefore(frame, engine)
    if (reset) {
      this.#resets[reset]++
      forget(engine)
    }
    try {
      const out = await engine.session.run(feeds(engine, frame.data, engine.states))
      dispose(engine.states)
      engine.states = NETWORK_IO.nextStates.map((name) => out[name])
      const planes = out[NETWORK_IO.planes].data as Float32Array
      requireFinite(planes)
      return { planes, width: frame.width, height: frame.height, reset }
    } catch (cause) {
      this.#resets.error++
      forget(engine)
      throw cause instanceof MatteboxError
        ? cause
        : inferenceError(`The ${this.#options.provider} provider failed.`, cause)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const engine = this.#engine
    this.#engine = undefined
    if (!engine) return
    dispose(engine.states)
    await engine.session.release()
  }

  /** Why the states must be zeroed before this frame: the caller's reasons go before what the picture shows. */
  #resetBefore(frame: LowFrame, engine: Engine): ResetReason | undefined {
    const epoch = this.#epoch
    this.#epoch = frame.epoch
    const asked = epoch !== undefined && frame.epoch !== epoch ? (frame.reason ?? 'asked') : this.#pending
    this.#pending = undefined
    // What was before a reset is another picture: this frame is compared with nothing.
    if (asked) engine.cuts.reset()
    const cut = this.#options.cutDetection && engine.cuts.next(frame.data)
    return asked ?? (cut ? 'cut' : undefined)
  }

  async #engineFor(width: number, height: number): Promise<Engine> {
    const old = this.#engine
    if (old?.width === width && old.height === height) return old
    const { weights, provider, threads, refiner, planes, precision = 'fp32' } = this.#options
    const model = emitNetwork(await weights(), { height, width, planes, refiner, precision })
    const session = await createSession(model, {
      provider,
      ...(threads === undefined ? {} : { threads }),
      ...(provider === 'webgpu' ? { outputsOnGpu: NETWORK_IO.nextStates } : {}),
    })
    collectGarbage()
    if (old) {
      await this[Symbol.asyncDispose]()
      this.reset('size')
    }
    this.#engine = { width, height, session, cuts: new CutDetector(width, height), states: zeroStates(width, height) }
    return this.#engine
  }
}

function forget(engine: Engine): void {
  dispose(engine.states)
  engine.states = zeroStates(engine.width, engine.height)
}

function zeroStates(width: number, height: number): Tensor[] {
  return stateShapes(1, height, width).map((shape) => {
    const size = shape.reduce((product, side) => product * side, 1)
    return new Tensor('float32', new Float32Array(size), shape)
  })
}

function feeds(engine: Engine, data: Uint8Array, states: readonly Tensor[]): Record<string, Tensor> {
  return {
    [NETWORK_IO.frame]: new Tensor('uint8', data, [1, engine.height, engine.width, 4]),
    ...Object.fromEntries(NETWORK_IO.states.map((name, index) => [name, states[index]])),
  }
}

/** States that live on a GPU are freed at once, not when the collector comes by. */
function dispose(tensors: readonly { readonly location: string; dispose(): void }[]): void {
  for (const tensor of tensors) if (tensor.location === 'gpu-buffer') tensor.dispose()
}

function requireWhole({ data, width, height }: LowFrame): void {
  const wanted = width * height * 4
  if (data.length === wanted && width % 16 === 0 && height % 16 === 0 && width > 0 && height > 0) return
  throw new MatteboxError(
    'SHAPE',
    `A low-resolution frame of ${width}x${height} has ${data.length} bytes; wanted are ${wanted}, sides divisible by 16.`,
    'Shrink the frame to the size that lowResolution() gives for its source.',
  )
}

function requireFinite(planes: Float32Array): void {
  // NaN and infinity times zero are NaN, and a sum keeps it: one pass without a branch.
  let sum = 0
  for (let i = 0; i < planes.length; i++) sum += planes[i] * 0
  if (sum !== 0) throw inferenceError('The network answered numbers that are none (NaN or infinity).')
}

function inferenceError(message: string, cause?: unknown): MatteboxError {
  const detail = cause instanceof Error ? ` (${cause.message})` : ''
  return new MatteboxError('INFERENCE', `${message}${detail}`, 'Choose another provider, or see `mattebox doctor`.', {
    cause,
  })
}
