import { Value } from 'typebox/value'
import { MatteboxError } from '../errors/index.ts'
import { Settings } from '../settings/index.ts'
import { matteVideo as matteJob, type MatteJob, type MatteReport, type Progress } from '../video/matte-video.ts'
import { openModel, type Model } from './open-model.ts'

/** How a clip is matted; what is left out is as `mattebox matte` has it. */
export interface VideoOptions extends Partial<
  Omit<MatteJob, 'input' | 'output' | 'weights' | 'provider' | 'threads' | 'preview' | 'cutDetection' | 'audio'>
> {
  /** From `openModel`; default: the default model, on the best provider. */
  readonly model?: Model | undefined
  /** Default true. */
  readonly cutDetection?: boolean | undefined
  /** Whether sound goes along; default true. */
  readonly audio?: boolean | undefined
  /** Hears of every frame that is written. */
  readonly onProgress?: ((progress: Progress) => void) | undefined
  /** Ends the work, with nothing left behind. */
  readonly signal?: AbortSignal | undefined
}

const { properties } = Settings

/**
 * Mattes a clip, a picture, or a folder of pictures into a file or folder, frame by frame with the recurrent state
 * carried, in constant memory. The output appears when it is whole.
 *
 * @param output - by its ending: `.webm`, `.mov`, `.mkv`, `.mp4`, `.gif`, `.webp`, `.png`; a folder has none
 * @throws {MatteboxError} as `mattebox matte`: docs/errors.md; USAGE names the option that cannot be
 */
export async function matteVideo(input: string, output: string, options: VideoOptions = {}): Promise<MatteReport> {
  const { model, onProgress, signal, ...given } = options
  for (const key of ['ratio', 'refiner', 'view', 'decontaminate'] as const) {
    const value = given[key]
    if (value === undefined || Value.Check(properties[key], value)) continue
    throw new MatteboxError('USAGE', `${key} cannot be ${JSON.stringify(value)}.`, 'See the library’s page in docs.')
  }
  const { weights, provider, threads } = model ?? (await openModel())
  const { decontaminate, cut_detection, ratio, refiner, view } = properties
  return matteJob(
    {
      ...given,
      ...{ input, output, weights, provider, threads },
      ratio: given.ratio ?? ratio.default,
      refiner: given.refiner ?? refiner.default,
      view: given.view ?? view.default,
      background: given.background ?? { kind: 'remove' },
      decontaminate: given.decontaminate ?? decontaminate.default,
      cutDetection: given.cutDetection ?? cut_detection.default,
      audio: given.audio ?? true,
      force: given.force ?? false,
    },
    onProgress,
    signal,
  )
}
