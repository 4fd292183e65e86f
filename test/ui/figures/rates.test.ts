import { describe, expect, it } from 'vitest'
import { rates } from '../../../src/ui/figures/rates.ts'

const seconds = (...times: number[]) => times.map((time) => time * 1000)

// Seen red with a fall taken as it is (negative rates), with each fall a new beginning, and with a window of 0.9 s.
describe('a rate from a counter', () => {
  it('is its increase a second', () => {
    expect(rates(seconds(0, 1, 2, 3, 4), [5, 7, 9, 11, 13])).toEqual([null, 2, 2, 2, 2])
  })

  it('is a mean over three seconds: what is counted once a second makes no teeth, however often it is read', () => {
    for (const everyMs of [200, 700]) {
      const times = Array.from({ length: 60 }, (_, i) => i * everyMs)
      const counts = times.map((timeMs) => 10 * Math.floor(timeMs / 1000))
      for (const rate of rates(times, counts).slice(20)) expect(Math.abs(rate! - 10)).toBeLessThan(1.5)
    }
  })

  it('goes on over a counter that begins anew, and is never below zero', () => {
    // 100, 110, then a new sidecar that has counted 10 since it started.
    expect(rates(seconds(0, 1, 2, 3, 4), [100, 110, 10, 20, 30])).toEqual([null, 10, 10, 10, 10])
  })

  it('takes a small fall as a correction', () => {
    expect(rates(seconds(0, 1, 2, 3, 4), [100, 104, 102, 103, 104])).toEqual([null, 4, 1, 1, 0])
  })

  it('does not count what was there before the first reading', () => {
    expect(rates(seconds(0, 1, 2, 3), [null, 5000, 5001, 5002])).toEqual([null, null, 1, 1])
  })

  it('is not known where the counter is not there, and right after it came back', () => {
    const found = rates(seconds(0, 1, 2, 3, 10, 11), [0, 1, null, null, 9, 10])
    expect(found.slice(2, 4)).toEqual([null, null])
    expect(found[4]).toBeCloseTo(8 / 7, 5)
  })

  it('is not known at once', () => {
    expect(rates([0, 200, 400], [0, 50, 50])).toEqual([null, null, null])
    expect(rates([], [])).toEqual([])
  })
})
