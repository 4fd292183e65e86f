import { ColourMatcher } from './cut-colours.ts'
import { CutFingerprint, NO_LIMIT } from './cut-fingerprint.ts'
import { StructureMatcher } from './cut-structure.ts'

/**
 * Where a cut begins, in the two things that are measured: `structure`, the share of the picture's blocks that are
 * found again, and `colours`, the intersection of the chroma histograms. Chosen on one half of the test clips and
 * judged on the other (docs/decisions.md; test/sidecar/inference/cut-detector-clips.test.ts prints both).
 */
export const CUT_THRESHOLDS = {
  /** Under this the colours have changed. */
  colours: 0.82,
  /** Under this, with other colours: another place. */
  structure: 0.5,
  /** Under this, with other colours though exposure and time stand still: another person in the same place. */
  structureSamePlace: 0.8,
  /** Under this nothing is where it was a frame ago: a cut even in the same colours, or without any. */
  structureNone: 0.25,
  /** |log of the change in luma| under which the exposure stands still. */
  steady: 0.5,
  /** Share of blocks that must be comparable for a verdict. */
  compared: 0.12,
  lost: 0.35,
  coloursLater: 0.72,
  haze: 12,
  hold: 8,
} as const

/** How the newest frame compared with the reference; for tests and for choosing the thresholds. */
export interface CutMeasure {
  /** Share of blocks that could be compared. */
  readonly compared: number
  readonly structure: number
  /** Not measured (1) where the structure alone shows the same picture. */
  readonly colours: number
  readonly steady: number
  readonly haze: number
  /** Frames since the reference: 1 = the one before. */
  readonly age: number
}

/**
 * Finds hard cuts in a run of low-resolution frames: `next` says whether the content jumped at a frame, so that what
 * the network remembers is of another picture.
 *
 * It compares each frame with the last one that had structure: how much of the picture is found again, elsewhere and
 * in another exposure too, and whether the colours are still the same. A frame without structure (white, black,
 * blown out) is undecided: it is no cut and does not become the reference.
 *
 * What it does not see: a dissolve (each frame is like the one before), a cut to the same people in the same place
 * (a jump cut), a change of person across a flash, and a cut inside a blown-out picture until it can be seen again.
 * A frame takes a fixed amount of memory and work; nothing is allocated.
 */
export class CutDetector {
  readonly #structure: StructureMatcher
  readonly #colours = new ColourMatcher()
  #current: CutFingerprint
  #reference: CutFingerprint
  #hasReference = false
  /** Frames since the reference. */
  #age = 0
  readonly #measure = { compared: 0, structure: 0, colours: 1, steady: 0, haze: 0, ratio: 0, age: 0, fraction: 0 }

  /** @param width - of every frame, in pixels, at least 16; so is `height` */
  constructor(width: number, height: number) {
    this.#current = new CutFingerprint(width, height)
    this.#reference = new CutFingerprint(width, height)
    this.#structure = new StructureMatcher(this.#current.columns, this.#current.rows)
  }

  /** The newest frame's comparison; overwritten by the next. */
  get measure(): CutMeasure {
    return this.#measure
  }

  /**
   * @param frame - uint8 [height, width, 4], BGRA
   * @returns whether the content jumped at this frame: the recurrent states must be zeroed before it
   */
  next(frame: Uint8Array): boolean {
    this.#current.read(frame)
    this.#age++
    this.#measure.age = this.#age
    if (!this.#hasReference) {
      if (this.#current.structured >= CUT_THRESHOLDS.compared) this.#keepAsReference()
      return false
    }
    if (!this.#isComparable() || (this.#compare(), this.#measure.compared < CUT_THRESHOLDS.compared)) {
      // Undecided. A reference that is nearly blown out itself must not stay: nothing could be compared with it.
      if (
        (this.#age > CUT_THRESHOLDS.hold && this.#current.structured >= CUT_THRESHOLDS.compared) ||
        visible(this.#current) > visible(this.#reference)
      )
        this.#keepAsReference()
      return false
    }
    const cut = isCut(this.#measure)
    this.#keepAsReference()
    return cut
  }

  /** Forgets the reference: the next frame is compared with nothing. */
  reset(): void {
    this.#hasReference = false
  }

  /** Whether both frames show enough, and one not much less than the other. */
  #isComparable(): boolean {
    const { structured, exposed } = this.#current
    this.#measure.compared = 0
    this.#measure.fraction = exposed / this.#reference.exposed
    if (structured < CUT_THRESHOLDS.compared) return false
    return (
      exposed >= CUT_THRESHOLDS.lost * this.#reference.exposed &&
      this.#reference.exposed >= CUT_THRESHOLDS.lost * exposed
    )
  }

  #compare(): void {
    const current = this.#current
    const reference = this.#reference
    const measure = this.#measure
    // Exposure keeps the order of levels. What one frame lost to overexposure is left out of the other as well: its
    // brightest cells, as many.
    const fraction = Math.min(current.exposed, reference.exposed)
    const currentLevel = current.levelAtQuantile(fraction)
    const referenceLevel = reference.levelAtQuantile(fraction)
    current.limitTo(fraction < current.exposed ? currentLevel : NO_LIMIT)
    reference.limitTo(fraction < reference.exposed ? referenceLevel : NO_LIMIT)
    const match = this.#structure.compare(current, reference)
    measure.compared = match.compared
    measure.structure = match.found
    measure.steady = match.steady
    measure.haze = current.levelAtQuantile(0.02) - reference.levelAtQuantile(0.02)
    measure.ratio = current.deviation / reference.deviation
    const veiled = (measure.haze > 80 && measure.ratio < 0.6) || (measure.haze < -80 && measure.ratio > 1 / 0.6)
    measure.colours =
      match.found < CUT_THRESHOLDS.structureSamePlace && !veiled
        ? 1 - fraction + fraction * this.#colours.compare(current, currentLevel, reference, referenceLevel)
        : 1
  }

  #keepAsReference(): void {
    const old = this.#reference
    this.#reference = this.#current
    this.#current = old
    this.#hasReference = true
    this.#age = 0
  }
}

function visible(f: CutFingerprint): number {
  return f.structured * f.exposed
}

function isCut({ structure, colours, steady, age }: CutMeasure): boolean {
  const t = CUT_THRESHOLDS
  if (age > 1)
    return (
      colours < t.coloursLater && (structure < t.structure || (structure < t.structureSamePlace && steady >= t.steady))
    )
  if (structure < t.structureNone) return true
  if (structure < t.structure) return colours < t.colours
  return structure < t.structureSamePlace && colours < t.colours && steady >= t.steady
}
