/**
 * What goes along with the pictures: sound tracks, subtitles, chapters. Seen red with `-map_metadata -1` (no titles), with
 * the first sound track only, and with the subtitles taken from the clip itself: a part had those before it, and its
 * pictures came too late.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import { openVideo } from '../../src/video/decode.ts'
import { eachFfmpeg, ffmpegs, makeMedia, scratchFolder, show } from './media-tools.ts'
import { passThrough } from './pass-through.ts'

const folder = scratchFolder()
const at = (name: string): string => join(folder, name)
const out = (name = ''): string => join(folder, 'out', name)

const CHAPTERS = `;FFMETADATA1
[CHAPTER]
TIMEBASE=1/1000
START=0
END=1000
title=Greeting
[CHAPTER]
TIMEBASE=1/1000
START=1000
END=2000
title=Farewell
`
const SUBTITLES = `1
00:00:00,200 --> 00:00:00,800
Good morning

2
00:00:01,400 --> 00:00:01,900
Good night
`

beforeAll(async () => {
  writeFileSync(at('chapters.txt'), CHAPTERS)
  writeFileSync(at('words.srt'), SUBTITLES)
  const picture = ['-f', 'lavfi', '-i', 'testsrc2=size=64x48:rate=25:duration=2']
  const tone = (hertz: number): string[] => ['-f', 'lavfi', '-i', `sine=frequency=${hertz}:duration=2`]
  const inputs = [...picture, ...tone(440), ...tone(880), '-i', at('words.srt'), '-i', at('chapters.txt')]
  const maps = ['0', '1', '2', '3'].flatMap((input) => ['-map', input])
  const h264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p']
  const named = [
    '-metadata:s:a:0',
    'language=eng',
    '-metadata:s:a:1',
    'language=spa',
    '-metadata:s:s:0',
    'language=spa',
  ]
  const kept = ['-map_chapters', '4', ...named]
  await makeMedia(at('all.mkv'), ...inputs, ...maps, ...kept, ...h264, '-c:a', 'aac', '-c:s', 'srt')
  await makeMedia(at('all.mp4'), ...inputs, ...maps, ...kept, ...h264, '-c:a', 'aac', '-c:s', 'mov_text')
  const words = [...picture, '-i', at('words.srt'), '-map', '0', '-map', '1']
  await makeMedia(at('drawn.mkv'), ...words, '-s:s', '64x48', ...h264, '-c:s', 'srt')
}, 60_000)

afterEach(() => {
  rmSync(out(), { recursive: true, force: true })
  mkdirSync(out())
})
mkdirSync(out())

interface Shown {
  readonly streams: { codec_type: string; codec_name: string; tags?: Record<string, string> }[]
  readonly chapters: { start_time: string; end_time: string; tags: { title: string } }[]
}

const shown = async (name: string): Promise<Shown> =>
  (await show(ffmpegs.at(-1)!, out(name), '-show_streams', '-show_chapters')) as Shown

/** Seconds at which a file's subtitles begin. */
async function subtitleTimes(name: string): Promise<number[]> {
  const answer = await show(ffmpegs.at(-1)!, out(name), '-select_streams', 's', '-show_packets')
  const { packets } = answer as { packets: { pts_time: string; size: string }[] }
  // MP4 has an empty subtitle where nothing is said.
  return packets.filter(({ size }) => Number(size) > 2).map(({ pts_time }) => Number(pts_time))
}

const FORMATS = [
  ['clip.mkv', 'subrip'],
  ['clip.webm', 'webvtt'],
  ['clip.mp4', 'mov_text'],
  ['clip.mov', 'mov_text'],
] as const

