import { describe, expect, it } from 'vitest'
import { costOf, withMeasurement } from '../../../src/ui/sources/ratio-cost.ts'

// To see it red: with the first measurement in place of the nearest, the estimate below is four times too small.

const small = { network: 'cuda deep', width: 256, height: 144, inferenceMs: 5 }
const large = { network: 'cuda deep', width: 512, height: 288, inferenceMs: 16 }

describe('what a ratio costs', () => {
  it('is not known before anything was measured', () => {
    expect(costOf({ width: 512, height: 288 }, 'cuda deep', [])).toBeNull()
  })

  it('is what was measured at the same size', () => {
    expect(costOf(large, 'cuda deep', [small, large])).toEqual({ ms: 16, isMeasured: true })
  })

  it('is estimated by pixels from the nearest size that was measured', () => {
    const cost = costOf({ width: 1024, height: 576 }, 'cuda deep', [small, large])
    expect(cost).toEqual({ ms: 64, isMeasured: false })
  })

  it('is estimated from another network only where this one was never measured', () => {
    expect(costOf(large, 'cuda fast', [large])).toEqual({ ms: 16, isMeasured: false })
    const fast = { ...small, network: 'cuda fast', inferenceMs: 4 }
    expect(costOf(large, 'cuda fast', [large, fast])).toEqual({ ms: 16, isMeasured: false })
  })

  it('follows the newest measurement of a size', () => {
    const measured = withMeasurement(withMeasurement([], large), { ...large, inferenceMs: 20 })
    expect(measured).toEqual([{ ...large, inferenceMs: 20 }])
  })
})
