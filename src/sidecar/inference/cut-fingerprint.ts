/** Longest side of the grid: few enough cells to compare in a fraction of a millisecond, enough to tell rooms apart. */
const GRID_CELLS = 24
/** Samples along each side of a cell: a cell's mean hardly changes with more. */
const CELL_SAMPLES = 6
/** Side of a block, in cells, and the distance from one block to the next (they overlap by half). */
export const BLOCK_CELLS = 6
export const BLOCK_STEP = 3
/** A cell whose strongest channel is at or over this is taken as overexposed: its colour is no longer the scene's. */
const OVEREXPOSED = 250
/** No cell is brighter. */
export const NO_LIMIT = 255
/** Standard deviation of luma (0..255) from which a block has structure: above sensor noise averaged over a cell. */
const STRUCTURE_DEVIATION = 2
/** A frame whose luma deviates less than this, or than this part of its mean, is even: black or white, or nearly. */
const EVEN_DEVIATION = 6
const EVEN_CONTRAST = 0.08
/**
 * A low-resolution frame in a few thousand numbers: cell means on a grid of at most 24x24, and the mean and deviation
 * of luma in each block of 6x6 cells. `read` overwrites it in place; nothing is allocated per frame.
 */
export class CutFingerprint {
  readonly columns: number
  readonly rows: number
  /** Luma of each cell (Rec. 601), 0..255, at most the limit last set. */
  readonly luma: Float64Array
  /** R − G of each cell. */
  readonly redGreen: Float32Array
  /** B − (R + G) / 2 of each cell. */
  readonly blueYellow: Float32Array
  /** R + G + B of each cell. */
  readonly channelSum: Float32Array
  /** Strongest channel of each cell, 0..255. */
  readonly level: Uint8Array
  /** Mean of luma of the block at each corner, [rows − 5, columns − 5], */
  readonly blockMean: Float64Array
  /** and the root of its sum of squared deviations. */
  readonly blockNorm: Float64Array
  /** Share of the blocks (every third corner) that have structure, 0..1; 0 where the whole is nearly even. */
  structured = 0
  /** Fraction of the cells that are not overexposed, 0..1. */
  exposed = 0
  /** Mean of R + G + B over the frame. */
  meanSum = 0
  #limit = NO_LIMIT
  readonly #fullLuma: Float32Array
  /** Cells by level: a histogram that `levelAtQuantile` reads. */
  readonly #levelCounts = new Uint16Array(256)
  readonly #sampleColumns: Int32Array
  readonly #sampleRows: Int32Array
  readonly #samplesAcross: number
  readonly #samplesDown: number

  /** @param width - in pixels, at least 16; so is `height` */
  constructor(width: number, height: number) {
    this.columns = Math.min(GRID_CELLS, width)
    this.rows = Math.min(GRID_CELLS, height)
    const cells = this.columns * this.rows
    this.luma = new Float64Array(cells)
    this.#fullLuma = new Float32Array(cells)
    this.channelSum = new Float32Array(cells)
    this.redGreen = new Float32Array(cells)
    this.blueYellow = new Float32Array(cells)
    this.level = new Uint8Array(cells)
    this.blockMean = new Float64Array(this.blockColumns * this.blockRows)
    this.blockNorm = new Float64Array(this.blockColumns * this.blockRows)
    this.#samplesAcross = Math.min(CELL_SAMPLES, Math.floor(width / this.columns))
    this.#samplesDown = Math.min(CELL_SAMPLES, Math.floor(height / this.rows))
    this.#sampleColumns = samplePositions(width, this.columns, this.#samplesAcross).map((x) => x * 4)
    this.#sampleRows = samplePositions(height, this.rows, this.#samplesDown).map((y) => y * width * 4)
  }

  /** Number of places across at which a block can lie. */
  get blockColumns(): number {
    return this.columns - BLOCK_CELLS + 1
  }

  get blockRows(): number {
    return this.rows - BLOCK_CELLS + 1
  }

  /** @param frame - uint8 [height, width, 4], BGRA */
  read(frame: Uint8Array): void {
    this.#readCells(frame)
    this.#limit = NO_LIMIT
    this.#measureBlocks()
    this.exposed = this.#shareExposed()
    this.structured = this.#isEven() ? 0 : this.#shareStructured()
  }

