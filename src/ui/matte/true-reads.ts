import { MattePainter, type Size } from './matte-painter.ts'

const SIDE = 64
/** Of 255: colours may be rounded on their way. */
const TOLERANCE = 1

/**
 * Whether this browser gives back the pixels that were drawn. Some scramble what a page reads from a canvas, so that it
 * cannot be told by it; the network would see noise.
 *
 * @throws {Error} if it has no WebGL 2
 */
export function readsAreTrue(): boolean {
  const size: Size = { width: SIDE, height: SIDE }
  const known = knownColours()
  const painter = new MattePainter(document.createElement('canvas'))
  const read = painter.capture(new ImageData(known, SIDE, SIDE), size, size)
  painter.release()
  return isAlike(known, read)
}

/** uint8 RGBA: opaque colours that differ from pixel to pixel, the same at every call. */
export function knownColours(): Uint8ClampedArray<ArrayBuffer> {
  const colours = new Uint8ClampedArray(4 * SIDE * SIDE)
  for (let i = 0; i < colours.length; i++) colours[i] = i % 4 === 3 ? 255 : (i * 73) % 251
  return colours
}

export function isAlike(one: ArrayLike<number>, other: ArrayLike<number>): boolean {
  return one.length === other.length && Array.from(one).every((value, i) => Math.abs(value - other[i]) <= TOLERANCE)
}