describe.each(eachFfmpeg)('what goes along with the pictures %s', (_, ffmpeg) => {
  const expectAll = async (input: string, name: string, codec: string): Promise<void> => {
    const { source, warnings } = await passThrough(at(input), out(name), 'bgr0', { ffmpeg, force: true })
    expect([...source.warnings, ...warnings]).toEqual([])
    const { streams, chapters } = await shown(name)
    const sound = streams.filter((stream) => stream.codec_type === 'audio')
    expect(sound.map(({ tags }) => tags?.['language'] ?? 'eng')).toEqual(['eng', 'spa'])
    const subtitles = streams.filter((stream) => stream.codec_type === 'subtitle')
    expect(subtitles.map(({ codec_name }) => codec_name)).toEqual([codec])
    expect(subtitles[0].tags?.['language']).toBe('spa')
    expect((await subtitleTimes(name)).map((time) => time.toFixed(1))).toEqual(['0.2', '1.4'])
    expect(chapters.map(({ tags }) => tags.title)).toEqual(['Greeting', 'Farewell'])
    expect(Number(chapters[1].start_time)).toBeCloseTo(1, 2)
    const again = await openVideo(out(name), { ffmpeg })
    let frames = 0
    for await (const frame of again.frames()) frames += frame.width === 64 ? 1 : 0
    expect([frames, again.damaged]).toEqual([50, false])
  }

  it.each(FORMATS)('into %s: every sound track, the subtitles as %s, the chapters', async (name, codec) => {
    await expectAll('all.mkv', name, codec)
  })

  it('from MP4, whose subtitles are of its own kind, too', async () => {
    await expectAll('all.mp4', 'clip.mkv', 'subrip')
    await expectAll('all.mp4', 'clip.mov', 'mov_text')
  })

  it.each(['clip.mkv', 'clip.mp4'])('into %s: of a part, what belongs to it, at its times', async (name) => {
    await passThrough(at('all.mkv'), out(name), 'bgr0', { ffmpeg, from: 1.2 })
    const { chapters, streams } = await shown(name)
    expect(chapters.map(({ tags }) => tags.title)).toEqual(['Farewell'])
    expect(Number(chapters[0].start_time)).toBeCloseTo(0, 2)
    expect((await subtitleTimes(name)).map((time) => time.toFixed(1))).toEqual(['0.2'])
    expect(streams.filter((stream) => stream.codec_type === 'audio')).toHaveLength(2)
  })

  it('without sound: subtitles and chapters go along all the same', async () => {
    await passThrough(at('all.mkv'), out('clip.mkv'), 'bgra', { ffmpeg, audio: false })
    const { streams, chapters } = await shown('clip.mkv')
    expect(streams.map(({ codec_type }) => codec_type)).toEqual(['video', 'subtitle'])
    expect(chapters).toHaveLength(2)
  })

  it.each(['clip.gif', 'clip.webp', 'frames'])('into %s: says what is left out', async (name) => {
    const { warnings } = await passThrough(at('all.mkv'), out(name), 'bgra', { ffmpeg, to: 0.2 })
    expect(warnings).toEqual([`${name} is without the subtitles and chapters of the input.`])
  })

  it('names subtitles that a container does not take, and why', async () => {
    const source = await openVideo(at('drawn.mkv'), { ffmpeg })
    const [stream] = source.info.subtitles
    const drawn = { ...source.info, subtitles: [{ ...stream, codec: 'dvd_subtitle', language: 'spa' }] }
    const withDrawn = { ...source, info: drawn, frames: () => source.frames() }
    const { createVideoWriter } = await import('../../src/video/encode.ts')
    const spec = { width: 64, height: 48, layout: 'bgr0', source: withDrawn } as const
    const writer = await createVideoWriter(out('clip.mp4'), spec, { ffmpeg })
    await writer.abort()
    expect(writer.warnings).toEqual([
      'clip.mp4 is without the subtitles "spa" (dvd_subtitle): .mp4 does not take them.',
    ])
    const poor = { ...ffmpeg, encoders: new Set([...ffmpeg.encoders].filter((name) => name !== 'webvtt')) }
    const other = await createVideoWriter(out('clip.webm'), { ...spec, source }, { ffmpeg: poor })
    await other.abort()
    expect(other.warnings).toEqual(['clip.webm is without the subtitles (subrip): ffmpeg lacks the encoder webvtt.'])
  })
})
