import type { CutFingerprint } from './cut-fingerprint.ts'

const BINS = 24
/** Chroma beyond this (of −1..1) falls into the outermost bins. */
const CHROMA_RANGE = 0.4
/** Added to a cell's R + G + B, as a part of the frame's mean: the chroma of a near-black cell is rounding noise. */
const CHROMA_FLOOR = 0.1
/** Part of the cells that are black, as it were. */
const BLACK_QUANTILE = 0.02

/**
 * How alike the colours of two frames are, wherever they lie in the picture: the intersection of their histograms of
 * chroma (24x24 bins, each cell shared among its four nearest). Chroma does not change with exposure.
 */
export class ColourMatcher {
  readonly #current = new Float32Array(BINS * BINS)
  readonly #reference = new Float32Array(BINS * BINS)

  /**
   * Compares the cells at or under a level of each frame.
   *
   * @returns 0 (no colour in common) .. 1 (the same colours in the same amounts)
   */
  compare(current: CutFingerprint, currentLevel: number, reference: CutFingerprint, referenceLevel: number): number {
    const plain = this.#intersect(current, currentLevel, 0, reference, referenceLevel, 0)
    const currentVeil = veil(current, reference)
    const referenceVeil = veil(reference, current)
    const unveiled = this.#intersect(current, currentLevel, currentVeil, reference, referenceLevel, referenceVeil)
    return Math.max(plain, unveiled)
  }

  #intersect(
    current: CutFingerprint,
    currentLevel: number,
    currentVeil: number,
    reference: CutFingerprint,
    referenceLevel: number,
    referenceVeil: number,
  ): number {
    fill(this.#current, current, currentLevel, currentVeil)
    fill(this.#reference, reference, referenceLevel, referenceVeil)
    let common = 0
    for (let bin = 0; bin < BINS * BINS; bin++) common += Math.min(this.#current[bin], this.#reference[bin])
    return common
  }
}

function fill(histogram: Float32Array, frame: CutFingerprint, highestLevel: number, veil: number): void {
  const { level, redGreen, blueYellow, channelSum } = frame
  histogram.fill(0)
  let cells = 0
  for (let cell = 0; cell < level.length; cell++) {
    if (level[cell] > highestLevel) continue
    cells++
    const brightness = Math.max(channelSum[cell] - veil, 0) + CHROMA_FLOOR * (frame.meanSum - veil)
    const u = binPosition(redGreen[cell] / brightness)
    const v = binPosition(blueYellow[cell] / brightness)
    const bin = Math.floor(u) * BINS + Math.floor(v)
    const du = u - Math.floor(u)
    const dv = v - Math.floor(v)
    histogram[bin] += (1 - du) * (1 - dv)
    histogram[bin + 1] += (1 - du) * dv
    histogram[bin + BINS] += du * (1 - dv)
    histogram[bin + BINS + 1] += du * dv
  }
  for (let bin = 0; bin < histogram.length && cells > 0; bin++) histogram[bin] /= cells
}

/**
 * White that lies over a frame more than over another (a flash that does not blow it out, haze), in R + G + B: what to
 * take away to bring its blackest cells as near to black, beside its mean, as the other's.
 */
function veil(frame: CutFingerprint, other: CutFingerprint): number {
  const black = 3 * frame.levelAtQuantile(BLACK_QUANTILE)
  const ratio = (3 * other.levelAtQuantile(BLACK_QUANTILE)) / other.meanSum
  return ratio >= 0.9 ? 0 : Math.max(0, (black - ratio * frame.meanSum) / (1 - ratio))
}

/** Where a chroma lies between the bins' centres, 0..22.999: the next bin always exists. */
function binPosition(chroma: number): number {
  return Math.min(BINS - 1.001, Math.max(0, ((chroma / CHROMA_RANGE + 1) * BINS) / 2 - 0.5))
}
