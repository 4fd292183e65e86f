import { describe, expect, it } from 'vitest'
import { MatteboxError } from '../../src/errors/index.ts'
import { createShrinker } from '../../src/video/shrink.ts'

/** Reproducible bytes, every value alike often (mulberry32). */
function noise(length: number, seed: number): Uint8Array {
  let state = seed
  return Uint8Array.from({ length }, () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return (t ^ (t >>> 14)) >>> 24
  })
}

/** How much source pixel `i` weighs in pixel `j` of an axis: the definition, in plain numbers. */
function weight(source: number, target: number, j: number, i: number): number {
  const scale = source / target
  if (scale >= 1) return Math.max(0, Math.min((j + 1) * scale, i + 1) - Math.max(j * scale, i)) / scale
  const centre = Math.min(Math.max((j + 0.5) * scale - 0.5, 0), source - 1)
  return Math.max(0, 1 - Math.abs(centre - i))
}

/** The slow reference: every source pixel of every row, in float64, not rounded. */
function reference(source: Uint8Array, sourceWidth: number, sourceHeight: number, width: number, height: number) {
  const result = new Float64Array(width * height * 4)
  for (let y = 0; y < height; y++) {
    for (let sy = 0; sy < sourceHeight; sy++) {
      const wy = weight(sourceHeight, height, y, sy)
      if (wy === 0) continue
      for (let x = 0; x < width; x++) {
        for (let sx = 0; sx < sourceWidth; sx++) {
          const w = wy * weight(sourceWidth, width, x, sx)
          if (w === 0) continue
          for (let c = 0; c < 4; c++) result[(y * width + x) * 4 + c] += w * source[(sy * sourceWidth + sx) * 4 + c]
        }
      }
    }
  }
  return result
}

function shrink(source: Uint8Array, sourceWidth: number, sourceHeight: number, width: number, height: number) {
  const target = new Uint8Array(width * height * 4)
  createShrinker(sourceWidth, sourceHeight, width, height)(source, target)
  return target
}

/** Largest distance between a shrunk frame's bytes and the exact means. */
function largestError(sourceWidth: number, sourceHeight: number, width: number, height: number): number {
  const source = noise(sourceWidth * sourceHeight * 4, sourceWidth * 31 + sourceHeight)
  const exact = reference(source, sourceWidth, sourceHeight, width, height)
  const shrunk = shrink(source, sourceWidth, sourceHeight, width, height)
  return exact.reduce((most, value, i) => Math.max(most, Math.abs(value - shrunk[i])), 0)
}

const NEAREST = 0.5 + 1e-3

describe('shrinking a frame', () => {
  it.each([
    ['by a whole factor', 64, 48, 16, 16],
    ['by 3.75, as 1080p to 512x288', 120, 60, 32, 16],
    ['by 2.5, as 720p to 512x288', 80, 40, 32, 16],
    ['by little', 17, 19, 16, 16],
    ['by odd factors', 131, 97, 48, 32],
    ['by a lot', 211, 333, 16, 16],
    ['along x only', 90, 16, 32, 16],
    ['along y only', 16, 90, 16, 32],
    ['so much that bytes of all rows just fit', 3, 257 * 2, 2, 2],
  ])('gives the exact mean of each covered rectangle, rounded to nearest: %s', (_, sw, sh, w, h) => {
    expect(largestError(sw, sh, w, h)).toBeLessThanOrEqual(NEAREST)
  })

  it('does so for any sizes', () => {
    const sizes = noise(4 * 40, 7)
    for (let i = 0; i < sizes.length; i += 4) {
      const [w, h] = [1 + (sizes[i] % 40), 1 + (sizes[i + 1] % 40)]
      const [sw, sh] = [w + (sizes[i + 2] % 90), h + (sizes[i + 3] % 90)]
      expect(largestError(sw, sh, w, h), `${sw}x${sh} to ${w}x${h}`).toBeLessThanOrEqual(NEAREST)
    }
  })

  it('rounds a mean that lies halfway up', () => {
    expect([...shrink(Uint8Array.from([0, 1, 254, 255, 1, 2, 255, 254]), 2, 1, 1, 1)]).toEqual([1, 2, 255, 255])
  })

  it('weighs a partly covered pixel by its part', () => {
    // Three pixels into two: each new one is a whole pixel and half of the middle one, (90 + 30/2) / 1.5 = 70.
    const source = [90, 30, 0].flatMap((v) => [v, v, v, 255])
    expect([...shrink(Uint8Array.from(source), 3, 1, 2, 1)]).toEqual([70, 70, 70, 255, 10, 10, 10, 255])
  })

  it('keeps an even picture even, up to full white', () => {
    for (const level of [0, 1, 128, 255]) {
      const source = new Uint8Array(50 * 41 * 4).fill(level)
      expect(shrink(source, 50, 41, 16, 16).every((v) => v === level)).toBe(true)
      expect(shrink(source, 50, 41, 64, 16).every((v) => v === level)).toBe(true)
    }
  })

  it('copies a frame of the same size', () => {
    const source = noise(32 * 16 * 4, 1)
    expect(shrink(source, 32, 16, 32, 16)).toEqual(source)
  })

  it('does not weigh colours by alpha: they are straight', () => {
    expect([...shrink(Uint8Array.from([200, 100, 50, 0, 100, 0, 0, 255]), 2, 1, 1, 1)]).toEqual([150, 50, 25, 128])
  })

  it.each([
    ['both sides', 9, 7, 16, 16],
    ['x, while y shrinks', 9, 40, 16, 16],
    ['y, while x shrinks', 40, 9, 16, 16],
    ['one pixel', 1, 1, 16, 16],
  ])('interpolates along a side that grows: %s', (_, sw, sh, w, h) => {
    expect(largestError(sw, sh, w, h)).toBeLessThanOrEqual(NEAREST)
  })

  it('takes frames that do not begin at a multiple of 4 bytes, as slices of a pipe do not', () => {
    const frame = noise(40 * 30 * 4, 5)
    const slice = new Uint8Array(frame.length + 3).subarray(3)
    slice.set(frame)
    expect(shrink(slice, 40, 30, 16, 16)).toEqual(shrink(frame, 40, 30, 16, 16))
  })

  it('keeps nothing from the frame before', () => {
    const shrinker = createShrinker(45, 45, 16, 16)
    const target = new Uint8Array(16 * 16 * 4)
    shrinker(new Uint8Array(45 * 45 * 4).fill(255), target)
    const source = noise(45 * 45 * 4, 9)
    shrinker(source, target)
    expect(target).toEqual(shrink(source, 45, 45, 16, 16))
  })

  it('refuses a frame that is not of the announced size', () => {
    const shrinker = createShrinker(32, 32, 16, 16)
    const whole = { source: new Uint8Array(32 * 32 * 4), target: new Uint8Array(16 * 16 * 4) }
    expect(() => shrinker(whole.source.subarray(4), whole.target)).toThrow(MatteboxError)
    expect(() => shrinker(whole.source, whole.target.subarray(4))).toThrow(/target frame has 1020 bytes/)
  })

  it('refuses to shrink a height more than 257 times', () => {
    expect(() => createShrinker(16, 16 * 257 + 1, 16, 16)).toThrow(/over 257 times/)
  })
})
