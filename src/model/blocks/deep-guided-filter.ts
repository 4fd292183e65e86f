import { inputSlice, matrix, outputRows, range, type WeightScope } from '../conv-parameters.ts'
import type { ConvParameters, Graph, Value } from '../onnx/graph.ts'
import { guideRows, padOutputs, planeRows, type Planes } from './refiner.ts'

/**
 * Deep guided filter (paper section 2.3; Wu et al. 2018): local statistics of guide and answer, and a small network
 * that turns them into A; `b = mean of y − A · mean of x`. Bringing A and b to full resolution is the caller's.
 *
 * With x = (R, G, B, gray) of the low frame and y = (residual, alpha): P = [x, x] and Q = [y, x], so that one
 * depthwise box gives the means of both, and box(P·Q) − box(P)·box(Q) the covariances [cov(x, y), var(x)].
 * The box's weights are the file's (they were trained: not 1/9). All of it is float32, since a covariance is a
 * difference of nearly equal numbers.
 *
 * @param picture - float32 [N, 4, h, w], BGRA in 0..1
 * @param hidden - [N, 16, h, w]
 * @param weights - at `refiner`
 * @returns [N, planes, h, w] float32
 */
export function deepGuidedFilter(
  g: Graph,
  picture: Value,
  hidden: Value,
  projectMat: ConvParameters,
  weights: WeightScope,
  planes: Planes,
): Value {
  const h = g.cast(hidden, 'float32')
  const p = g.conv2d(picture, guideRows('guide.p', 8, [0, 4]))
  const q = g.add(g.conv2d(h, padOutputs(projectMat, 8)), g.conv2d(picture, guideRows('guide.q', 8, [4])))

  const box = twice(weights.conv('box_filter'))
  const minusMeanP = g.conv2d(p, negated(box), { groups: 8 })
  const meanQ = g.conv2d(q, box, { groups: 8 })
  const covariance = g.add(g.conv2d(g.mul(p, q), box, { groups: 8 }), g.mul(minusMeanP, meanQ))

  const conv0 = weights.conv('conv.0')
  const statistics = g.conv2d(covariance, inputSlice(conv0, 0, 8, true))
  const first = g.relu(g.add(statistics, g.conv2d(h, inputSlice(conv0, 8, conv0.weight.shape[1], false))))
  const second = g.relu(g.conv2d(first, weights.conv('conv.3')))

  // [A, b] = [A, A] · [1, −mean x] + [0, mean y]: one output, nothing sliced.
  const rows = planeRows(planes)
  const aa = g.conv2d(second, outputRows(weights.conv('conv.6'), [...rows, ...rows], `planes${planes}`))
  const oneMinusMeanX = g.conv2d(minusMeanP, selector('one-mean', rows, true))
  const zeroMeanY = g.conv2d(meanQ, selector('zero-mean', rows, false))
  return g.add(g.mul(aa, oneMinusMeanX), zeroMeanY)
}

/** Of 8 channels: as many constants (1 or 0) as there are rows, then the rows themselves. */
function selector(name: string, rows: readonly number[], one: boolean): ConvParameters {
  const unit = (row: number): number[] => range(0, 8).map((column) => (column === row ? 1 : 0))
  const nothing = rows.map(() => range(0, 8).map(() => 0))
  const bias = [...rows.map(() => (one ? 1 : 0)), ...rows.map(() => 0)]
  return matrix(`${name}${rows.length}`, [...nothing, ...rows.map(unit)], bias)
}

/** The depthwise box of 4 channels, for 8. */
function twice(box: ConvParameters): ConvParameters {
  return outputRows(box, [0, 1, 2, 3, 0, 1, 2, 3], 'twice')
}

function negated(conv: ConvParameters): ConvParameters {
  return {
    name: `${conv.name}.negated`,
    weight: { ...conv.weight, data: conv.weight.data.map((value) => -value) },
  }
}
