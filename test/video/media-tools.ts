import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll } from 'vitest'
import { findFfmpeg, type Ffmpeg } from '../../src/video/find-ffmpeg.ts'

const run = promisify(execFile)

/**
 * The ffmpegs of this machine, by where they come from: the system's, if there is one, and the one of the npm packages,
 * where there is one for this platform. Every feature must work with each.
 */
export const ffmpegs: readonly Ffmpeg[] = await findAll()

async function findAll(): Promise<Ffmpeg[]> {
  const env = { ...process.env, MATTEBOX_FFMPEG: '', MATTEBOX_FFPROBE: '' }
  const found = await Promise.allSettled([findFfmpeg({ ...env, PATH: '' }), findFfmpeg(env)])
  const all = found.filter((result) => result.status === 'fulfilled').map((result) => result.value)
  return all.filter((one, at) => all.findIndex((other) => other.ffmpeg.path === one.ffmpeg.path) === at)
}

/** Titles for `describe.each`. */
export const eachFfmpeg: readonly (readonly [string, Ffmpeg])[] = ffmpegs.map((one) => [
  `with ffmpeg ${one.ffmpeg.version} (${one.ffmpeg.origin})`,
  one,
])

/** A folder for the files of one test file, removed at its end. */
export function scratchFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'mattebox-video-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Makes a file with ffmpeg: always the same one, so that the files do not differ between the ffmpegs under test. */
export async function makeMedia(file: string, ...args: string[]): Promise<string> {
  await run(ffmpegs[0].ffmpeg.path, ['-v', 'error', '-y', ...args, '-strict', '-2', file])
  return file
}

/** Runs ffprobe on a file and answers its JSON. */
export async function show(ffmpeg: Ffmpeg, file: string, ...what: string[]): Promise<unknown> {
  const { stdout } = await run(ffmpeg.ffprobe.path, ['-v', 'error', '-of', 'json', ...what, file])
  return JSON.parse(stdout)
}

/** Times of a file's video packets in seconds, in order of showing. */
export async function frameTimes(ffmpeg: Ffmpeg, file: string): Promise<number[]> {
  const answer = await show(ffmpeg, file, '-select_streams', 'v:0', '-show_entries', 'packet=pts_time')
  const { packets } = answer as { packets: { pts_time: string }[] }
  return packets.map((packet) => Number(packet.pts_time)).sort((a, b) => a - b)
}
