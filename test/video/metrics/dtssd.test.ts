import { describe, expect, it } from 'vitest'
import { createDtssd } from '../../../src/video/metrics/dtssd.ts'
import { hills, matte } from './mattes.ts'

describe('dtssd', () => {
  it('has no value for the first frame', () => {
    expect(createDtssd(2)(matte([0, 1]), matte([1, 0]))).toBeNull()
  })

  it('is the root of the mean squared change of the error, times 100', () => {
    const dtssd = createDtssd(4)
    dtssd(matte([0, 0.2, 0.5, 1]), matte([0, 0, 0.5, 1]))
    // The error goes 0, 0.2, 0, 0 → 0.3, 0.2, −0.4, 0: it changes by 0.3, 0, −0.4, 0; sqrt(0.25 / 4) = 0.25.
    expect(dtssd(matte([0.3, 0.2, 0.1, 1]), matte([0, 0, 0.5, 1]))).toBeCloseTo(25, 4)
    // Both move by as much, but for one pixel that now misses 0.1 of the truth's change: sqrt(0.01 / 4) = 0.05.
    expect(dtssd(matte([0.5, 0.4, 0.3, 0.4]), matte([0.2, 0.2, 0.7, 0.5]))).toBeCloseTo(5, 4)
  })

  it('is 100 · a for a matte that blinks by a before a still truth, at every pair', () => {
    const dtssd = createDtssd(64)
    const still = new Float32Array(64).fill(0.5)
    dtssd(still, still)
    for (const alpha of [0.75, 0.5, 0.75]) {
      expect(dtssd(new Float32Array(64).fill(alpha), still)).toBeCloseTo(25, 9)
    }
  })

  it('is 0 for a constant error, and for a prediction that moves with the truth', () => {
    const dtssd = createDtssd(600)
    for (const seed of [1, 2, 3]) {
      const truth = hills(30, 20, seed)
      const value = dtssd(
        truth.map((a) => a + 0.25),
        truth,
      )
      if (value !== null) expect(value).toBeCloseTo(0, 4)
    }
  })

  it('is symmetric in prediction and truth', () => {
    const [there, back] = [createDtssd(600), createDtssd(600)]
    const measured = [1, 2, 3].map((seed) => {
      const [a, b] = [hills(30, 20, seed), hills(30, 20, seed * 1.3)]
      return [there(a, b), back(b, a)]
    })
    for (const [a, b] of measured) expect(a).toBe(b)
  })
})
