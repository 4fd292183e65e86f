import type { TryMatte } from '../../api/index.ts'
import type { MatteSize } from '../matte/size.ts'

/** What is measured while frames are matted. */
export interface TryFigures {
  /** Answered, over the last second or two. */
  readonly framesPerSecond: number
  /** Mean of the network's run, over the same time. */
  readonly inferenceMs: number
  /** From reading a frame to having its matte. */
  readonly roundTripMs: number
  readonly low: MatteSize
  readonly provider: string
  readonly model: string
  readonly lastReset: { readonly reason: string; readonly at: Date } | null
}

export interface AnsweredFrame {
  readonly atMs: number
  readonly roundTripMs: number
  readonly matte: Pick<TryMatte, 'runMs' | 'provider' | 'model' | 'reset'>
  readonly low: MatteSize
}

const WINDOW_MS = 2000

/** Figures of the frames that were answered lately. */
export class Meter {
  #frames: AnsweredFrame[] = []
  #lastReset: TryFigures['lastReset'] = null

  /** @param at - the time of day, for resets */
  answered(frame: AnsweredFrame, at: Date): TryFigures {
    this.#frames = [...this.#frames.filter(({ atMs }) => frame.atMs - atMs < WINDOW_MS), frame]
    if (frame.matte.reset !== null) this.#lastReset = { reason: frame.matte.reset, at }
    const [first] = this.#frames
    const seconds = (frame.atMs - first.atMs) / 1000
    const mean = (of: (frame: AnsweredFrame) => number): number =>
      this.#frames.reduce((sum, one) => sum + of(one), 0) / this.#frames.length
    return {
      framesPerSecond: seconds > 0 ? (this.#frames.length - 1) / seconds : 0,
      inferenceMs: mean(({ matte }) => matte.runMs),
      roundTripMs: mean(({ roundTripMs }) => roundTripMs),
      low: frame.low,
      provider: frame.matte.provider,
      model: frame.matte.model,
      lastReset: this.#lastReset,
    }
  }
}
