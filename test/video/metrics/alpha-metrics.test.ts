import { describe, expect, it } from 'vitest'
import { MatteboxError } from '../../../src/errors/index.ts'
import { AlphaMetrics } from '../../../src/video/metrics/alpha-metrics.ts'
import { createConn } from '../../../src/video/metrics/conn.ts'
import { createGrad } from '../../../src/video/metrics/grad.ts'
import { hills, matte } from './mattes.ts'

describe('metrics of a clip', () => {
  it('are all 0, and the overlap 1, for the same mattes', () => {
    const metrics = new AlphaMetrics(40, 30)
    for (const seed of [1, 2, 3]) metrics.add(hills(40, 30, seed), hills(40, 30, seed))
    expect(metrics.result()).toEqual({ mad: 0, mse: 0, grad: 0, conn: 0, dtssd: 0, iou: 1, frames: 3 })
  })

  it('are means over frames: MAD and MSE times 1000', () => {
    const metrics = new AlphaMetrics(2, 1)
    metrics.add(matte([0.5, 1]), matte([0, 1])) // |0.5| / 2 = 0.25, 0.25 / 2 = 0.125
    metrics.add(matte([0.25, 0.75]), matte([0, 1])) // 0.25, 0.0625
    const { mad, mse, frames } = metrics.result()
    expect(mad).toBeCloseTo(250, 9)
    expect(mse).toBeCloseTo((125 + 62.5) / 2, 9)
    expect(frames).toBe(2)
  })

  it('average grad and conn over frames', () => {
    const metrics = new AlphaMetrics(40, 30)
    const pairs = [1, 2, 3].map((seed) => [hills(40, 30, seed), hills(40, 30, seed + 0.2)] as const)
    for (const [prediction, truth] of pairs) metrics.add(prediction, truth)
    const mean = (f: (a: Float32Array, b: Float32Array) => number) =>
      pairs.reduce((sum, [prediction, truth]) => sum + f(prediction, truth), 0) / pairs.length
    expect(metrics.result().grad).toBeCloseTo(mean(createGrad(40, 30)), 12)
    expect(metrics.result().conn).toBeCloseTo(mean(createConn(40, 30)), 12)
  })

  it('average dtSSD over pairs, not frames, and have none for one frame', () => {
    const metrics = new AlphaMetrics(2, 1)
    metrics.add(matte([0, 0]), matte([0, 0]))
    expect(metrics.result().dtssd).toBeNull()
    metrics.add(matte([0.5, 0.5]), matte([0, 0])) // the error changes by 0.5 everywhere: 50
    metrics.add(matte([0.5, 0.5]), matte([0, 0])) // and stays: 0
    expect(metrics.result().dtssd).toBeCloseTo(25, 9)
  })

  it('average IoU over the frames whose union is not empty', () => {
    const metrics = new AlphaMetrics(4, 1)
    metrics.add(matte([0.4, 0.2, 0, 0]), matte([0, 0, 0.3, 0])) // nobody there
    expect(metrics.result().iou).toBeNull()
    metrics.add(matte([1, 0.6, 0.5, 0]), matte([0.4, 0.6, 1, 1])) // two in common of four
    metrics.add(matte([1, 0, 0, 0]), matte([1, 0, 0, 0])) // 1
    metrics.add(matte([1, 0, 0, 0]), matte([0, 0, 0, 0])) // a ghost: 0
    expect(metrics.result()).toMatchObject({ iou: (0.5 + 1 + 0) / 3, frames: 4 })
  })

  it('let the caller use its frames again', () => {
    const [prediction, truth] = [matte([0, 0]), matte([0, 0])]
    const metrics = new AlphaMetrics(2, 1)
    metrics.add(prediction, truth)
    prediction.fill(1)
    metrics.add(prediction, truth)
    expect(metrics.result().dtssd).toBe(100)
  })

  it('refuse a frame of another size', () => {
    const metrics = new AlphaMetrics(4, 2)
    const whole = new Float32Array(8)
    expect(() => metrics.add(new Float32Array(6), whole)).toThrow(MatteboxError)
    expect(() => metrics.add(whole, new Float32Array(9))).toThrow('The truth has 9 pixels')
  })

  it('have no result before the first frame', () => {
    expect(() => new AlphaMetrics(4, 2).result()).toThrow('No frame')
  })
})
