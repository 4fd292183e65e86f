import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const run = promisify(execFile)

/**
 * A clip whose every frame differs from the one before it, to be looped as a camera. 30 frames a second.
 * MPEG-4 part 2: every build of ffmpeg can write it and every OBS can read it, at little cost.
 */
export async function makeMovingClip(path: string, size = '320x180', seconds = 4): Promise<void> {
  await makeClip(path, `testsrc2=size=${size}:rate=30:duration=${seconds}`)
}

/** Half a second of opaque grey, for a stinger transition. */
export async function makeStingerClip(path: string): Promise<void> {
  await makeClip(path, 'color=c=gray:size=320x180:rate=30:duration=0.5')
}

async function makeClip(path: string, picture: string): Promise<void> {
  const input = ['-f', 'lavfi', '-i', picture]
  await run('ffmpeg', ['-v', 'error', '-y', ...input, '-c:v', 'mpeg4', '-q:v', '4', '-pix_fmt', 'yuv420p', path])
}
