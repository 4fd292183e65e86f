import { describe, expect, it } from 'vitest'
import { Meter, type AnsweredFrame } from '../../../src/ui/try/figures.ts'

const at = new Date(0)
const frame = (atMs: number, runMs: number, reset: string | null = null): AnsweredFrame => ({
  atMs,
  roundTripMs: runMs + 5,
  matte: { runMs, provider: 'cpu', model: 'default', reset },
  low: { width: 512, height: 288, ratio: 0.4 },
})

describe('the figures of matted frames', () => {
  it('are means of the last two seconds', () => {
    const meter = new Meter()
    meter.answered(frame(0, 1000), at)
    for (let i = 0; i < 20; i++) meter.answered(frame(5000 + 100 * i, 40), at)
    expect(meter.answered(frame(7000 - 1, 40), at)).toMatchObject({ inferenceMs: 40, roundTripMs: 45 })
    expect(meter.answered(frame(7100 - 1, 40), at).framesPerSecond).toBeCloseTo(10, 0)
  })

  it('know no rate after one frame', () => {
    expect(new Meter().answered(frame(0, 40), at)).toMatchObject({ framesPerSecond: 0, lastReset: null })
  })

  it('keep the last reset', () => {
    const meter = new Meter()
    meter.answered(frame(0, 40, 'cut'), at)
    expect(meter.answered(frame(9000, 40), new Date(9))).toMatchObject({ lastReset: { reason: 'cut', at } })
  })
})
