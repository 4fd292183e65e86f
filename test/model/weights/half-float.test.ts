import { describe, expect, it } from 'vitest'
import { narrowToHalf, widenHalf } from '../../../src/model/weights/half-float.ts'

const allHalves = Uint16Array.from({ length: 0x10000 }, (_, index) => index)
const LARGEST_FINITE = 0x7bff

/** What the halves from 0 to the largest mean, straight from the definition of binary16. */
const positive = Array.from({ length: LARGEST_FINITE + 1 }, (_, half) => {
  const exponent = half >> 10
  const fraction = half & 0x3ff
  return exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15)
})

describe('half precision', () => {
  it('widens every finite half to the number that it means', () => {
    const widened = widenHalf(allHalves)
    positive.forEach((value, half) => {
      expect(widened[half]).toBe(value)
      expect(widened[half + 0x8000]).toBe(-value)
    })
  })

  it('widens infinities and NaN to themselves', () => {
    expect(Array.from(widenHalf(Uint16Array.of(0x7c00, 0xfc00, 0x7e00)))).toEqual([Infinity, -Infinity, NaN])
  })

  it('brings every half back to its bits', () => {
    const finite = allHalves.filter((half) => (half & 0x7c00) !== 0x7c00)
    expect(narrowToHalf(widenHalf(finite))).toEqual(finite)
  })

  it('rounds to the nearest half, and a tie to the even one', () => {
    const wrong: number[] = []
    for (let half = 0; half < LARGEST_FINITE; half++) {
      const middle = (positive[half] + positive[half + 1]) / 2
      const even = half % 2 === 0 ? half : half + 1
      // A middle has 12 significant bits at most: its neighbours among float32 are exact, too.
      const step = middle * 2 ** -22
      const found = Array.from(narrowToHalf(Float32Array.of(middle, middle - step, middle + step, -middle)))
      if (String(found) !== String([even, half, half + 1, even | 0x8000])) wrong.push(half)
    }
    expect(wrong).toEqual([])
  })

  it('overflows to infinity from 65520 on, and not before', () => {
    expect(Array.from(narrowToHalf(Float32Array.of(65519.996, 65520, -65520, 1e30)))).toEqual([
      0x7bff, 0x7c00, 0xfc00, 0x7c00,
    ])
  })

  it('turns what lies below half of the smallest half into zero', () => {
    expect(Array.from(narrowToHalf(Float32Array.of(2 ** -25, -(2 ** -26), 1e-45)))).toEqual([0, 0x8000, 0])
  })
})
