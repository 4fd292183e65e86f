import { createVideoWriter, type WriterOptions } from '../../src/video/encode.ts'
import { openVideo, type OpenOptions, type VideoSource } from '../../src/video/decode.ts'
import type { PixelLayout } from '../../src/video/nut-format.ts'
import type { AudioPlan } from '../../src/video/output-format.ts'

/** Copies the frames of a clip into an output, without a network between: what `matte` does at both of its ends. */
export async function passThrough(
  input: string,
  output: string,
  layout: PixelLayout,
  options: OpenOptions & WriterOptions & { audio?: boolean } = {},
): Promise<{ source: VideoSource; frames: number; audio: AudioPlan; warnings: readonly string[] }> {
  const source = await openVideo(input, { ...options, layout: layout === 'gray' ? 'gray' : 'bgra' })
  const { width, height } = source.info
  const writer = await createVideoWriter(
    output,
    { width, height, layout, source, audio: options.audio ?? true },
    options,
  )
  let frames = 0
  try {
    for await (const frame of source.frames()) {
      await writer.write(frame.data, frame)
      frame.release()
      frames++
    }
    await writer.finish()
  } catch (error) {
    await writer.abort()
    throw error
  } finally {
    await source.close()
  }
  return { source, frames, audio: writer.audio, warnings: writer.warnings }
}
