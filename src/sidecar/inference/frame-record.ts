import { createWriteStream, mkdirSync, type WriteStream } from 'node:fs'
import { join } from 'node:path'
import type { Frame } from './channel/index.ts'
import type { Coefficients, ResetReason } from './matting-session.ts'
import type { NetworkKey } from './network-pool.ts'

/** One frame of a record: a line of `FILTERID-PID.jsonl`; its pixels are in `FILTERID-PID.bgra`, one after the other. */
export interface RecordedFrame extends NetworkKey {
  readonly id: number
  readonly epoch: number
  readonly timestampNs: number
  readonly sourceWidth: number
  readonly sourceHeight: number
  /** Why the recurrent state began anew at this frame; null where it did not. */
  readonly reset: ResetReason | null
  /** What the runtime's run took. */
  readonly runMs: number
  /** From shared memory to shared memory, less the run, in milliseconds. */
  readonly besideMs: number
  /** Where its pixels begin, in bytes: uint8 [height, width, 4] BGRA. */
  readonly offset: number
}

/** A record that nobody ends must not fill the disk. */
const LIMIT_BYTES = 8 * 2 ** 30
/** What a slow disk may lag behind. */
const LIMIT_UNWRITTEN_BYTES = 256 * 2 ** 20

interface Files {
  readonly pixels: WriteStream
  readonly lines: WriteStream
  bytes: number
}

/**
 * Debug: writes every frame that was stepped into a folder, so that the same run can be made again offline. The
 * pixels are of the user's camera: the folder is his alone (0700), and nothing is written unless he asked for it.
 */
export class FrameRecord {
  readonly #files = new Map<string, Files>()
  #bytes = 0

  /**
   * @param folder - is made where it is missing
   * @param complain - called once, where writing fails or the limit is reached; the record ends there
   */
  constructor(
    private readonly folder: string,
    private readonly complain: (message: string) => void,
  ) {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
  }

  /** Records a frame; its pixels are copied. */
  write(
    filterId: string,
    frame: Frame,
    key: NetworkKey,
    { reset, runMs, besideMs }: Pick<Coefficients, 'reset' | 'runMs'> & { readonly besideMs: number },
  ): void {
    if (this.#bytes + frame.pixels.length > LIMIT_BYTES) return this.#stop(`it holds ${LIMIT_BYTES / 2 ** 30} GiB`)
    const files = this.#filesOf(filterId)
    if (files.pixels.writableLength > LIMIT_UNWRITTEN_BYTES) return this.#stop('the disk is too slow')
    const { id, epoch, timestampNs, sourceWidth, sourceHeight } = frame
    const line: RecordedFrame = {
      ...{ id, epoch, timestampNs, sourceWidth, sourceHeight },
      ...key,
      reset: reset ?? null,
      ...{ runMs, besideMs },
      offset: files.bytes,
    }
    // The frame's memory is used again for the next one.
    files.pixels.write(Buffer.from(frame.pixels))
    files.lines.write(`${JSON.stringify(line)}\n`)
    files.bytes += frame.pixels.length
    this.#bytes += frame.pixels.length
  }

  #filesOf(filterId: string): Files {
    let files = this.#files.get(filterId)
    if (files === undefined) {
      const open = (ending: string): WriteStream =>
        createWriteStream(join(this.folder, `${filterId}-${process.pid}.${ending}`), { mode: 0o600 }).on(
          'error',
          (error) => this.#stop(error.message),
        )
      this.#files.set(filterId, (files = { pixels: open('bgra'), lines: open('jsonl'), bytes: 0 }))
    }
    return files
  }

  #stop(why: string): void {
    if (this.#bytes === Infinity) return
    this.#bytes = Infinity
    for (const { pixels, lines } of this.#files.values()) {
      pixels.end()
      lines.end()
    }
    this.complain(`The record in ${this.folder} ends: ${why}.`)
  }
}
