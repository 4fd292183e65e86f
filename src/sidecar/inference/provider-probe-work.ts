import { emitNetwork, NETWORK_IO, stateShapes, type NetworkOptions } from '../../model/network.ts'
import { expectedTensors, type Tensor, type Weights } from '../../model/weights/index.ts'
import type { ProbeTensor, ProbeWork } from './provider-probe.ts'

/** What providers are tried on: the low resolution of a wide picture at the ratio `auto`, which most users run. */
export const TRIAL_SIZE = { width: 512, height: 288 } as const

/** The network itself as work for a trial run: one step on a made-up picture, from empty memory. */
export function networkWork(
  weights: Weights,
  options: NetworkOptions & { readonly height: number; readonly width: number },
): ProbeWork {
  const { height, width } = options
  const noise = noiseFrom(1)
  const frame = Uint8Array.from({ length: height * width * 4 }, () => 255 * noise())
  const states = stateShapes(1, height, width).map((dims, index): [string, ProbeTensor] => {
    const size = dims.reduce((product, side) => product * side, 1)
    return [NETWORK_IO.states[index], { type: 'float32', dims, data: new Float32Array(size) }]
  })
  return {
    model: emitNetwork(weights, options),
    inputs: {
      [NETWORK_IO.frame]: { type: 'uint8', dims: [1, height, width, 4], data: frame },
      ...Object.fromEntries(states),
    },
  }
}

/** Weights for trying providers where no model is installed: made up, of a size that keeps values near 1. */
export function madeUpWeights(): Weights {
  const noise = noiseFrom(2)
  const weights = new Map<string, Tensor>()
  for (const [name, shape] of expectedTensors()) {
    const fanIn = shape.slice(1).reduce((product, side) => product * side, 1)
    const spread = shape.length === 1 ? 0 : Math.sqrt(6 / fanIn)
    const size = shape.reduce((product, side) => product * side, 1)
    weights.set(name, { shape, data: Float32Array.from({ length: size }, () => (2 * noise() - 1) * spread) })
  }
  return weights
}

/** A repeatable stream of numbers in [0, 1): a linear congruential generator (Numerical Recipes' constants). */
function noiseFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}
