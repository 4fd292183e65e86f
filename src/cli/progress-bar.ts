import { Presets, SingleBar } from 'cli-progress'
import type { Progress } from '../video/matte-video.ts'

export interface ProgressBar {
  /** @param label - what is being worked on, where there are several */
  update(progress: Progress, label?: string): void
  stop(): void
}

/** Where a progress is shown: frames, frames a second and time left on a terminal; nothing elsewhere. */
export function progressBar(stream: NodeJS.WriteStream = process.stderr): ProgressBar {
  if (!stream.isTTY) return { update: () => undefined, stop: () => undefined }
  let bar: SingleBar | undefined
  let start = 0
  return {
    update({ frames, total }, label = '') {
      if (!bar) {
        start = performance.now()
        bar = new SingleBar(
          {
            stream,
            format: total
              ? '{label}{bar} {value}/{total} frames, {fps} fps, {eta_formatted} left'
              : '{label}{value} frames, {fps} fps',
            hideCursor: true,
            etaBuffer: 60,
          },
          Presets.shades_classic,
        )
        bar.start(total ?? 0, 0, { fps: '–', label })
      }
      const seconds = (performance.now() - start) / 1000
      if (total !== undefined) bar.setTotal(Math.max(total, frames))
      bar.update(frames, { fps: seconds > 0.5 ? (frames / seconds).toFixed(1) : '–', label })
    },
    stop() {
      bar?.stop()
    },
  }
}
