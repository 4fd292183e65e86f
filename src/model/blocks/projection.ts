import type { ConvParameters, Graph, Value } from '../onnx/graph.ts'

/**
 * Projection of the hidden features by 1x1 (paper section 2.2): to the foreground residual (3) and alpha (1), or to
 * segmentation logits (1). Nothing is clamped here: the refiner needs the raw values.
 *
 * @param hidden - [N, 16, h, w]
 * @returns [N, 4, h, w] in the order R, G, B, alpha; or [N, 1, h, w]
 */
export function projection(g: Graph, hidden: Value, conv: ConvParameters): Value {
  return g.conv2d(hidden, conv)
}
