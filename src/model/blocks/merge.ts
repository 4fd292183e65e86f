import { inputSlice, outputRows, pick, range } from '../conv-parameters.ts'
import type { ConvParameters, Graph, Value } from '../onnx/graph.ts'

/**
 * How the same mathematics is laid out as nodes. The runtime's CPU kernels work in blocks of channels; what keeps
 * inside that layout is faster (docs/decisions.md, “The shape of the graph”, has the measurements).
 *
 * - `merge`: a convolution over concatenated features, as such (`concat`), or as the sum of one convolution each (`sum`)
 * - `halves`: the halves of a convolution's output from two convolutions (`two`), or picked from one by 1x1 (`picks`)
 */
export interface GraphForm {
  readonly merge: 'sum' | 'concat'
  readonly halves: 'two' | 'picks'
}

/** The form that was measured as the fastest on CPUs. */
export const FASTEST_FORM: GraphForm = { merge: 'sum', halves: 'picks' }

type Activation = (g: Graph, x: Value) => Value

/**
 * Convolution over the channel concatenation of `parts` (paper section 2.2: feature merging).
 *
 * @param parts - [N, Ci, H, W] each, in the order of the weights' input channels
 * @returns [N, O, H, W], before any activation
 */
export function convOver(g: Graph, form: GraphForm, parts: readonly Value[], conv: ConvParameters): Value {
  if (form.merge === 'concat') return g.conv2d(parts.length === 1 ? parts[0] : g.concat(parts), conv)
  let from = 0
  let sum: Value | undefined
  for (const part of parts) {
    const channels = part.shape[1] as number
    const term = g.conv2d(part, inputSlice(conv, from, from + channels, from === 0))
    sum = sum ? g.add(sum, term) : term
    from += channels
  }
  return sum!
}

/** The two halves of `activation(conv over parts)`, each [N, O/2, H, W]. */
export function halvesOver(
  g: Graph,
  form: GraphForm,
  parts: readonly Value[],
  conv: ConvParameters,
  activation: Activation,
): [Value, Value] {
  const outputs = conv.weight.shape[0]
  const half = outputs / 2
  if (form.halves === 'two') {
    const side = (from: number, suffix: string): Value =>
      activation(g, convOver(g, form, parts, outputRows(conv, range(from, from + half), suffix)))
    return [side(0, 'first'), side(half, 'second')]
  }
  return halves(g, activation(g, convOver(g, form, parts, conv)))
}

/** The two halves of a feature map's channels. */
export function halves(g: Graph, x: Value): [Value, Value] {
  const channels = x.shape[1] as number
  return [g.conv2d(x, pick(channels, 0, channels / 2)), g.conv2d(x, pick(channels, channels / 2, channels))]
}
