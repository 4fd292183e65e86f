import { loadWeights } from '../model/weights/index.ts'
import { chooseProvider, type ProviderChoice } from '../sidecar/inference/provider-choice.ts'
import { networkWork } from '../sidecar/inference/provider-probe-work.ts'
import type { EngineOptions } from '../video/matting-pipeline.ts'
import type { MattingFlags } from './matting-options.ts'
import { resolveModel } from './model-location.ts'

/** Providers are tried on the network that will run, at about the size that most clips have. */
const TRIAL = { width: 512, height: 288, planes: 8 } as const

/** Loads the model and finds the provider that the flags ask for. */
export async function engineOptions(flags: MattingFlags): Promise<{ engine: EngineOptions; choice: ProviderChoice }> {
  const { threads, ratio, refiner, cutDetection, provider: wanted } = flags
  const { weights } = await loadWeights(await resolveModel(flags.model))
  const choice = await chooseProvider(wanted, () => networkWork(weights, { ...TRIAL, refiner }), { threads })
  return { engine: { weights, provider: choice.provider, threads, ratio, refiner, cutDetection }, choice }
}
