import { seededRandom } from '../../model/seeded-random.ts'
import { between } from './cut-material.ts'

interface Shape {
  readonly x: number
  readonly y: number
  readonly halfWidth: number
  readonly halfHeight: number
  readonly round: boolean
  readonly colour: Colour
}

/** Red, green, blue, 0..255. */
type Colour = readonly [number, number, number]

/** A drawn place: a wall and a floor of two colours, furniture that hides one another, and a fine pattern over all. */
export interface Scene {
  readonly seed: number
  readonly gray: boolean
  readonly shapes: readonly Shape[]
}

/** Someone before the place: head and shoulders. Lengths are parts of the picture's height, positions of each side. */
export interface Person {
  readonly x: number
  readonly y: number
  readonly size: number
  readonly clothes: Colour
}

export interface View {
  /** Where the camera looks: shift of the picture, in parts of its sides. */
  readonly left?: number
  readonly top?: number
  /** Exposure: value · gain + offset, clipped. */
  readonly gain?: number
  readonly offset?: number
  /** Deviation of the sensor's noise, 0..255, and which of its frames it is. */
  readonly noise?: number
  readonly time?: number
  readonly person?: Person
}

/** The same scene for the same seed. It is wider and higher than the picture: cameras may pan by a whole picture. */
export function scene(seed: number, { gray = false } = {}): Scene {
  const random = seededRandom(seed)
  const colour = (): Colour => {
    const base = between(random, 20, 220)
    const tint = gray ? 0 : 90
    return [0, 1, 2].map(() => Math.min(250, Math.max(5, base + between(random, -tint, tint)))) as unknown as Colour
  }
  const shapes: Shape[] = [
    { x: 0.5, y: 0, halfWidth: 9, halfHeight: 9, round: false, colour: colour() },
    { x: 0.5, y: 2.7, halfWidth: 9, halfHeight: 2, round: false, colour: colour() },
  ]
  for (let i = 0; i < 60; i++) {
    shapes.push({
      x: between(random, -1, 2),
      y: between(random, -1, 2),
      halfWidth: between(random, 0.03, 0.2),
      halfHeight: between(random, 0.03, 0.25),
      round: random() < 0.5,
      colour: colour(),
    })
  }
  return { seed, gray, shapes }
}

/** uint8 [height, width, 4], BGRA. */
export function draw({ seed, shapes }: Scene, width: number, height: number, view: View = {}): Uint8Array {
  const { left = 0, top = 0, gain = 1, offset = 0, noise = 0, time = 0, person } = view
  const random = seededRandom(seed + 1000 * time)
  const all = person ? [...shapes, ...personShapes(person, height / width, left, top)] : shapes
  const painted = new Float32Array(width * height * 3)
  for (const shape of all) paint(shape, painted, width, height, left, top)
  const out = new Uint8ClampedArray(width * height * 4)
  for (let pixel = 0; pixel < width * height; pixel++) {
    const grain = noise === 0 ? 0 : noise * Math.sqrt(12) * (random() - 0.5)
    for (let channel = 0; channel < 3; channel++) {
      out[pixel * 4 + 2 - channel] = painted[pixel * 3 + channel] * gain + offset + grain
    }
    out[pixel * 4 + 3] = 255
  }
  return new Uint8Array(out.buffer)
}

/** Paints a shape, with a pattern that moves with it, over what is there. */
function paint(shape: Shape, painted: Float32Array, width: number, height: number, left: number, top: number): void {
  const { x, y, halfWidth, halfHeight, round, colour } = shape
  const first = (centre: number, half: number, side: number): number => Math.max(0, Math.floor((centre - half) * side))
  const last = (centre: number, half: number, side: number): number => Math.min(side, Math.ceil((centre + half) * side))
  for (let row = first(y - top, halfHeight, height); row < last(y - top, halfHeight, height); row++) {
    const dy = (row + 0.5) / height + top - y
    for (let column = first(x - left, halfWidth, width); column < last(x - left, halfWidth, width); column++) {
      const dx = (column + 0.5) / width + left - x
      const outside = round
        ? (dx / halfWidth) ** 2 + (dy / halfHeight) ** 2 >= 1
        : Math.abs(dx) >= halfWidth || Math.abs(dy) >= halfHeight
      if (outside) continue
      const pattern = 12 * Math.sin(23 * dx + 9 * x) * Math.sin(19 * dy + 9 * y)
      for (let channel = 0; channel < 3; channel++) {
        painted[(row * width + column) * 3 + channel] = colour[channel] + pattern
      }
    }
  }
}

export function even(width: number, height: number, value: number): Uint8Array {
  return new Uint8Array(width * height * 4).fill(value)
}

/** The person stands where the picture shows it, wherever the camera looks. */
function personShapes(person: Person, aspect: number, left: number, top: number): Shape[] {
  const { size, clothes } = person
  const x = person.x + left
  const y = person.y + top
  const part = (dy: number, halfWidth: number, halfHeight: number, colour: Colour): Shape => ({
    x,
    y: y + dy * size,
    halfWidth: halfWidth * size * aspect,
    halfHeight: halfHeight * size,
    round: true,
    colour,
  })
  return [part(0.75, 0.55, 0.5, clothes), part(0, 0.2, 0.26, [205, 160, 135]), part(-0.17, 0.2, 0.12, [50, 35, 30])]
}
