import type { LowPicture } from '../../../src/sidecar/inference/low-picture.ts'

type Colour = readonly [red: number, green: number, blue: number]

/** A picture of one colour with a disc of another in its middle: the person, with a hard edge. */
export function discOn(
  background: Colour,
  person: Colour,
  { width = 512, height = 288, radius = 80 }: { width?: number; height?: number; radius?: number } = {},
): LowPicture {
  const isInside = (x: number, y: number): boolean => Math.hypot(x - width / 2, y - height / 2) < radius
  return drawn(
    width,
    height,
    (x, y) => (isInside(x, y) ? person : background),
    (x, y) => (isInside(x, y) ? 1 : 0),
  )
}

/** A picture from functions of column and row: colour, 0..255, and what its planes make of it, b4 alone. */
export function drawn(
  width: number,
  height: number,
  colour: (x: number, y: number) => Colour,
  alpha: (x: number, y: number) => number,
): LowPicture {
  const pixels = new Uint8Array(width * height * 4)
  const planes = new Float32Array(width * height * 2)
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      const [red, green, blue] = colour(x, y)
      pixels.set([blue, green, red, 255], 4 * i)
      planes[width * height + i] = alpha(x, y)
    }
  }
  return { frameId: 7, width, height, pixels, planes }
}
