import { ENCODER_TAPS, INVERTED_RESIDUALS, type InvertedResidual } from '../architecture.ts'
import type { WeightScope } from '../conv-parameters.ts'
import type { Graph, Value } from '../onnx/graph.ts'

/**
 * The encoder: MobileNetV3-Large without its classifier, its last stage dilated instead of strided (paper section
 * 2.1; Howard et al. 2019, table 1).
 *
 * @param x - normalised pictures [N, 4, H, W], as the stem's weights order the channels
 * @param stem - weights of feature 0 for those channels
 * @param weights - at `backbone.features`
 * @returns features at 1/2, 1/4, 1/8 and 1/16: 16, 24, 40 and 960 channels
 */
export function mobileNetV3(g: Graph, x: Value, stem: ReturnType<WeightScope['conv']>, weights: WeightScope): Value[] {
  const features = [g.hardSwish(g.conv2d(x, stem, { stride: 2 }))]
  INVERTED_RESIDUALS.forEach((block, index) => {
    features.push(invertedResidual(g, features[index], weights.at(`${index + 1}.block`), block))
  })
  features.push(g.hardSwish(g.conv2d(features.at(-1)!, weights.conv('16.0'))))
  return ENCODER_TAPS.map(({ feature }) => features[feature])
}

/** Expand by 1x1, depthwise, squeeze-and-excitation, project by 1x1, add the input where size and width stay. */
export function invertedResidual(g: Graph, x: Value, weights: WeightScope, block: InvertedResidual): Value {
  const activation = (value: Value): Value => (block.activation === 'relu' ? g.relu(value) : g.hardSwish(value))
  let part = 0
  let y = x
  if (block.expanded !== block.input) y = activation(g.conv2d(y, weights.conv(`${part++}.0`)))
  const { stride, dilation, expanded: groups } = block
  y = activation(g.conv2d(y, weights.conv(`${part++}.0`), { stride, dilation, groups }))
  if (block.squeeze > 0) y = squeezeExcitation(g, y, weights.at(`${part++}`))
  y = g.conv2d(y, weights.conv(`${part}.0`))
  return stride === 1 && block.input === block.output ? g.add(y, x) : y
}

/** x · hardSigmoid(fc2(relu(fc1(mean of x)))), a factor a channel. */
export function squeezeExcitation(g: Graph, x: Value, weights: WeightScope): Value {
  const squeezed = g.relu(g.conv2d(g.globalAveragePool(x), weights.conv('fc1')))
  return g.mul(x, g.hardSigmoid(g.conv2d(squeezed, weights.conv('fc2'))))
}
