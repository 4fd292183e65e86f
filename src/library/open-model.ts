import { loadWeights, type Weights } from '../model/weights/index.ts'
import { resolveModel } from '../models/model-location.ts'
import { Settings, type ProviderName } from '../settings/index.ts'
import { chooseProvider, type ProviderChoice } from '../sidecar/inference/provider-choice.ts'
import { networkWork, TRIAL_SIZE } from '../sidecar/inference/provider-probe-work.ts'

export interface ModelOptions {
  /** Default `auto`: CUDA, WebGPU and the CPU, each by a real run. */
  readonly provider?: Settings['provider'] | undefined
  /** Of the CPU provider; default: as the machine has. */
  readonly threads?: number | undefined
  /** What providers are tried with; default `deep`. */
  readonly refiner?: Settings['refiner'] | undefined
}

/** A model and what runs it: spread it into the options of a `MattingSession`. */
export interface Model {
  readonly path: string
  /** Reads the file each time: nobody needs the weights while a network runs. */
  readonly weights: () => Promise<Weights>
  readonly provider: ProviderName
  readonly threads: number | undefined
  /** How the provider was found, and why better ones were passed over. */
  readonly choice: ProviderChoice
}

/**
 * Finds a model and the provider that runs it, as the commands do.
 *
 * @param nameOrPath - an installed model, or a safetensors or ONNX file; default: the default model
 * @throws {MatteboxError} MODEL_NONE, MODEL_UNKNOWN and those of reading a model file; PROVIDER_UNAVAILABLE where the wished
 * one does not run here
 */
export async function openModel(nameOrPath?: string, options: ModelOptions = {}): Promise<Model> {
  const { provider: wanted = 'auto', threads, refiner = Settings.properties.refiner.default } = options
  const path = await resolveModel(nameOrPath)
  const weights = async (): Promise<Weights> => (await loadWeights(path)).weights
  const work = async () => networkWork(await weights(), { ...TRIAL_SIZE, planes: 8, refiner })
  const choice = await chooseProvider(wanted, work, { threads })
  return { path, weights, provider: choice.provider, threads, choice }
}
