import { describe, expect, it } from 'vitest'
import { blurBackground } from '../../src/video/background-blur.ts'

const [width, height] = [64, 48]

/** A picture from a function of place: [B, G, R]. */
function picture(colour: (x: number, y: number) => readonly [number, number, number]): Uint8Array {
  const data = new Uint8Array(width * height * 4)
  for (let i = 0; i < width * height; i++) data.set([...colour(i % width, Math.floor(i / width)), 255], 4 * i)
  return data
}

const matte = (alpha: (x: number, y: number) => number): Float32Array =>
  Float32Array.from({ length: width * height }, (_, i) => alpha(i % width, Math.floor(i / width)))

const nobody = matte(() => 0)

describe('the blurred background', () => {
  it('is the picture itself at radius 0', () => {
    const frame = picture((x, y) => [x, y, x ^ y])
    expect(blurBackground(frame, nobody, width, height, 0)).toEqual(frame)
  })

  it('leaves an even picture as it is, up to its edges', () => {
    const frame = picture(() => [10, 120, 240])
    expect(blurBackground(frame, nobody, width, height, 7)).toEqual(frame)
  })

  it('has no detail finer than its radius', () => {
    const frame = picture((x, y) => ((x + y) % 2 ? [255, 255, 255] : [0, 0, 0]))
    const blurred = blurBackground(frame, nobody, width, height, 5)
    const inner = blurred.filter((_, i) => i % 4 < 3)
    expect(Math.max(...inner) - Math.min(...inner)).toBeLessThan(40)
  })

  it('holds nothing of the person: a bright one before a dark wall leaves the wall dark', () => {
    const person = matte((x) => (x > 20 && x < 40 ? 1 : 0))
    const frame = picture((x) => (x > 20 && x < 40 ? [255, 255, 255] : [30, 30, 30]))
    const blurred = blurBackground(frame, person, width, height, 4)
    for (let x = 0; x < width; x++) {
      // Deep inside the person there is no wall within reach; nothing of it is ever shown.
      if (x > 30 - 3 && x < 30 + 4) continue
      expect(blurred[(24 * width + x) * 4]).toBe(30)
    }
  })
})
