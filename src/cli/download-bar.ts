import { Presets, SingleBar } from 'cli-progress'
import { sizeText } from '../download/index.ts'

/** Where the progress of a download is shown: on a terminal; nowhere else. */
export function downloadBar(
  totalBytes: number,
  stream: NodeJS.WriteStream = process.stderr,
): {
  update(arrivedBytes: number): void
  stop(): void
} {
  if (!stream.isTTY) return { update: () => undefined, stop: () => undefined }
  let bar: SingleBar | undefined
  return {
    update(arrivedBytes) {
      const arrived = sizeText(arrivedBytes)
      if (!bar) {
        const format = `{bar} {arrived} of ${sizeText(totalBytes)}, {eta_formatted} left`
        bar = new SingleBar({ stream, format, hideCursor: true, etaBuffer: 200 }, Presets.shades_classic)
        bar.start(totalBytes, arrivedBytes, { arrived })
      }
      bar.update(arrivedBytes, { arrived })
    },
    stop() {
      bar?.stop()
    },
  }
}
