import { Type } from 'typebox'
import { Check } from 'typebox/schema'
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
const { decontaminate, cut_detection, ratio, refiner, view } = properties
const share = Type.Number({ minimum: 0, maximum: 1 })
const seconds = Type.Number({ minimum: 0 })

/** Programs without types may hand over anything. */
const Given = Type.Partial(
  Type.Object({
    ...{ ratio, refiner, view, decontaminate },
    ...{ cutDetection: Type.Boolean(), audio: Type.Boolean(), force: Type.Boolean() },
    background: Type.Union([
      Type.Object({ kind: Type.Union([Type.Literal('remove'), Type.Literal('blur')]) }),
      Type.Object({ kind: Type.Literal('colour'), rgb: Type.Tuple([share, share, share]) }),
      Type.Object({ kind: Type.Literal('file'), path: Type.String() }),
    ]),
    ...{ outputAlpha: Type.String(), outputForeground: Type.String() },
    quality: Type.Number({ minimum: 0, maximum: 100 }),
    ...{ from: seconds, to: seconds },
    fps: Type.Object({ num: Type.Integer({ minimum: 1 }), den: Type.Integer({ minimum: 1 }) }),
  }),
  { additionalProperties: false },
)

/**
 * Mattes a clip, a picture, or a folder of pictures into a file or folder, frame by frame with the recurrent state
 * carried, in constant memory. The output appears when it is whole.
 *
 * @param output - by its ending: `.webm`, `.mov`, `.mkv`, `.mp4`, `.gif`, `.webp`, `.png`; a folder has none
 * @throws {MatteboxError} as `mattebox matte`: docs/errors.md; USAGE names the option that cannot be
 */
export async function matteVideo(input: string, output: string, options: VideoOptions = {}): Promise<MatteReport> {
  const { model, onProgress, signal, ...given } = options
  requireGood(given)
  const { weights, provider, threads } = model ?? (await openModel())
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

function requireGood(options: object): void {
  const given = Object.entries(options as Readonly<Record<string, unknown>>)
  const wrong = given.find(([key, value]) => value !== undefined && !Check(Given, { [key]: value }))
  if (!wrong) return
  const [key, value] = wrong
  const mend = 'The types of `VideoOptions` say what there is, and what it can be: see docs/library.md.'
  throw new MatteboxError('USAGE', `${key} cannot be ${JSON.stringify(value)}.`, mend)
}
