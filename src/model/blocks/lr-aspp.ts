import type { WeightScope } from '../conv-parameters.ts'
import type { Graph, Value } from '../onnx/graph.ts'

/**
 * Lite reduced atrous spatial pyramid pooling (paper section 2.1; Howard et al. 2019, section 6.4): features weighed
 * by a gate from the whole picture.
 *
 * @param x - [N, 960, h/16, w/16]
 * @param weights - at `aspp`
 * @returns [N, 128, h/16, w/16]
 */
export function lrAspp(g: Graph, x: Value, weights: WeightScope): Value {
  const features = g.relu(g.conv2d(x, weights.conv('aspp1.0')))
  const gate = g.sigmoid(g.conv2d(g.globalAveragePool(x), weights.conv('aspp2.1')))
  return g.mul(features, gate)
}
