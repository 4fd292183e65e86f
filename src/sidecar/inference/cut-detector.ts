import { ColourMatcher } from './cut-colours.ts'
import { CutFingerprint, NO_LIMIT } from './cut-fingerprint.ts'
import { SAME_PLACE, StructureMatcher } from './cut-structure.ts'

/**
 * Where the same picture ends and a cut begins: shares of found blocks, and likeness of colours. The longer ago the
 * reference was, the more may have moved, and the more it takes. Chosen and judged on different clips
 * (docs/decisions.md, “What is a cut”).
 */
export const CUT_THRESHOLDS = {
  /** Compared with the frame before. */
  nextFrame: { structure: 0.5, colours: 0.7 },
  /** Compared with a frame from before a flash. */
  afterFlash: { structure: 0.5, colours: 0.5 },
  /** Compared with a frame from longer ago. */
  afterLongGap: { structure: 0.25, colours: 0.35 },
  /** Share of found blocks under which nothing is where it was a frame ago: a cut whatever the colours. */
  structureNone: 0.25,
} as const

/** A flash leaves so many frames without a verdict, at most. */
const FLASH_FRAMES = 5
/** Share of all blocks that must have structure, for a verdict. */
const ENOUGH_BLOCKS = 0.12
/** A frame that shows less than this part of what the other shows is blown out, and the pair has no verdict. */
const BLOWN_OUT = 0.35
/** A blown-out picture that stays longer is no flash: it becomes the reference. */
const LONGEST_FLASH_FRAMES = 8

/** How the newest frame compares with the reference: what the thresholds are held against. */
export interface CutMeasure {
  /** Frames since the reference: 1 = it is the frame before. */
  readonly age: number
  /** Share of the blocks that could be compared, 0..1; without a verdict under 0.12, and the rest is meaningless. */
  readonly compared: number
  /** Share of the compared blocks that are found again, 0..1. */
  readonly structure: number
  /** Likeness of colours, 0..1; 1 as well where the structure alone decides. */
  readonly colours: number
}

/**
 * Finds hard cuts in a run of low-resolution frames: says at which frame the content jumps, so that what the network
 * remembers is of another picture. Two signs, neither of which changes with exposure: the share of the picture that is
 * found again in the frame before, moved or not, and the colours in it.
 *
 * A frame without structure (white, black, blown out by a flash) has no verdict: the next one with structure is
 * compared with the last one that had it. Flashes, pans, changing exposure, fades to and from black or white, someone
 * who enters or passes close to the camera are no cuts.
 *
 * What it cannot see: a dissolve (every frame is like the one before), a jump cut, a change of people in the same place,
 * cuts to or from a picture that is mostly blown out, and half of the cuts that lie behind a long fade.
 *
 * Memory is fixed, work per frame is bounded, and no buffer is allocated after construction.
 */
export class CutDetector {
  readonly #structure: StructureMatcher
  readonly #colours = new ColourMatcher()
  readonly #measure = { age: 0, compared: 0, structure: 0, colours: 1 }
  #current: CutFingerprint
  #reference: CutFingerprint
  #hasReference = false
  /** Frames since the reference. */
  #age = 0

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
   * @param frame - uint8 [height, width, 4], BGRA, straight; alpha is not looked at
   * @returns whether the content jumped at this frame: the recurrent states must be zeroed before it
   */
  next(frame: Uint8Array): boolean {
    this.#current.read(frame)
    this.#age++
    this.#compare()
    if (this.#measure.compared < ENOUGH_BLOCKS) {
      if (this.#isBetterReference()) this.#keepAsReference()
      return false
    }
    this.#keepAsReference()
    return isCut(this.#measure)
  }

  /** Forgets the reference, after a reset for another reason: the next frame is compared with nothing. */
  reset(): void {
    this.#hasReference = false
  }

  #compare(): void {
    const current = this.#current
    const reference = this.#reference
    const measure = this.#measure
    measure.age = this.#age
    measure.compared = 0
    if (!this.#hasReference || current.structured < ENOUGH_BLOCKS) return
    const shown = Math.min(current.exposed, reference.exposed)
    if (shown < BLOWN_OUT * Math.max(current.exposed, reference.exposed)) return

    // Exposure keeps the order of levels. What one frame has lost to overexposure is left out of the other as well:
    // as many of its brightest cells.
    const currentLevel = current.levelAtQuantile(shown)
    const referenceLevel = reference.levelAtQuantile(shown)
    current.limitTo(shown < current.exposed ? currentLevel : NO_LIMIT)
    reference.limitTo(shown < reference.exposed ? referenceLevel : NO_LIMIT)
    const match = this.#structure.compare(current, reference)
    measure.compared = match.compared
    measure.structure = match.found
    measure.colours = 1
    if (match.found >= SAME_PLACE) return
    // What is blown out gives no evidence: it counts as alike.
    measure.colours -= shown * (1 - this.#colours.compare(current, currentLevel, reference, referenceLevel))
  }

  /** Without a verdict the old reference stays, unless it shows less, or the picture stays blown out. */
  #isBetterReference(): boolean {
    const { structured, exposed } = this.#current
    if (structured < ENOUGH_BLOCKS) return false
    if (!this.#hasReference || this.#age > LONGEST_FLASH_FRAMES) return true
    return structured * exposed > this.#reference.structured * this.#reference.exposed
  }

  #keepAsReference(): void {
    const old = this.#reference
    this.#reference = this.#current
    this.#current = old
    this.#hasReference = true
    this.#age = 0
  }
}

/** Which of CUT_THRESHOLDS holds, so many frames after the reference. */
export function gapOf(age: number): 'nextFrame' | 'afterFlash' | 'afterLongGap' {
  return age === 1 ? 'nextFrame' : age <= FLASH_FRAMES + 1 ? 'afterFlash' : 'afterLongGap'
}

function isCut({ age, structure, colours }: CutMeasure): boolean {
  if (age === 1 && structure < CUT_THRESHOLDS.structureNone) return true
  const under = CUT_THRESHOLDS[gapOf(age)]
  return structure < under.structure && colours < under.colours
}
