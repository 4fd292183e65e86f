import { outputRows, range } from './conv-parameters.ts'
import type { ConvParameters } from './onnx/graph.ts'

/**
 * The ConvGRU's gates as the paper writes them (section 2.2, equation 2): order z, r, and z keeps the past.
 *
 * The published code and its weights order the gates r, z and let z admit the new value, so that the paper's z is one
 * minus theirs; sigmoid(−v) = 1 − sigmoid(v) turns one into the other. Files keep the published convention; this is the
 * one place where it is exchanged.
 */
export function paperGates(published: ConvParameters): ConvParameters {
  const channels = published.weight.shape[0] / 2
  const swapped = outputRows(published, [...range(channels, 2 * channels), ...range(0, channels)], 'z-r')
  const negateZ = (data: Float32Array): Float32Array => {
    const negated = data.slice()
    for (let index = 0; index < negated.length / 2; index++) negated[index] = -negated[index]
    return negated
  }
  return {
    name: swapped.name,
    weight: { ...swapped.weight, data: negateZ(swapped.weight.data) },
    bias: swapped.bias && { ...swapped.bias, data: negateZ(swapped.bias.data) },
  }
}
