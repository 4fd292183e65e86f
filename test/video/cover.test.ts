import { describe, expect, it } from 'vitest'
import { createCover } from '../../src/video/cover.ts'

/** A picture whose blue is the column and whose green is the row. */
function ramp(width: number, height: number): Uint8Array {
  const data = new Uint8Array(width * height * 4)
  for (let i = 0; i < width * height; i++) data.set([i % width, Math.floor(i / width), 0, 255], 4 * i)
  return data
}

describe('a background picture covers the frame', () => {
  it('unchanged where sizes are equal', () => {
    expect(createCover(20, 12, 20, 12)(ramp(20, 12))).toEqual(ramp(20, 12))
  })

  it('cut at both sides where it is too wide, in the middle', () => {
    const covered = createCover(40, 10, 20, 10)(ramp(40, 10))
    expect([covered[0], covered[19 * 4]]).toEqual([10, 29])
  })

  it('cut at top and bottom where it is too high', () => {
    const covered = createCover(10, 30, 10, 10)(ramp(10, 30))
    expect([covered[1], covered[9 * 40 + 1]]).toEqual([10, 19])
  })

  it('in its own shape where pixels are not square', () => {
    // The frame's pixels are twice as wide as high: 20x20 of them are as wide as 40 of the picture's.
    const covered = createCover(40, 40, 20, 20, 0.5)(ramp(40, 40))
    expect([covered[1], covered[19 * 80 + 1]]).toEqual([10, 29])
  })

  it('shrunk by area, and enlarged', () => {
    const half = createCover(40, 20, 20, 10)(ramp(40, 20))
    expect([half[0], half[19 * 4]]).toEqual([1, 39]) // means of 0, 1 and of 38, 39, rounded
    expect(createCover(4, 4, 16, 16)(ramp(4, 4))).toHaveLength(16 * 16 * 4)
  })
})
