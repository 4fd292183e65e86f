import { emitNetwork, NETWORK_IO, stateShapes } from '../model/network.ts'
import { loadWeights, type Weights } from '../model/weights/index.ts'
import { chooseProvider, type ProviderChoice } from '../sidecar/inference/provider-choice.ts'
import type { ProbeWork } from '../sidecar/inference/provider-probe.ts'
import type { EngineOptions } from '../video/matting-pipeline.ts'
import type { MattingFlags } from './matting-options.ts'
import { resolveModel } from './model-location.ts'

/** Side of the picture that providers are tried on: small, so that trying is quick. */
const TRIAL_SIDE = 128

/**
 * The network itself as the work that a provider is tried with, on a small picture of noise.
 */
export function trialWork(weights: Weights): ProbeWork {
  const side: number = TRIAL_SIDE
  const model = emitNetwork(weights, { height: side, width: side, planes: 8, refiner: 'deep' })
  const pixels = Uint8Array.from({ length: side * side * 4 }, (_, index) => (index * 2654435761) >>> 24)
  const states = stateShapes(1, side, side).map((dims: readonly number[], index) => {
    const size = dims.reduce((product, length) => product * length, 1)
    return [NETWORK_IO.states[index], { type: 'float32', dims, data: new Float32Array(size) }] as const
  })
  const frame = { type: 'uint8', dims: [1, side, side, 4], data: pixels } as const
  return { model, inputs: { [NETWORK_IO.frame]: frame, ...Object.fromEntries(states) } }
}

/** Loads the model and finds the provider that the flags ask for. */
export async function engineOptions(flags: MattingFlags): Promise<{ engine: EngineOptions; choice: ProviderChoice }> {
  const { weights } = await loadWeights(await resolveModel(flags.model))
  const choice = await chooseProvider(flags.provider, () => trialWork(weights))
  const { threads, ratio, refiner, cutDetection } = flags
  return { engine: { weights, provider: choice.provider, threads, ratio, refiner, cutDetection }, choice }
}
