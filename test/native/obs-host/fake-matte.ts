/**
 * The matte that the fake sidecar makes of the test picture: everything but the room, and in row 8 the number that it
 * read from the frame, so that each output frame says which matte lies on it.
 *
 * Alpha is 1 only where no neighbour shows any room: bilinear upsampling then reaches no pixel of the room, and one that
 * is seen is a leak.
 */
import { COLUMNS, ROWS } from './picture.ts'

const NUMBER_ROW = ROWS - 1
const MATTE_ROW = ROWS - 2

function showsRoom(pixels: Uint8Array, at: number): boolean {
  return pixels[at + 1] - Math.max(pixels[at], pixels[at + 2]) > 4
}

/** Alpha, 0 or 1, [height, width], of BGRA pixels. */
export function fakeAlpha(pixels: Uint8Array, width: number, height: number): Float32Array {
  const bright = Array.from({ length: COLUMNS }, (_, column) => {
    const x = Math.floor(((column + 0.5) * width) / COLUMNS)
    const y = Math.floor(((NUMBER_ROW + 0.5) * height) / ROWS)
    return pixels[(y * width + x) * 4 + 2] > 127
  })
  const alpha = new Float32Array(width * height)
  for (let y = 0; y < height; y++) {
    const matteRow = Math.floor(((y + 0.5) * ROWS) / height) === MATTE_ROW
    for (let x = 0; x < width; x++) {
      let clear = true
      for (let ny = Math.max(0, y - 1); ny <= Math.min(height - 1, y + 1); ny++)
        for (let nx = Math.max(0, x - 1); nx <= Math.min(width - 1, x + 1); nx++)
          if (showsRoom(pixels, (ny * width + nx) * 4)) clear = false
      if (matteRow) clear = bright[Math.floor(((x + 0.5) * COLUMNS) / width)]
      alpha[y * width + x] = clear ? 1 : 0
    }
  }
  return alpha
}

/**
 * Coefficients with that alpha, [planes, height, width]: A4 = 0, b4 = alpha; with 8 planes the foreground is the frame's
 * own colour plus `tint` (0..1 per channel, RGB).
 */
export function fakePlanes(
  pixels: Uint8Array,
  width: number,
  height: number,
  planes: 2 | 8,
  tint: readonly [number, number, number] = [0, 0, 0],
): Float32Array {
  const size = width * height
  const out = new Float32Array(planes * size)
  out.set(fakeAlpha(pixels, width, height), (planes - 1) * size)
  if (planes === 8) tint.forEach((value, channel) => out.fill(value, (4 + channel) * size, (5 + channel) * size))
  return out
}
