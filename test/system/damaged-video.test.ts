/**
 * Reliability row 11: a damaged video gives a message, or the frames that can be read; never a hang, never a
 * half-written output. Seen red with `PartialOutput.discard` doing nothing.
 *
 * 60 files here; 500 with MATTEBOX_FULL=1.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { extname, join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { MatteboxError } from '../../src/errors/index.ts'
import type { PixelLayout } from '../../src/video/nut-format.ts'
import { eachFfmpeg, makeMedia, scratchFolder } from '../video/media-tools.ts'
import { passThrough } from '../video/pass-through.ts'

const folder = scratchFolder()
const at = (name: string): string => join(folder, name)
const FILES = process.env['MATTEBOX_FULL'] === '1' ? 500 : 60
/** Far above what any of the small files takes: reached only by a hang. */
const LIMIT_MS = 60_000

const video = ['-f', 'lavfi', '-i', 'testsrc=size=160x120:rate=25:duration=2']
const sound = ['-f', 'lavfi', '-i', 'sine=duration=2']
const h264 = ['-c:v', 'libx264', '-pix_fmt', 'yuv420p', '-g', '12']
const HDR = [
  '-pix_fmt',
  'yuv420p10le',
  '-color_trc',
  'smpte2084',
  '-color_primaries',
  'bt2020',
  '-colorspace',
  'bt2020nc',
]
/** Two sound tracks, subtitles and chapters. */
const captions = [
  ...[...video, ...sound, ...sound, '-i', at('words.srt'), '-i', at('chapters.txt'), '-map_chapters', '4'],
  ...['0', '1', '2', '3'].flatMap((input) => ['-map', input]),
]
const SOURCES: Readonly<Record<string, readonly string[]>> = {
  'h264-aac.mp4': [...video, ...sound, ...h264, '-c:a', 'aac'],
  'faststart.mp4': [...video, ...h264, '-movflags', '+faststart'],
  'vp9-alpha-opus.webm': [...video, ...sound, '-c:v', 'libvpx-vp9', '-deadline', 'realtime', '-pix_fmt', 'yuva420p'],
  'h264-mp3.mkv': [...video, ...sound, ...h264, '-c:a', 'libmp3lame'],
  'ffv1.mkv': [...video, '-c:v', 'ffv1', '-level', '3', '-frames:v', '15'],
  'h264.ts': [...video, ...sound, ...h264, '-c:a', 'aac'],
  'mpeg4.avi': [...video, ...sound, '-c:v', 'mpeg4', '-c:a', 'libmp3lame'],
  'animation.gif': [...video, '-frames:v', '12'],
  'picture.png': [...video, '-frames:v', '1'],
  'picture.jpg': [...video, '-frames:v', '1'],
  'hdr.mp4': [...video, '-c:v', 'libx265', '-x265-params', 'log-level=error', ...HDR],
  'interlaced.ts': [...video, '-c:v', 'mpeg2video', '-vf', 'interlace', '-flags', '+ilme+ildct'],
  'prores-alpha.mov': [
    ...video,
    '-frames:v',
    '10',
    '-c:v',
    'prores_ks',
    '-profile:v',
    '4444',
    '-pix_fmt',
    'yuva444p10le',
  ],
  'captions.mkv': [...captions, ...h264, '-c:s', 'srt'],
  'captions.mp4': [...captions, ...h264, '-c:a', 'aac', '-c:s', 'mov_text'],
}
const OUTPUTS: readonly (readonly [string, PixelLayout])[] = [
  ['out.mkv', 'bgra'],
  ['out.webm', 'bgra'],
  ['out.mov', 'bgra'],
  ['out.mp4', 'bgr0'],
  ['out.gif', 'bgra'],
  ['out.webp', 'bgra'],
  ['frames', 'bgra'],
]

/** A random sequence that is the same in every run: a failure can be looked at again by its number. */
function randomFrom(seed: number): (below: number) => number {
  let state = (seed * 2654435761 + 1) % 2147483647 || 1
  return (below) => (state = (state * 48271) % 2147483647) % below
}

/** Damage as disks, downloads and fuzzers do it: cut off, bytes changed, a piece zeroed, removed or doubled. */
function damaged(whole: Buffer, random: (below: number) => number): Buffer {
  const begin = random(whole.length)
  const end = Math.min(whole.length, begin + 1 + random(Math.ceil(whole.length / 4)))
  const copy = Buffer.from(whole)
  switch (random(6)) {
    case 0:
      return copy.subarray(0, begin)
    case 1: // the headers
      for (let n = 0; n <= random(20); n++) copy[random(Math.min(2000, copy.length))] = random(256)
      return copy
    case 2:
      for (let n = 0; n <= random(200); n++) copy[random(copy.length)] = random(256)
      return copy
    case 3:
      return copy.fill(0, begin, end)
    case 4:
      return Buffer.concat([copy.subarray(0, begin), copy.subarray(end)])
    default:
      return Buffer.concat([copy.subarray(0, end), copy.subarray(begin)])
  }
}

beforeAll(async () => {
  writeFileSync(at('words.srt'), '1\n00:00:00,200 --> 00:00:00,800\nYes\n\n2\n00:00:01,200 --> 00:00:01,800\nNo\n')
  const chapter = (start: number): string =>
    `[CHAPTER]\nTIMEBASE=1/1000\nSTART=${start}\nEND=${start + 1000}\ntitle=Part\n`
  writeFileSync(at('chapters.txt'), `;FFMETADATA1\n${chapter(0)}${chapter(1000)}`)
  for (const [name, args] of Object.entries(SOURCES)) await makeMedia(at(name), ...args)
})

describe.each(eachFfmpeg)(`${FILES} damaged files %s`, (_, ffmpeg) => {
  it(
    'give a message or the frames that can be read, in bounded time, and leave nothing half-written',
    async () => {
      const names = Object.keys(SOURCES)
      const count = { refused: 0, partly: 0, whole: 0 }
      for (let number = 0; number < FILES; number++) {
        const random = randomFrom(number)
        const name = names[number % names.length]
        const work = at(`work-${number}`)
        const input = at(`damaged-${number}${extname(name)}`)
        writeFileSync(input, damaged(readFileSync(at(name)), random))
        mkdirSync(work)
        const [output, layout] = OUTPUTS[number % OUTPUTS.length]
        const label = `number ${number}: ${name} into ${output}`
        const began = performance.now()
        try {
          const { source, frames } = await passThrough(input, join(work, output), layout, { ffmpeg, stallMs: 20_000 })
          expect(frames, label).toBeGreaterThan(0)
          expect(readdirSync(work), label).toEqual([output])
          if (source.damaged) expect(source.warnings.join(' '), label).toMatch(/frames could be read/)
          count[source.damaged ? 'partly' : 'whole']++
        } catch (error) {
          if (!(error instanceof MatteboxError)) throw new Error(label, { cause: error })
          expect(error.message, label).toMatch(/^.{10,700}$/)
          expect(error.mend, label).not.toBe('')
          expect(error.exitCode, label).toBeGreaterThan(0)
          expect(readdirSync(work), label).toEqual([])
          count.refused++
        }
        expect(performance.now() - began, label).toBeLessThan(LIMIT_MS)
        rmSync(work, { recursive: true })
        rmSync(input)
      }
      console.log(`${FILES} damaged files: ${JSON.stringify(count)}`)
      expect(count.refused).toBeGreaterThan(FILES / 20)
      expect(count.partly).toBeGreaterThan(FILES / 20)
    },
    FILES * 6_000,
  )
})
