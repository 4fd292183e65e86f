import { Presets, SingleBar } from 'cli-progress'
import type { Progress } from '../video/matte-video.ts'

/** Where a progress is shown: frames, frames a second and time left on a terminal; nothing elsewhere. */
export function progressBar(stream: NodeJS.WriteStream = process.stderr): {
  update(progress: Progress): void
  stop(): void
} {
  if (!stream.isTTY) return { update: () => undefined, stop: () => undefined }
  let bar: SingleBar | undefined
  let start = 0
  return {
    update({ frames, total }) {
      if (!bar) {
        start = performance.now()
        bar = new SingleBar(
          {
            stream,
            format: total
              ? '{bar} {value}/{total} frames, {fps} fps, {eta_formatted} left'
              : '{value} frames, {fps} fps',
            hideCursor: true,
            etaBuffer: 60,
          },
          Presets.shades_classic,
        )
        bar.start(total ?? 0, 0, { fps: '–' })
      }
      const seconds = (performance.now() - start) / 1000
      if (total !== undefined && frames > total) bar.setTotal(frames)
      bar.update(frames, { fps: seconds > 0.5 ? (frames / seconds).toFixed(1) : '–' })
    },
    stop() {
      bar?.stop()
    },
  }
}
