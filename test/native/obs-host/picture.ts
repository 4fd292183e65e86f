/**
 * The test picture of picture.c as an output frame shows it: where its parts are, and what they say.
 *
 * A grid of 20 x 10 cells. Rows 0 to 6 are the room, with the person moving in columns 2 to 12 of rows 2 to 6; row 7 is
 * a ramp of grays; row 8 carries the number that the fake sidecar saw, as alpha; row 9 the frame's own number.
 */

/** A place in the canvas, in pixels. */
export interface Point {
  readonly x: number
  readonly y: number
}

export interface Area extends Point {
  readonly width: number
  readonly height: number
}

/** 0..255, straight alpha. */
export interface Pixel {
  readonly b: number
  readonly g: number
  readonly r: number
  readonly a: number
}

export const COLUMNS = 20
export const ROWS = 10
const BITS = 16

/** RGB. */
export const PERSON = [208, 88, 160] as const
export const ROOM = [
  [16, 200, 32],
  [16, 120, 32],
] as const

/** The step between neighbours of the room's checkerboard, 0..255 in linear light. */
export const ROOM_STEP = 99

/** Where the source's picture lies in the canvas, in pixels. */
export const WHOLE: Area = { x: 0, y: 0, width: 320, height: 180 }

/** Middle of a cell. */
export function cell(column: number, row: number, within: Area = WHOLE): Point {
  return {
    x: Math.round(within.x + ((column + 0.5) * within.width) / COLUMNS),
    y: Math.round(within.y + ((row + 0.5) * within.height) / ROWS),
  }
}

/** The cells from `column`, `row` on: `columns` wide and `rows` high. */
export function cells(column: number, row: number, columns: number, rows: number, within: Area = WHOLE): Area {
  const x = Math.round(within.x + (column * within.width) / COLUMNS)
  const y = Math.round(within.y + (row * within.height) / ROWS)
  return {
    x,
    y,
    width: Math.round((columns * within.width) / COLUMNS),
    height: Math.round((rows * within.height) / ROWS),
  }
}

/** Points to capture for `readNumbers`. */
export function numberPoints(within: Area = WHOLE): Point[] {
  const columns = Array.from({ length: COLUMNS }, (_, column) => column)
  return [8, 9].flatMap((row) => columns.map((column) => cell(column, row, within)))
}

/** White, black, the bits from the lowest on, even parity, its opposite. */
function decode(bright: readonly boolean[]): number | undefined {
  const bits = bright.slice(2, 2 + BITS)
  const odd = bits.filter(Boolean).length % 2 === 1
  if (!bright[0] || bright[1] || bright[2 + BITS] !== odd || bright[3 + BITS] === odd) return undefined
  return bits.reduce((number, bit, place) => number + (bit ? 2 ** place : 0), 0)
}

/** What a frame says of itself. */
export interface Numbers {
  /** The number in the picture's own colour; undefined where it is not to be seen. */
  readonly picture: number | undefined
  /** The number that the matte carries; undefined where no matte of the fake sidecar is to be seen. */
  readonly matte: number | undefined
}

/**
 * Reads both numbers.
 *
 * @param points - the pixels of `numberPoints`, in its order
 * @param view - what the filter shows: in `alpha` the matte's number is brightness, and the picture's is not shown
 */
export function readNumbers(points: readonly Pixel[], view: 'result' | 'alpha' | 'foreground' = 'result'): Numbers {
  const matteRow = points.slice(0, COLUMNS)
  const pictureRow = points.slice(COLUMNS, 2 * COLUMNS)
  const seen = (p: Pixel): boolean => (view === 'result' ? p.a > 127 : view === 'alpha' ? p.r > 127 : p.r > 104)
  const shown = pictureRow.every((p) => p.a > 250)
  return {
    matte: decode(matteRow.map(seen)),
    picture: shown && view !== 'alpha' ? decode(pictureRow.map((p) => p.r > 127)) : undefined,
  }
}
