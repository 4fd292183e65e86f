import type { WeightScope } from '../conv-parameters.ts'
import type { Graph, Value } from '../onnx/graph.ts'
import { recurrentHalf, type DecoderOutput } from './bottleneck-block.ts'
import { halvesOver, type GraphForm } from './merge.ts'

/**
 * Upsampling block at 1/8, 1/4, 1/2 (paper section 2.2): merges the block before, the encoder's features and the
 * shrunk picture, then a ConvGRU on half of the channels.
 *
 * @param below - parts of the block before, at half of this block's resolution
 * @param feature - the encoder's features at this resolution
 * @param source - picture average-pooled to this resolution [N, 4, H, W], as `merging`'s weights order the channels
 * @param r - state at this resolution
 * @param merging - weights of the merging convolution
 * @param weights - at `decoder.decodeK`
 */
export function upsamplingBlock(
  g: Graph,
  form: GraphForm,
  { below, feature, source }: { below: readonly Value[]; feature: Value; source: Value },
  r: Value,
  merging: ReturnType<WeightScope['conv']>,
  weights: WeightScope,
): DecoderOutput {
  const parts = [...below.map((part) => g.upsample2(part)), feature, source]
  return recurrentHalf(
    g,
    form,
    halvesOver(g, form, parts, merging, (_, x) => g.relu(x)),
    r,
    weights,
  )
}
