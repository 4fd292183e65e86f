import { expectedTensors } from '../../src/model/weights/convolutions.ts'
import type { Tensor, Weights } from '../../src/model/weights/tensor.ts'
import { seededRandom } from './seeded-random.ts'

/**
 * A complete set of made-up weights, `project_seg` included: of a size that keeps every layer's values near 1, so that
 * a wrong weight anywhere shows in the result.
 */
export function randomWeights(seed: number): Weights {
  const random = seededRandom(seed)
  const weights = new Map<string, Tensor>()
  for (const [name, shape] of expectedTensors()) {
    const fanIn = shape.slice(1).reduce((product, side) => product * side, 1)
    const spread = shape.length === 1 ? 0.2 : Math.sqrt(6 / fanIn)
    const size = shape.reduce((product, side) => product * side, 1)
    weights.set(name, { shape, data: Float32Array.from({ length: size }, () => (random() * 2 - 1) * spread) })
  }
  return weights
}
