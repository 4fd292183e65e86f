import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { findFfmpeg } from '../../../src/video/find-ffmpeg.ts'

const run = promisify(execFile)

/**
 * The clips in two halves, every other one by name; but the two that show different people in the same office stand
 * together, so that a cut between them is among those the thresholds were chosen on.
 */
export const CHOSEN_ON = [
  'enter-leave-composite',
  'gt-head-moving-background',
  'mask-dance-twirl',
  'real-desk-woman',
  'real-webcam-man',
  'real-webcam-woman',
] as const
export const JUDGED_ON = [
  'enter-leave',
  'gt-head-static-room',
  'mask-parkour',
  'real-juggle-fullbody',
  'real-street-interview',
  'real-talk-portrait',
  'real-three-dancers',
] as const

export interface Clip {
  readonly name: string
  readonly width: number
  readonly height: number
  /** uint8 [height, width, 4], BGRA, each. */
  readonly frames: readonly Uint8Array[]
}

/** A clip of the shared data, stretched into one size by area averaging as the network's input is. */
export async function decodeClip(shared: string, name: string, width: number, height: number): Promise<Clip> {
  const { ffmpeg } = await findFfmpeg()
  const file = join(shared, 'data', 'clips', `${name}.mp4`)
  const filter = `scale=${width}:${height}:flags=area`
  const { stdout } = await run(
    ffmpeg.path,
    ['-v', 'error', '-i', file, '-vf', filter, '-f', 'rawvideo', '-pix_fmt', 'bgra', 'pipe:1'],
    { encoding: 'buffer', maxBuffer: 2 ** 30 },
  )
  const size = width * height * 4
  const frames = Array.from({ length: stdout.length / size }, (_, i) => stdout.subarray(i * size, (i + 1) * size))
  return { name, width, height, frames }
}
