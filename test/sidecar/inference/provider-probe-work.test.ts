import { Tensor } from 'onnxruntime-common'
import { describe, expect, it } from 'vitest'
import { madeUpWeights, networkWork } from '../../../src/sidecar/inference/provider-probe-work.ts'
import { createSession } from '../../../src/sidecar/inference/runtime.ts'

describe('the network as work for a trial run', () => {
  it('computes finite values that vary: a driver that answers a constant is found out', async () => {
    const work = networkWork(madeUpWeights(), { height: 48, width: 64, planes: 8, refiner: 'deep' })
    const session = await createSession(work.model, { provider: 'cpu', threads: 1 })
    const feeds = Object.entries(work.inputs).map(([name, { type, data, dims }]) => [
      name,
      new Tensor(type, data, dims),
    ])
    const outputs = await session.run(Object.fromEntries(feeds) as Record<string, Tensor>)
    expect(Object.keys(outputs).sort()).toEqual(['planes', 'r1_next', 'r2_next', 'r3_next', 'r4_next'])
    for (const { data } of Object.values(outputs)) {
      const values = Array.from(data as Float32Array)
      expect(values.every(Number.isFinite)).toBe(true)
      expect(Math.max(...values) - Math.min(...values)).toBeGreaterThan(0.1)
      expect(Math.max(...values.map(Math.abs))).toBeLessThan(1e3)
    }
  })
})
