import { loadWeights } from '../model/weights/index.ts'
import { chooseProvider, type ProviderChoice } from '../sidecar/inference/provider-choice.ts'
import { networkWork, TRIAL_SIZE } from '../sidecar/inference/provider-probe-work.ts'
import type { EngineOptions } from '../video/matting-pipeline.ts'
import type { MattingFlags } from './matting-options.ts'
import { resolveModel } from '../models/model-location.ts'

export interface Engine {
  readonly engine: EngineOptions
  readonly choice: ProviderChoice
  /** Path of the model. */
  readonly model: string
}

/** Finds the model and the provider that the flags ask for. */
export async function engineOptions(flags: MattingFlags): Promise<Engine> {
  const { threads, ratio, refiner, cutDetection, provider: wanted } = flags
  const path = await resolveModel(flags.model)
  const weights = async () => (await loadWeights(path)).weights
  const work = async () => networkWork(await weights(), { ...TRIAL_SIZE, planes: 8, refiner })
  const choice = await chooseProvider(wanted, work, { threads })
  const engine = { weights, provider: choice.provider, threads, ratio, refiner, cutDetection }
  return { engine, choice, model: path }
}
