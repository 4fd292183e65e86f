/**
 * A clip of the shared data with fast motion, as raw frames and as a file that OBS plays without changing a pixel.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createShrinker } from '../../../src/video/shrink.ts'
import { decodeClip } from '../../sidecar/inference/cut-clips.ts'

/** A dancer who turns: the outline is another one in every frame. */
const CLIP = 'mask-dance-twirl'

export const WIDTH = 640
export const HEIGHT = 360

export class MovingClip implements Disposable {
  private readonly folder = mkdtempSync(join(tmpdir(), 'moving-clip-'))
  private readonly shrunken = new Map<string, readonly Uint8Array[]>()

  /** @param frames - uint8 [360, 640, 4] BGRA, each */
  private constructor(readonly frames: readonly Uint8Array[]) {}

  static async open(shared: string): Promise<MovingClip> {
    return new MovingClip((await decodeClip(shared, CLIP, WIDTH, HEIGHT)).frames)
  }

  /** Writes the frames, one after the other, for the host's source `clip`; returns the path. */
  writeRaw(): string {
    const path = join(this.folder, 'clip.bgra')
    writeFileSync(path, Buffer.concat(this.frames))
    return path
  }

  /** Writes a clip for OBS's media source: uncompressed, so that OBS shows these very bytes. */
  writeVideo(path: string, fps: number): void {
    const raw = ['-f', 'rawvideo', '-pix_fmt', 'bgra', '-s', `${WIDTH}x${HEIGHT}`, '-r', String(fps), '-i', 'pipe:0']
    execFileSync('ffmpeg', ['-v', 'error', '-y', ...raw, '-c', 'copy', '-f', 'nut', path], {
      input: Buffer.concat(this.frames),
    })
  }

  /**
   * The frame that a low-resolution frame was made from.
   *
   * @returns its place in the clip, and the mean difference of the bytes, 0..255, from this clip's frame made small
   */
  find(low: Uint8Array, width: number, height: number): { readonly place: number; readonly difference: number } {
    const candidates = this.small(width, height).map((small) => meanDifference(low, small, 13))
    const place = candidates.indexOf(Math.min(...candidates))
    return { place, difference: meanDifference(low, this.small(width, height)[place], 1) }
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true })
  }

  private small(width: number, height: number): readonly Uint8Array[] {
    const key = `${width}x${height}`
    let found = this.shrunken.get(key)
    if (found === undefined) {
      const shrink = createShrinker(WIDTH, HEIGHT, width, height)
      found = this.frames.map((frame) => {
        const small = new Uint8Array(width * height * 4)
        shrink(frame, small)
        return small
      })
      this.shrunken.set(key, found)
    }
    return found
  }
}

/** @param step - looks at every so manieth byte */
function meanDifference(one: Uint8Array, other: Uint8Array, step: number): number {
  let sum = 0
  for (let at = 0; at < one.length; at += step) sum += Math.abs(one[at] - other[at])
  return sum / Math.ceil(one.length / step)
}
