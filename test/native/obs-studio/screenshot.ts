import { spawnSync } from 'node:child_process'
import type { ObsStudio } from './obs-studio.ts'

/** A picture of what OBS makes of a source or scene, with its alpha. */
export class Screenshot {
  private constructor(
    readonly width: number,
    readonly height: number,
    /** uint8 [height, width, 4]. */
    readonly rgba: Uint8Array,
  ) {}

  /** Colours of a source's picture are premultiplied by OBS. */
  static async of(obs: Pick<ObsStudio, 'call'>, sourceName: string, width = 320, height = 180): Promise<Screenshot> {
    const request = { sourceName, imageFormat: 'png', imageWidth: width, imageHeight: height }
    const { imageData } = await obs.call('GetSourceScreenshot', request)
    const png = Buffer.from(imageData.slice(imageData.indexOf(',') + 1), 'base64')
    const decoder = ['-v', 'error', '-f', 'png_pipe', '-i', '-', '-f', 'rawvideo', '-pix_fmt', 'rgba', '-']
    const decoded = spawnSync('ffmpeg', decoder, { input: png, maxBuffer: 64e6 })
    if (decoded.stdout.length !== width * height * 4)
      throw new Error(`ffmpeg could not decode a screenshot: ${decoded.stderr.toString()}`)
    return new Screenshot(width, height, decoded.stdout)
  }

  /** Red, green, blue, alpha in 0..255; x and y in 0..1 of the picture. */
  at(x: number, y: number): number[] {
    const column = Math.min(this.width - 1, Math.floor(x * this.width))
    const row = Math.min(this.height - 1, Math.floor(y * this.height))
    return [...this.rgba.subarray((row * this.width + column) * 4, (row * this.width + column) * 4 + 4)]
  }
}
