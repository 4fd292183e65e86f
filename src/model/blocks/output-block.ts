import type { WeightScope } from '../conv-parameters.ts'
import type { Graph, Value } from '../onnx/graph.ts'
import { convOver, type GraphForm } from './merge.ts'

/**
 * Output block at full low resolution (paper section 2.2): two convolutions on the upsampled features and the picture.
 *
 * @param below - parts of the last upsampling block, at 1/2
 * @param source - the picture [N, 4, h, w], as `merging`'s weights order the channels
 * @param merging - weights of the first convolution
 * @param weights - at `decoder.decode0`
 * @returns the final hidden features [N, 16, h, w]
 */
export function outputBlock(
  g: Graph,
  form: GraphForm,
  below: readonly Value[],
  source: Value,
  merging: ReturnType<WeightScope['conv']>,
  weights: WeightScope,
): Value {
  const merged = g.relu(convOver(g, form, [...below.map((part) => g.upsample2(part)), source], merging))
  return g.relu(g.conv2d(merged, weights.conv('conv.3')))
}
