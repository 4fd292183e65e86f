import type { Writable } from 'node:stream'
import { MatteboxError } from '../errors/index.ts'
import { NutWriter } from './nut-writer.ts'
import { tracksLeftOut } from './tracks.ts'
import type { FrameTime, VideoWriter, WriterSpec } from './video-writer.ts'

/**
 * Frames for another program: NUT with raw pictures (BGRA with straight alpha, BGR0 or gray) and their times, without
 * sound. What is written is gone: there is nothing to take back when something fails.
 */
export class NutOutput implements VideoWriter {
  readonly audio = 'none'
  readonly warnings: readonly string[]
  private nut: NutWriter | undefined

  /** @param target - read by the other program; who gives it notices when that one leaves */
  constructor(
    private readonly spec: WriterSpec,
    private readonly target: Writable & { readonly isTTY?: boolean },
  ) {
    const { source, captions = true } = spec
    this.warnings = source !== undefined && captions ? tracksLeftOut('Standard output', source.info) : []
    if (target.isTTY !== true) return
    const message = 'Standard output is a terminal: raw pictures would fill it.'
    throw new MatteboxError('USAGE', message, 'Pipe it into a program, such as `mattebox matte IN - | ffplay -`.')
  }

  async write(data: Uint8Array, { pts, timeBase }: FrameTime): Promise<void> {
    const { width, height, layout } = this.spec
    const pixelAspect = this.spec.source?.info.pixelAspect
    this.nut ??= new NutWriter(this.target, { width, height, layout, timeBase, pixelAspect })
    try {
      await this.nut.write(data, pts)
    } catch (error) {
      if (error instanceof RangeError) throw error
      const message = `Standard output cannot be written: ${(error as Error).message}.`
      throw new MatteboxError('OUTPUT_UNWRITABLE', message, 'See why the program that reads it ended.', {
        cause: error,
      })
    }
  }

  complete(): Promise<void> {
    if (this.nut !== undefined) return Promise.resolve()
    const message = 'No frame was written to standard output.'
    return Promise.reject(new MatteboxError('INPUT_UNREADABLE', message, 'Check that the input holds frames.'))
  }

  commit(): void {
    // It has been read already.
  }

  finish(): Promise<void> {
    return this.complete()
  }

  abort(): Promise<void> {
    return Promise.resolve()
  }
}
