import type { CutFingerprint } from './cut-fingerprint.ts'

const BINS = 16
/** Chroma beyond this (of −1..1) falls into the outermost bins. */
const CHROMA_RANGE = 0.4

/**
 * How alike the colours of two frames are, wherever they lie in the picture: the intersection of their histograms of
 * chroma (16x16 bins, each cell shared among its four nearest). Chroma does not change with exposure.
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
    fill(this.#current, current, currentLevel)
    fill(this.#reference, reference, referenceLevel)
    let common = 0
    for (let bin = 0; bin < BINS * BINS; bin++) common += Math.min(this.#current[bin], this.#reference[bin])
    return common
  }
}

function fill(histogram: Float32Array, { level, redGreen, blueYellow }: CutFingerprint, highestLevel: number): void {
  histogram.fill(0)
  let cells = 0
  for (let cell = 0; cell < level.length; cell++) {
    if (level[cell] > highestLevel) continue
    cells++
    const u = binPosition(redGreen[cell])
    const v = binPosition(blueYellow[cell])
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

/** Where a chroma lies between the bins' centres, 0..14.999: the next bin always exists. */
function binPosition(chroma: number): number {
  return Math.min(BINS - 1.001, Math.max(0, ((chroma / CHROMA_RANGE + 1) * BINS) / 2 - 0.5))
}
