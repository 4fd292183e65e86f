import { effectiveRatio, lowResolution } from '../../model/low-resolution.ts'
import { LIVE_SIDE } from '../../settings/live-side.ts'

export interface MatteSize {
  readonly width: number
  readonly height: number
  /** Lower than the one that was asked for where its picture would be too large. */
  readonly ratio: number
}

/**
 * Size in which the live network sees a picture, as the filter in OBS has it.
 *
 * @param ratio - 0.05..1, or 0 for auto
 */
export function matteSize(width: number, height: number, ratio: number): MatteSize {
  const inEffect = Math.min(effectiveRatio(width, height, ratio), LIVE_SIDE.max / Math.max(width, height))
  return { ...lowResolution(width, height, inEffect), ratio: inEffect }
}
