import type { Backdrop, FullResolutionOptions } from '../model/full-resolution.ts'
import { lowResolution } from '../model/low-resolution.ts'
import type { Weights } from '../model/weights/index.ts'
import { FullResolutionSession } from '../sidecar/inference/full-resolution-session.ts'
import { MattingSession, type Coefficients, type ResetReason } from '../sidecar/inference/matting-session.ts'
import type { ProviderName } from '../settings/index.ts'
import type { Settings } from '../settings/index.ts'
import { blurBackground } from './background-blur.ts'
import { createShrinker } from './shrink.ts'

/** What decides how a clip is matted, provider and model found already. */
export interface EngineOptions {
  /** Asked for when a network is built: see `MattingOptions`. */
  readonly weights: () => Weights | Promise<Weights>
  readonly provider: ProviderName
  readonly threads?: number | undefined
  readonly ratio: Settings['ratio']
  readonly refiner: Settings['refiner']
  readonly cutDetection: boolean
}

export interface PipelineOptions extends EngineOptions {
  /** Of the source, pixels. */
  readonly width: number
  readonly height: number
  readonly planes: FullResolutionOptions['planes']
  readonly sourceAlpha: boolean
  /** What is made of every frame, all by one step of the network. */
  readonly pictures: readonly PictureOptions[]
}

/** One picture that is made of a frame. */
export interface PictureOptions {
  readonly output: FullResolutionOptions['output']
  /** Of a composite: a colour, pictures that are given with the frames, or the source's own background, blurred. */
  readonly backdrop?: Exclude<Backdrop, { kind: 'picture' }> | { kind: 'given' } | { kind: 'blur'; radius: number }
}

/** Blur radii are meant for a picture of so many lines. */
const BLUR_LINES = 1080

/** The way of a full-resolution frame to its matte: shrink, one recurrent step, coefficients put on the frame. */
export class MattingPipeline implements AsyncDisposable {
  readonly #session: MattingSession
  readonly #pictures: readonly (PictureOptions & { readonly session: FullResolutionSession })[]
  readonly #shrink: (source: Uint8Array, target: Uint8Array) => void
  readonly #low: Uint8Array

  private constructor(
    options: PipelineOptions,
    /** Size of the frames that the network sees. */
    readonly lowRes: { readonly width: number; readonly height: number },
    /** The refiner in use: none where low and full resolution are equal, as published. */
    readonly refiner: Settings['refiner'],
    pictures: readonly (PictureOptions & { readonly session: FullResolutionSession })[],
  ) {
    const { width, height, weights, provider, threads, planes, cutDetection } = options
    this.#session = new MattingSession({ weights, provider, threads, refiner, planes, cutDetection })
    this.#pictures = pictures
    this.#shrink = createShrinker(width, height, lowRes.width, lowRes.height)
    this.#low = new Uint8Array(lowRes.width * lowRes.height * 4)
  }

  static async open(options: PipelineOptions): Promise<MattingPipeline> {
    const { width, height, planes, sourceAlpha } = options
    const lowRes = lowResolution(width, height, options.ratio)
    const refiner = lowRes.width === width && lowRes.height === height ? 'none' : options.refiner
    const pictures = []
    for (const picture of options.pictures) {
      const { output, backdrop } = picture
      const behind = {
        colour: backdrop,
        given: { kind: 'picture', width, height },
        blur: { kind: 'picture', ...lowRes },
      }
      const session = await FullResolutionSession.create(
        {
          ...{ width, height, planes, output, sourceAlpha },
          ...{ lowWidth: lowRes.width, lowHeight: lowRes.height },
          ...(backdrop && { backdrop: behind[backdrop.kind] as Backdrop }),
        },
        options.threads,
      )
      pictures.push({ ...picture, session })
    }
    const pipeline = new MattingPipeline(options, lowRes, refiner, pictures)
    await pipeline.#session.warm(lowRes.width, lowRes.height)
    return pipeline
  }

  /** Resets of the recurrent state so far, by reason. */
  get resets(): Readonly<Record<ResetReason, number>> {
    return this.#session.resets
  }

  /**
   * @param frame - uint8 [height, width, 4] BGRA, straight
   * @param given - uint8 [height, width, 4] BGRA: the backdrop where it is `given`
   * @returns the pictures that the options name, in their order
   */
  async process(frame: Uint8Array, given?: Uint8Array): Promise<(Uint8Array | Float32Array)[]> {
    const { width, height } = this.lowRes
    this.#shrink(frame, this.#low)
    const coefficients = await this.#session.step({ data: this.#low, width, height })
    const made = []
    for (const { session, backdrop } of this.#pictures) {
      const behind = backdrop?.kind === 'blur' ? this.#blurred(coefficients, backdrop.radius) : given
      made.push(await session.apply(frame, coefficients.planes, behind))
    }
    return made
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#session[Symbol.asyncDispose]()
    for (const { session } of this.#pictures) await session[Symbol.asyncDispose]()
  }

  #blurred(coefficients: Coefficients, radius: number): Uint8Array {
    const { width, height } = this.lowRes
    const alpha = lowAlpha(this.#low, coefficients)
    return blurBackground(this.#low, alpha, width, height, (radius * height) / BLUR_LINES)
  }
}

/** The matte at low resolution: clamp(A4·gray + b4), float32 [height, width]. */
function lowAlpha(frame: Uint8Array, { planes, width, height }: Coefficients): Float32Array {
  const area = width * height
  const count = planes.length / area
  const [a4, b4] = [(count / 2 - 1) * area, (count - 1) * area]
  return Float32Array.from({ length: area }, (_, i) => {
    const gray = (frame[4 * i] + frame[4 * i + 1] + frame[4 * i + 2]) / 765
    return Math.min(1, Math.max(0, planes[a4 + i] * gray + planes[b4 + i]))
  })
}
