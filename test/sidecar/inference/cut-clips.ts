import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { findFfmpeg } from '../../../src/video/find-ffmpeg.ts'

const run = promisify(execFile)

/** All clips of the shared data, by name. */
export const CLIPS = [
  'enter-leave',
  'enter-leave-composite',
  'gt-head-moving-background',
  'gt-head-static-room',
  'mask-dance-twirl',
  'mask-parkour',
  'real-desk-woman',
  'real-juggle-fullbody',
  'real-street-interview',
  'real-talk-portrait',
  'real-three-dancers',
  'real-webcam-man',
  'real-webcam-woman',
] as const

/** Two people in the same office: a change of people in the same place is no cut for the detector. */
export const SAME_OFFICE = ['real-webcam-man', 'real-webcam-woman'] as const

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
