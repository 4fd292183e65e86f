import { outputRows } from '../conv-parameters.ts'
import type { ConvParameters, Graph, Value } from '../onnx/graph.ts'
import { guideRows, planeRows, type Planes } from './refiner.ts'

/** Keeps A finite in flat areas; the published implementation's value. */
const EPSILON = 1e-5

/**
 * Fast guided filter (He and Sun 2015), without weights, a channel on its own: A = cov(x, y) / (var(x) + ε),
 * b = mean y − A · mean x, means over 3x3 with zeros outside. All of it is float32.
 *
 * @param picture - float32 [N, 4, h, w], BGRA in 0..1
 * @param hidden - [N, 16, h, w]
 * @returns [N, planes, h, w] float32
 */
export function fastGuidedFilter(
  g: Graph,
  picture: Value,
  hidden: Value,
  projectMat: ConvParameters,
  planes: Planes,
): Value {
  const rows = planeRows(planes)
  const groups = rows.length
  const x = g.conv2d(picture, outputRows(guideRows('guide', 4, [0]), rows, `fast${planes}`))
  const y = g.conv2d(g.cast(hidden, 'float32'), outputRows(projectMat, rows, `fast${planes}`))

  const box: ConvParameters = {
    name: `box${groups}`,
    weight: { shape: [groups, 1, 3, 3], data: new Float32Array(groups * 9).fill(1 / 9) },
  }
  const mean = (value: Value): Value => g.conv2d(value, box, { groups })
  const [meanX, meanY] = [mean(x), mean(y)]
  const covariance = g.sub(mean(g.mul(x, y)), g.mul(meanX, meanY))
  const variance = g.sub(mean(g.mul(x, x)), g.mul(meanX, meanX))
  const a = g.div(covariance, g.add(variance, g.constant([], [EPSILON])))
  return g.concat([a, g.sub(meanY, g.mul(a, meanX))])
}
