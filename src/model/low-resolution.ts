import { MatteboxError } from '../errors/index.ts'
import { SIZE_MULTIPLE } from './architecture.ts'

/** Longest side of the low resolution under `auto`. */
const AUTO_LONGEST_SIDE = 512

/** Ratio that `auto` (0) stands for: the longest side becomes 512 pixels, never enlarged. */
export function effectiveRatio(sourceWidth: number, sourceHeight: number, ratio: number): number {
  return ratio === 0 ? Math.min(1, AUTO_LONGEST_SIDE / Math.max(sourceWidth, sourceHeight)) : ratio
}

/**
 * Size of the frame that the network sees: each side is the nearest multiple of 16 to source · ratio, at least 16.
 * The whole picture is stretched into it: no crop, no padding.
 *
 * @param ratio - downsample ratio s (paper section 2.3), 0.05..1, or 0 for auto
 */
export function lowResolution(
  sourceWidth: number,
  sourceHeight: number,
  ratio: number,
): { width: number; height: number } {
  if (ratio !== 0 && !(ratio > 0 && ratio <= 1)) {
    throw new MatteboxError('USAGE', `The downsample ratio is ${ratio}.`, 'Give 0 (auto) or a number from 0.05 to 1.')
  }
  const s = effectiveRatio(sourceWidth, sourceHeight, ratio)
  const side = (source: number): number =>
    Math.max(SIZE_MULTIPLE, SIZE_MULTIPLE * Math.round((source * s) / SIZE_MULTIPLE))
  return { width: side(sourceWidth), height: side(sourceHeight) }
}
