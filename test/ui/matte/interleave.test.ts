import { describe, expect, it } from 'vitest'
import { interleave } from '../../../src/ui/matte/interleave.ts'

describe('coefficient planes as texels', () => {
  it('are (A4, b4), of 2 planes', () => {
    expect(interleave(Uint16Array.of(1, 2, 3, 11, 12, 13), 2)).toEqual([Uint16Array.of(1, 11, 2, 12, 3, 13)])
  })

  it('are A and b of R, G, B and alpha, of 8 planes', () => {
    const planes = Uint16Array.from({ length: 16 }, (_, i) => 10 * Math.floor(i / 2) + (i % 2))
    expect(interleave(planes, 8)).toEqual([
      Uint16Array.of(0, 10, 20, 30, 1, 11, 21, 31),
      Uint16Array.of(40, 50, 60, 70, 41, 51, 61, 71),
    ])
  })
})
