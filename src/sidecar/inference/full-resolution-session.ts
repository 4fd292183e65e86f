import { Tensor, type InferenceSession } from 'onnxruntime-common'
import { emitFullResolution, FULL_RESOLUTION_IO, type FullResolutionOptions } from '../../model/full-resolution.ts'
import { createSession } from './runtime.ts'

/**
 * Puts coefficient planes on full-resolution frames, on the CPU: for files and for whoever has no shader.
 * Sizes and output are fixed at creation.
 */
export class FullResolutionSession implements AsyncDisposable {
  private constructor(
    private readonly options: FullResolutionOptions,
    private readonly session: InferenceSession,
  ) {}

  static async create(options: FullResolutionOptions, threads?: number): Promise<FullResolutionSession> {
    const session = await createSession(emitFullResolution(options), {
      provider: 'cpu',
      ...(threads === undefined ? {} : { threads }),
    })
    return new FullResolutionSession(options, session)
  }

  /**
   * @param frame - uint8 [H, W, 4] BGRA, straight
   * @param planes - float32 [planes, h, w]
   * @param backdrop - uint8 [h', w', 4] BGRA, where the backdrop is a picture
   * @returns the picture as `FullResolutionOptions.output` says: bytes, or float32 for `alpha-float`
   */
  async apply(frame: Uint8Array, planes: Float32Array, backdrop?: Uint8Array): Promise<Uint8Array | Float32Array> {
    const { height, width, lowHeight, lowWidth, backdrop: behind } = this.options
    const feeds: Record<string, Tensor> = {
      [FULL_RESOLUTION_IO.frame]: new Tensor('uint8', frame, [1, height, width, 4]),
      [FULL_RESOLUTION_IO.planes]: new Tensor('float32', planes, [1, this.options.planes, lowHeight, lowWidth]),
    }
    if (behind?.kind === 'picture' && backdrop) {
      feeds[FULL_RESOLUTION_IO.backdrop] = new Tensor('uint8', backdrop, [1, behind.height, behind.width, 4])
    }
    const out = await this.session.run(feeds)
    return out[FULL_RESOLUTION_IO.picture].data as Uint8Array | Float32Array
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.session.release()
  }
}