  /** The level at or under which the darkest `fraction` of the cells lie; never one that is overexposed. */
  levelAtQuantile(fraction: number): number {
    const wanted = fraction * this.level.length
    let count = 0
    let level = 0
    while (level < OVEREXPOSED && (count += this.#levelCounts[level]) < wanted) level++
    return Math.min(level, OVEREXPOSED - 1)
  }

  /** Sees the frame as if all over a luma were blown out: the blocks are measured anew. */
  limitTo(luma: number): void {
    if (luma === this.#limit) return
    this.#limit = luma
    this.#measureBlocks()
  }

  /** Whether a block with this corner lies inside the frame. */
  hasBlock(column: number, row: number): boolean {
    return column >= 0 && row >= 0 && column < this.blockColumns && row < this.blockRows
  }

  /** Whether the block at a corner is more than noise. */
  hasStructure(column: number, row: number): boolean {
    return this.blockNorm[row * this.blockColumns + column] >= STRUCTURE_DEVIATION * BLOCK_CELLS
  }

  #isEven(): boolean {
    let sum = 0
    let squares = 0
    for (const value of this.#fullLuma) {
      sum += value
      squares += value * value
    }
    const mean = sum / this.#fullLuma.length
    const deviation = Math.sqrt(Math.max(0, squares / this.#fullLuma.length - mean * mean))
    return deviation < Math.max(EVEN_DEVIATION, EVEN_CONTRAST * mean)
  }

  #shareExposed(): number {
    let count = 0
    for (let level = 0; level < OVEREXPOSED; level++) count += this.#levelCounts[level]
    return count / this.level.length
  }

  #shareStructured(): number {
    let structured = 0
    for (let row = 0; row < this.blockRows; row += BLOCK_STEP) {
      for (let column = 0; column < this.blockColumns; column += BLOCK_STEP)
        if (this.hasStructure(column, row)) structured++
    }
    return structured / (blocksAlong(this.columns) * blocksAlong(this.rows))
  }

  #readCells(frame: Uint8Array): void {
    const across = this.#samplesAcross
    const down = this.#samplesDown
    const sampleColumns = this.#sampleColumns
    const sampleRows = this.#sampleRows
    const samples = across * down
    this.#levelCounts.fill(0)
    let total = 0
    for (let row = 0, cell = 0; row < this.rows; row++) {
      for (let column = 0; column < this.columns; column++, cell++) {
        let blue = 0
        let green = 0
        let red = 0
        for (let y = row * down; y < (row + 1) * down; y++) {
          const line = sampleRows[y]
          for (let x = column * across; x < (column + 1) * across; x++) {
            const pixel = line + sampleColumns[x]
            blue += frame[pixel]
            green += frame[pixel + 1]
            red += frame[pixel + 2]
          }
        }
        blue /= samples
        green /= samples
        red /= samples
        this.#fullLuma[cell] = 0.299 * red + 0.587 * green + 0.114 * blue
        this.redGreen[cell] = red - green
        this.blueYellow[cell] = blue - (red + green) / 2
        this.channelSum[cell] = red + green + blue
        const level = Math.round(Math.max(blue, green, red))
        this.level[cell] = level
        total += red + green + blue
        this.#levelCounts[level]++
      }
    }
    this.meanSum = total / this.channelSum.length
  }

  #measureBlocks(): void {
    const { luma, columns } = this
    for (let cell = 0; cell < luma.length; cell++) luma[cell] = Math.min(this.#fullLuma[cell], this.#limit)
    const size = BLOCK_CELLS * BLOCK_CELLS
    for (let row = 0, block = 0; row < this.blockRows; row++) {
      for (let column = 0; column < this.blockColumns; column++, block++) {
        let sum = 0
        let squares = 0
        for (let y = row; y < row + BLOCK_CELLS; y++) {
          for (let cell = y * columns + column, end = cell + BLOCK_CELLS; cell < end; cell++) {
            const value = luma[cell]
            sum += value
            squares += value * value
          }
        }
        this.blockMean[block] = sum / size
        this.blockNorm[block] = Math.sqrt(Math.max(0, squares - (sum * sum) / size))
      }
    }
  }
}

/** Pixels to sample along one side: `samples` in each cell, evenly spread. */
function samplePositions(pixels: number, cells: number, samples: number): Int32Array {
  return Int32Array.from({ length: cells * samples }, (_, i) => Math.floor(((i + 0.5) * pixels) / (cells * samples)))
}

/** Blocks that are compared along a side of so many cells. */
export function blocksAlong(cells: number): number {
  return Math.floor((cells - BLOCK_CELLS) / BLOCK_STEP) + 1
}
