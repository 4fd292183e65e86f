import { createCover } from './cover.ts'
import { openVideo, type VideoFrame, type VideoSource } from './decode.ts'
import type { Rational } from './nut-format.ts'

const SQUARE: Rational = { num: 1, den: 1 }

/**
 * A picture or clip that lies behind the person: it covers the frame, and a clip begins again when it ends.
 */
export class BackdropSource {
  #source: VideoSource
  #frames: AsyncGenerator<VideoFrame, void, void>
  #cover: ReturnType<typeof createCover> | undefined
  #picture: Uint8Array | undefined
  #next: VideoFrame | undefined
  #framesOfTurn = 0
  /** Time at which this turn of the clip began, and of the last frame shown. */
  #began = 0
  #shown = 0

  private constructor(
    private readonly path: string,
    private readonly width: number,
    private readonly height: number,
    private readonly pixelAspect: Rational,
    source: VideoSource,
  ) {
    this.#source = source
    this.#frames = source.frames()
  }

  /**
   * @param pixelAspect - width to height of one pixel of the frame that it lies behind
   * @throws {MatteboxError} as `openVideo`
   */
  static async open(path: string, width: number, height: number, pixelAspect = SQUARE): Promise<BackdropSource> {
    const backdrop = new BackdropSource(path, width, height, pixelAspect, await openVideo(path))
    await backdrop.#advance()
    await backdrop.#show()
    return backdrop
  }

  /**
   * The picture at a time, which never goes back from call to call.
   *
   * @returns uint8 [height, width, 4] BGRA, overwritten by later calls
   */
  async at(timeSeconds: number): Promise<Uint8Array> {
    while (this.#next && this.#next.timeSeconds + this.#began <= timeSeconds) await this.#show()
    return this.#picture!
  }

  async close(): Promise<void> {
    await this.#source.close()
  }

  /** Makes the waiting frame the picture, and fetches the one after it. */
  async #show(): Promise<void> {
    const frame = this.#next!
    this.#cover ??= createCover(frame.width, frame.height, this.width, this.height, this.#pixelWidth())
    this.#picture = this.#cover(frame.data)
    const interval = frame.timeSeconds + this.#began - this.#shown
    this.#shown += interval
    frame.release()
    this.#framesOfTurn++
    await this.#advance()
    // A picture, or a clip of one frame, stays.
    if (this.#next || this.#framesOfTurn === 1) return
    this.#framesOfTurn = 0
    await this.#source.close()
    this.#source = await openVideo(this.path)
    this.#frames = this.#source.frames()
    await this.#advance()
    this.#began = this.#shown + interval
  }

  /** Of the picture, in pixels of the frame. */
  #pixelWidth(): number {
    const [own, frame] = [this.#source.info.pixelAspect, this.pixelAspect]
    return (own.num * frame.den) / (own.den * frame.num)
  }

  async #advance(): Promise<void> {
    const { value } = await this.#frames.next()
    this.#next = value ?? undefined
  }
}
