import type { WeightScope } from '../conv-parameters.ts'
import type { Graph, Value } from '../onnx/graph.ts'
import { convGru } from './conv-gru.ts'
import { halves, type GraphForm } from './merge.ts'

/** What a decoder block hands on: its channels as parts (plain half, recurrent half), and the next state. */
export interface DecoderOutput {
  /** In the order of the next block's input channels. */
  readonly parts: readonly [Value, Value]
  /** float32 */
  readonly state: Value
}

/**
 * Bottleneck block at 1/16 (paper section 2.2): half of the channels pass, half go through a ConvGRU.
 *
 * @param x - LR-ASPP's output [N, 128, h/16, w/16]
 * @param r - state r4 [N, 64, h/16, w/16]
 * @param weights - at `decoder.decode4`
 */
export function bottleneckBlock(g: Graph, form: GraphForm, x: Value, r: Value, weights: WeightScope): DecoderOutput {
  return recurrentHalf(g, form, halves(g, x), r, weights)
}

/** The plain half beside the recurrent one: the way every decoder block with memory ends. */
export function recurrentHalf(
  g: Graph,
  form: GraphForm,
  [plain, recurrent]: readonly [Value, Value],
  r: Value,
  weights: WeightScope,
): DecoderOutput {
  const state = convGru(g, form, recurrent, r, weights.at('gru'))
  return { parts: [plain, g.cast(state, plain.type)], state }
}
