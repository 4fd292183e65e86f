import { BLOCK_CELLS, BLOCK_STEP, blocksAlong, type CutFingerprint } from './cut-fingerprint.ts'

/** How far the whole picture may have moved between the two frames, in cells: a fifth of its side. */
const SEARCH_CELLS = 5
/** How much further each block may lie than the whole: people move, and a turning camera bends the picture. */
const LOOSE_CELLS = 1
/** Normalised correlation from which two blocks show the same thing. */
const SAME_BLOCK = 0.7
/** Share of found blocks from which two frames show the same place: no better shift is searched, no colour compared. */
export const SAME_PLACE = 0.5
const SEARCH_SIDE = 2 * SEARCH_CELLS + 1

/** What two frames have in common in structure. */
export interface StructureMatch {
  /** Share of the current frame's blocks that can be compared, 0..1. */
  compared: number
  /** Share of the compared blocks that the reference holds at one common shift, 0..1. */
  found: number
}

/**
 * Block matching between two fingerprints of one size: the share of blocks that are found again at one common shift
 * of the picture, each give or take a cell. Blocks are compared by normalised cross-correlation of their luma, which
 * neither gain nor offset changes.
 */
export class StructureMatcher {
  readonly #match: StructureMatch = { compared: 0, found: 0 }
  readonly #columns: Int32Array
  readonly #rows: Int32Array
  readonly #votes = new Int32Array(SEARCH_SIDE * SEARCH_SIDE)
  /** Which block voted last for a shift: a block has one vote for each. */
  readonly #voter = new Int32Array(SEARCH_SIDE * SEARCH_SIDE)
  #comparable = 0
  #shiftX = 0
  #shiftY = 0

  constructor(columns: number, rows: number) {
    const blocks = blocksAlong(columns) * blocksAlong(rows)
    this.#columns = new Int32Array(blocks)
    this.#rows = new Int32Array(blocks)
  }

  /**
   * Compares those blocks of `current` that have structure with `reference`.
   *
   * @returns overwritten by the next call
   */
  compare(current: CutFingerprint, reference: CutFingerprint): Readonly<StructureMatch> {
    this.#selectBlocks(current)
    this.#matchAt(current, reference, 0, 0)
    if (this.#match.found < SAME_PLACE && this.#comparable > 0) {
      this.#findCommonShift(current, reference)
      this.#matchAt(current, reference, this.#shiftX, this.#shiftY)
    }
    return this.#match
  }

  #selectBlocks(current: CutFingerprint): void {
    let count = 0
    for (let row = 0; row < current.blockRows; row += BLOCK_STEP) {
      for (let column = 0; column < current.blockColumns; column += BLOCK_STEP) {
        if (!current.hasStructure(column, row)) continue
        this.#columns[count] = column
        this.#rows[count] = row
        count++
      }
    }
    this.#comparable = count
    this.#match.compared = count / this.#columns.length
  }

  /** Each block is looked for around one shift. */
  #matchAt(current: CutFingerprint, reference: CutFingerprint, shiftX: number, shiftY: number): void {
    let found = 0
    for (let candidate = 0; candidate < this.#comparable; candidate++) {
      if (isFoundNear(current, reference, this.#columns[candidate], this.#rows[candidate], shiftX, shiftY)) found++
    }
    this.#match.found = this.#comparable === 0 ? 0 : found / this.#comparable
  }

  /** Every block votes for the shifts at (or next to) which it is found; the most votes win. */
  #findCommonShift(current: CutFingerprint, reference: CutFingerprint): void {
    this.#votes.fill(0)
    this.#voter.fill(-1)
    for (let block = 0; block < this.#comparable; block++) {
      const column = this.#columns[block]
      const row = this.#rows[block]
      for (let dy = -SEARCH_CELLS; dy <= SEARCH_CELLS; dy++) {
        for (let dx = -SEARCH_CELLS; dx <= SEARCH_CELLS; dx++) {
          if (correlation(current, reference, column, row, column + dx, row + dy) > SAME_BLOCK)
            this.#vote(block, dx, dy)
        }
      }
    }
    let most = -1
    for (let dy = -SEARCH_CELLS; dy <= SEARCH_CELLS; dy++) {
      for (let dx = -SEARCH_CELLS; dx <= SEARCH_CELLS; dx++) {
        const votes = this.#votes[(dy + SEARCH_CELLS) * SEARCH_SIDE + dx + SEARCH_CELLS]
        if (votes <= most) continue
        most = votes
        this.#shiftX = dx
        this.#shiftY = dy
      }
    }
  }

  #vote(block: number, dx: number, dy: number): void {
    for (let y = Math.max(-SEARCH_CELLS, dy - LOOSE_CELLS); y <= Math.min(SEARCH_CELLS, dy + LOOSE_CELLS); y++) {
      for (let x = Math.max(-SEARCH_CELLS, dx - LOOSE_CELLS); x <= Math.min(SEARCH_CELLS, dx + LOOSE_CELLS); x++) {
        const shift = (y + SEARCH_CELLS) * SEARCH_SIDE + x + SEARCH_CELLS
        if (this.#voter[shift] === block) continue
        this.#voter[shift] = block
        this.#votes[shift]++
      }
    }
  }
}

/** Whether the reference holds a block at a shift, give or take a cell. */
function isFoundNear(
  current: CutFingerprint,
  reference: CutFingerprint,
  column: number,
  row: number,
  shiftX: number,
  shiftY: number,
): boolean {
  for (let dy = shiftY - LOOSE_CELLS; dy <= shiftY + LOOSE_CELLS; dy++) {
    for (let dx = shiftX - LOOSE_CELLS; dx <= shiftX + LOOSE_CELLS; dx++) {
      if (correlation(current, reference, column, row, column + dx, row + dy) > SAME_BLOCK) return true
    }
  }
  return false
}

/**
 * Normalised cross-correlation of the block at (column, row) of `a` with that at (otherColumn, otherRow) of `b`,
 * −1..1; 0 where the other lies outside or is flat.
 */
function correlation(
  a: CutFingerprint,
  b: CutFingerprint,
  column: number,
  row: number,
  otherColumn: number,
  otherRow: number,
): number {
  if (otherColumn < 0 || otherRow < 0 || otherColumn >= b.blockColumns || otherRow >= b.blockRows) return 0
  const block = row * a.blockColumns + column
  const other = otherRow * b.blockColumns + otherColumn
  const norm = b.blockNorm[other]
  // A deviation under half a level is rounding: it must not be blown up to structure.
  if (norm < BLOCK_CELLS / 2) return 0
  const from = a.luma
  const to = b.luma
  let products = 0
  for (let y = 0; y < BLOCK_CELLS; y++) {
    let i = (row + y) * a.columns + column
    let j = (otherRow + y) * b.columns + otherColumn
    for (const end = i + BLOCK_CELLS; i < end; i++, j++) products += from[i] * to[j]
  }
  const covariance = products - BLOCK_CELLS * BLOCK_CELLS * a.blockMean[block] * b.blockMean[other]
  return covariance / (a.blockNorm[block] * norm)
}
