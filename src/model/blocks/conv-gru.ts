import type { WeightScope } from '../conv-parameters.ts'
import { paperGates } from '../paper-gates.ts'
import type { Graph, Value } from '../onnx/graph.ts'
import { convOver, halvesOver, type GraphForm } from './merge.ts'

/**
 * ConvGRU: one recurrent step on a feature map (paper section 2.2, equation 2).
 *
 * @param x - this frame's features [N, C, H, W]
 * @param h - state after the previous frame, float32, same shape, in [-1, 1]; zeros before the first frame
 * @param weights - at `….gru`, in the published convention
 * @returns the new state, float32, same shape, in [-1, 1]: both the output and the next `h`
 * @throws {MatteboxError} SHAPE if `x` and `h` differ in shape
 */
export function convGru(g: Graph, form: GraphForm, x: Value, h: Value, weights: WeightScope): Value {
  g.requireSameShape('convGru', { x, h })
  const past = g.cast(h, floatOf(x))
  const [z, r] = halvesOver(g, form, [x, past], paperGates(weights.conv('ih.0')), (_, gates) => g.sigmoid(gates))
  const proposal = g.tanh(convOver(g, form, [x, g.mul(r, past)], weights.conv('hh.0')))

  // The state is summed over minutes: its arithmetic stays float32 in a float16 graph.
  const keep = g.cast(z, 'float32')
  return g.add(g.mul(keep, h), g.mul(g.oneMinus(keep), g.cast(proposal, 'float32')))
}

function floatOf(x: Value): 'float32' | 'float16' {
  return x.type === 'float16' ? 'float16' : 'float32'
}
