import type { Tensor } from 'onnxruntime-common'
import { MatteboxError } from '../../errors/index.ts'
import { NETWORK_IO } from '../../model/network.ts'
import { CutDetector } from './cut-detector.ts'
import {
  disposeTensors,
  feedsOf,
  NetworkPool,
  zeroStates,
  type Lease,
  type NetworkKey,
  type NetworkOptions,
} from './network-pool.ts'

/** Why the recurrent states were zeroed: the first six are the caller's (with an epoch), the others the session's own. */
export const RESET_REASONS = ['asked', 'scene', 'source', 'gap', 'first', 'size', 'cut', 'restart', 'error'] as const
export type ResetReason = (typeof RESET_REASONS)[number]

export interface MattingOptions extends NetworkOptions, Pick<NetworkKey, 'refiner' | 'planes'> {
  /** Zero the states where the content of the picture jumps. */
  readonly cutDetection: boolean
  /** Refuse planes with numbers that are none; false where whoever takes the planes looks, as the channel does. */
  readonly checksNumbers?: boolean
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
  /** What the runtime's run took, in milliseconds. */
  readonly runMs: number
}

/** A network for one size, and the memory of its source. */
interface Engine {
  readonly lease: Lease
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
  readonly #networks: NetworkPool
  readonly #resets = Object.fromEntries(RESET_REASONS.map((reason) => [reason, 0])) as Record<ResetReason, number>
  #engine: Engine | undefined
  #epoch: number | undefined
  #pending: ResetReason | undefined
  #watchesCuts: boolean

  /** @param networks - shared with other sessions of the same model and provider; default: none shared */
  constructor(options: MattingOptions, networks: NetworkPool = new NetworkPool(options)) {
    this.#options = options
    this.#watchesCuts = options.cutDetection
    this.#networks = networks
  }

  /** Resets so far, by reason. */
  get resets(): Readonly<Record<ResetReason, number>> {
    return this.#resets
  }

  /** Whether cuts are looked for, from the next frame on. */
  set cutDetection(on: boolean) {
    this.#watchesCuts = on
  }

  /** Zeroes the states before the next frame. */
  reset(reason: ResetReason): void {
    this.#pending = reason
  }

  /** Builds the network for a size, so that the first step need not. The states stay as they are. */
  async prepare(width: number, height: number): Promise<void> {
    const { lease } = await this.#engineFor(width, height)
    // A GPU compiles its shaders in the first run; on the CPU it is a step like any other, and might be the first matte.
    if (this.#networks.provider !== 'cpu') await this.#networks.warm(lease)
  }

  /** Builds it too, and runs it once on an empty picture, so that the first step is as fast as the others. */
  async warm(width: number, height: number): Promise<void> {
    const { lease } = await this.#engineFor(width, height)
    await this.#networks.warm(lease)
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
      const { network } = engine.lease
      const began = performance.now()
      const out = await network.session.run(feedsOf(network, frame.data, engine.states))
      const runMs = performance.now() - began
      disposeTensors(engine.states)
      engine.states = NETWORK_IO.nextStates.map((name) => out[name])
      const planes = out[NETWORK_IO.planes].data as Float32Array
      if ((this.#options.checksNumbers ?? true) && !areFinite(planes)) {
        throw inferenceError('The network answered numbers that are none (NaN or infinity).')
      }
      return { planes, width: frame.width, height: frame.height, reset, runMs }
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
    disposeTensors(engine.states)
    await engine.lease.release()
  }

  /** Why the states must be zeroed before this frame: the caller's reasons go before what the picture shows. */
  #resetBefore(frame: LowFrame, engine: Engine): ResetReason | undefined {
    const epoch = this.#epoch
    this.#epoch = frame.epoch
    const asked = epoch !== undefined && frame.epoch !== epoch ? (frame.reason ?? 'asked') : this.#pending
    this.#pending = undefined
    // What was before a reset is another picture: this frame is compared with nothing.
    if (asked) engine.cuts.reset()
    const cut = this.#watchesCuts && engine.cuts.next(frame.data)
    return asked ?? (cut ? 'cut' : undefined)
  }

  async #engineFor(width: number, height: number): Promise<Engine> {
    const old = this.#engine
    if (old?.lease.network.width === width && old.lease.network.height === height) return old
    const { refiner, planes } = this.#options
    const lease = await this.#networks.acquire({ width, height, refiner, planes })
    if (old) {
      await this[Symbol.asyncDispose]()
      this.reset('size')
    }
    this.#engine = { lease, cuts: new CutDetector(width, height), states: zeroStates(width, height) }
    return this.#engine
  }
}

function forget(engine: Engine): void {
  const { width, height } = engine.lease.network
  disposeTensors(engine.states)
  engine.states = zeroStates(width, height)
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

/** Whether all are numbers, neither NaN nor infinite. */
export function areFinite(values: Float32Array): boolean {
  // NaN and infinity times zero are NaN, and a sum keeps it: one pass without a branch.
  let sum = 0
  for (let i = 0; i < values.length; i++) sum += values[i] * 0
  return sum === 0
}

function inferenceError(message: string, cause?: unknown): MatteboxError {
  const detail = cause instanceof Error ? ` (${cause.message})` : ''
  return new MatteboxError('INFERENCE', `${message}${detail}`, 'Choose another provider, or see `mattebox doctor`.', {
    cause,
  })
}
