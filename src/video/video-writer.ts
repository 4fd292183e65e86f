import type { VideoSource } from './decode.ts'
import type { PixelLayout, Rational } from './nut-format.ts'
import type { AudioPlan } from './output-format.ts'

export interface WriterSpec {
  readonly width: number
  readonly height: number
  /** Of the frames that will be written: `bgra` with straight alpha, `bgr0` opaque, or `gray`. */
  readonly layout: PixelLayout
  /**
   * The clip that the frames come from: its sound, subtitles and chapters go along, its colour tags and the shape of its
   * pixels are kept, it is never overwritten.
   */
  readonly source?: Pick<VideoSource, 'info' | 'range'>
  /** Whether its sound goes along. Default true. */
  readonly audio?: boolean
  /** Whether its subtitles and chapters go along. Default true. */
  readonly captions?: boolean
}

/** When a frame is shown. A `VideoFrame` is one. */
export interface FrameTime {
  readonly pts: number
  readonly timeBase: Rational
}

/** An output that is being written. Whatever fails, nothing half-written is left, and every call after it fails too. */
export interface VideoWriter {
  /** What becomes of the source's sound; of several tracks, of one that is not copied, if there is one. */
  readonly audio: AudioPlan
  /** Sentences for the user: in what the output differs from what he may expect. */
  readonly warnings: readonly string[]
  /**
   * Writes the next frame. Resolves when `data` may be changed again. One frame at a time: wait for it.
   *
   * @param data - height · width pixels in the layout of the spec
   * @param time - later than the frame before, in the same time base
   * @throws {MatteboxError} OUTPUT_UNWRITABLE, OUTPUT_UNSUPPORTED (a second frame for one picture), FFMPEG_FAILED
   */
  write(data: Uint8Array, time: FrameTime): Promise<void>
  /**
   * Ends the output: afterwards it is whole, and lacks its name only. So several outputs appear together or not at all.
   *
   * @throws {MatteboxError} as `write`; INPUT_UNREADABLE without a frame
   */
  complete(): Promise<void>
  /**
   * Gives a complete output its name.
   *
   * @throws {MatteboxError} OUTPUT_UNWRITABLE
   */
  commit(): void
  /** `complete` and `commit`. */
  finish(): Promise<void>
  /** Gives the output up: ends the encoder and removes what was written. Always succeeds. */
  abort(): Promise<void>
}
