/**
 * A picture of the filter's output, whole: the numbers of its stamp, and how far its alpha is from what it should be.
 */
import { closeSync, openSync, readSync, fstatSync } from 'node:fs'
import { HEIGHT, WIDTH } from './moving-clip.ts'

/** Ids of the frame that is shown, and of the frame that its matte was made for. */
export interface Stamp {
  readonly frame: number
  readonly matte: number
}

const BITS = 32
const STAMP = { width: 256, height: 16 } as const
const PIXEL = 4

/** Where the stamp's bits are, for whoever reads points only: 32 of the frame's id, 32 of the matte's. */
export const STAMP_POINTS = [4, 12].flatMap((y) => Array.from({ length: BITS }, (_, n) => ({ x: 4 + 8 * n, y })))

/** Undefined where there is no stamp: nothing is shown. */
export function stampOfPoints(points: readonly { readonly r: number; readonly a: number }[]): Stamp | undefined {
  if (points.some(({ a }) => a < 255)) return undefined
  const number = (from: number): number =>
    points.slice(from, from + BITS).reduce((sum, { r }) => sum * 2 + (r > 127 ? 1 : 0), 0)
  return { frame: number(0), matte: number(BITS) }
}

/** Of a whole picture, uint8 [360, 640, 4], alpha last. */
export function stampOf(picture: Uint8Array): Stamp | undefined {
  return stampOfPoints(
    STAMP_POINTS.map(({ x, y }) => {
      const at = (y * WIDTH + x) * PIXEL
      return { r: picture[at], a: picture[at + 3] }
    }),
  )
}

/**
 * Mean |difference| of a picture's alpha from a matte, 0..255, without the stamp.
 *
 * @param channel - which of the picture's four bytes holds it
 */
export function meanDifference(picture: Uint8Array, channel: 0 | 3, alpha: Uint8Array): number {
  let sum = 0
  let count = 0
  for (let y = 0; y < HEIGHT; y++) {
    for (let x = y < STAMP.height ? STAMP.width : 0; x < WIDTH; x++) {
      const at = y * WIDTH + x
      sum += Math.abs(picture[at * PIXEL + channel] - alpha[at])
      count++
    }
  }
  return sum / count
}

/** The pictures of a file that the host wrote, one after the other. */
export function* picturesOf(path: string): Generator<Uint8Array> {
  const bytes = WIDTH * HEIGHT * PIXEL
  const file = openSync(path, 'r')
  try {
    const count = Math.floor(fstatSync(file).size / bytes)
    for (let n = 0; n < count; n++) {
      const picture = new Uint8Array(bytes)
      readSync(file, picture, 0, bytes, n * bytes)
      yield picture
    }
  } finally {
    closeSync(file)
  }
}
