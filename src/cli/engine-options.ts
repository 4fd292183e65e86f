import { openModel } from '../library/open-model.ts'
import type { ProviderChoice } from '../sidecar/inference/provider-choice.ts'
import type { EngineOptions } from '../video/matting-pipeline.ts'
import type { MattingFlags } from './matting-options.ts'

export interface Engine {
  readonly engine: EngineOptions
  readonly choice: ProviderChoice
  /** Path of the model. */
  readonly model: string
}

/** Finds the model and the provider that the flags ask for. */
export async function engineOptions(flags: MattingFlags): Promise<Engine> {
  const { threads, ratio, refiner, cutDetection, provider: wanted } = flags
  const { path, weights, provider, choice } = await openModel(flags.model, { provider: wanted, threads, refiner })
  const engine = { weights, provider, threads, ratio, refiner, cutDetection }
  return { engine, choice, model: path }
}
