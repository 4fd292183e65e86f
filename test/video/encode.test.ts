/**
 * Every output, read back as other programs see it. Seen red, among others, without `clearBetweenFrames` (GIF) and with
 * BT.601's matrix in the filters.
 */
import { execFile, execFileSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { basename, join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { MatteboxError } from '../../src/errors/index.ts'
import { openVideo } from '../../src/video/decode.ts'
import { createVideoWriter, type VideoWriter, type WriterOptions, type WriterSpec } from '../../src/video/encode.ts'
import type { Ffmpeg } from '../../src/video/find-ffmpeg.ts'
import type { PixelLayout } from '../../src/video/nut-format.ts'
import { partialOf } from '../../src/video/partial-output.ts'
import { eachFfmpeg, ffmpegs, frameTimes, makeMedia, scratchFolder, show } from './media-tools.ts'
import { passThrough } from './pass-through.ts'
import { readBack } from './read-back.ts'

const run = promisify(execFile)
const folder = scratchFolder()
const at = (name: string): string => join(folder, name)
/** Outputs go into a folder of their own: what is left in it afterwards is all that was left behind. */
const out = (name = ''): string => join(folder, 'out', name)
const timeBase = { num: 1, den: 90000 }
const [WIDTH, HEIGHT] = [64, 48]

/** What may differ: of alpha, and of colours the most and on average. */
const exact = [0, 0, 0] as const
const OUTPUTS: readonly (readonly [string, PixelLayout, readonly [number, number, number]])[] = [
  ['clip.webm', 'bgra', [6, 14, 2]],
  ['clip.webm', 'bgr0', [0, 14, 2]],
  ['clip.webm', 'gray', [0, 14, 2]],
  // ProRes keeps alpha without loss; ffmpeg rounds it as it makes 8 bits of 12.
  ['clip.mov', 'bgra', [1, 3, 0.7]],
  ['clip.mov', 'bgr0', [0, 3, 0.7]],
  ['clip.mov', 'gray', [0, 3, 0.7]],
  ['clip.mkv', 'bgra', exact],
  ['clip.mkv', 'bgr0', exact],
  ['clip.mkv', 'gray', exact],
  ['clip.mp4', 'bgr0', [0, 14, 2]],
  ['clip.mp4', 'gray', [0, 14, 2]],
  // ffmpeg of 2018 misses the colour of single pixels at the rim.
  ['clip.gif', 'bgra', [128, 80, 6]],
  ['clip.gif', 'bgr0', [0, 24, 6]],
  // libwebp leaves what hardly changes as it was in the picture before.
  ['clip.webp', 'bgra', [6, 24, 6]],
  ['clip.webp', 'gray', [0, 24, 6]],
  ['frames', 'bgra', exact],
  ['frames', 'bgr0', exact],
  ['frames', 'gray', exact],
  ['picture.png', 'bgra', exact],
  ['picture.png', 'gray', exact],
]
/** Each format once, as it is used most: what happens to the file does not depend on its pictures. */
const FORMATS = OUTPUTS.filter(([name], index) => OUTPUTS.findIndex(([other]) => other === name) === index)

/** A frame of smooth colours and, for BGRA, alpha that rises from left to right; changes a little with n. */
function picture(layout: PixelLayout, n = 0, width = WIDTH, height = HEIGHT): Uint8Array {
  const channels = layout === 'gray' ? 1 : 4
  const data = new Uint8Array(width * height * channels)
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const values = [40 + 2 * x + n, 60 + 3 * y, 200 - 2 * x + n, layout === 'bgra' ? Math.min(255, x * 4) : 255]
      for (let c = 0; c < channels; c++) data[(y * width + x) * channels + c] = values[c]!
    }
  }
  return data
}

/** Pixels of a layout as a reader of BGRA gives them. */
function asBgra(data: Uint8Array, layout: PixelLayout): Uint8Array {
  if (layout !== 'gray') return data
  return Uint8Array.from({ length: data.length * 4 }, (_, i) => (i % 4 === 3 ? 255 : data[i >> 2]))
}

beforeAll(async () => {
  // A white flash and a beep begin together at 2.0 s.
  const flash = "color=black:size=64x48:rate=25:duration=4,format=gray,geq=lum='if(between(N,50,54),255,0)'"
  const beep = "aevalsrc='if(between(t,2,2.2),0.8*sin(2*PI*1000*t),0)':s=48000:d=4"
  const both = [
    '-f',
    'lavfi',
    '-i',
    flash,
    '-f',
    'lavfi',
    '-i',
    beep,
    '-c:v',
    'libx264',
    '-pix_fmt',
    'yuv420p',
    '-g',
    '10',
  ]
  await makeMedia(at('aac.mp4'), ...both, '-c:a', 'aac')
  await makeMedia(at('opus.mkv'), ...both, '-c:a', 'libopus')
  await makeMedia(at('pcm.mkv'), ...both, '-c:a', 'pcm_s16le')
  await makeMedia(at('aac.ts'), ...both, '-c:a', 'aac')
  await makeMedia(at('wma.mkv'), ...both, '-c:a', 'wmav2')
  // The sound begins at 0, the pictures at 0.5 s.
  const laterBeep = beep.replaceAll('2.2', '2.7').replace('t,2,', 't,2.5,').replace('d=4', 'd=4.5')
  const late = ['-itsoffset', '0.5', '-f', 'lavfi', '-i', flash, '-f', 'lavfi', '-i', laterBeep]
  await makeMedia(at('late.mkv'), ...late, '-c:v', 'libx264', '-pix_fmt', 'yuv420p', '-c:a', 'aac')
  await makeMedia(at('silent.mp4'), '-f', 'lavfi', '-i', flash, '-c:v', 'libx264', '-pix_fmt', 'yuv420p')
})

afterEach(() => {
  rmSync(out(), { recursive: true, force: true })
  mkdirSync(out())
})
mkdirSync(out())

describe.each(eachFfmpeg)('writing a video %s', (_, ffmpeg) => {
  const create = (name: string, spec: Partial<WriterSpec> = {}, options: WriterOptions = {}): Promise<VideoWriter> =>
    createVideoWriter(out(name), { width: WIDTH, height: HEIGHT, layout: 'bgra', ...spec }, { ffmpeg, ...options })
  const refusal = (work: Promise<unknown>): Promise<MatteboxError> =>
    work.then(
      () => expect.unreachable('no error'),
      (error: unknown) => error as MatteboxError,
    )
  /** Writes frames until that fails, at most so many. */
  const writeMany = async (writer: VideoWriter, layout: PixelLayout, frames: number): Promise<void> => {
    let seed = 1
    for (let n = 0; n < frames; n++) {
      const noise = picture(layout).map(() => (seed = (seed * 48271) % 2147483647) & 255)
      await writer.write(noise, { pts: n * 3600, timeBase })
    }
    await writer.finish()
  }

  it.each(OUTPUTS)('%s from %s: the pictures come back', async (name, layout, tolerance) => {
    const writer = await create(name, { layout })
    expect(existsSync(out(name))).toBe(false)
    const count = name.endsWith('.png') ? 1 : 5
    for (let n = 0; n < count; n++) await writer.write(picture(layout, 8 * n), { pts: n * 3600, timeBase })
    await writer.finish()
    expect(readdirSync(out())).toEqual([name])

    const read = await readBack(out(name))
    expect([read.width, read.height]).toEqual([WIDTH, HEIGHT])
    expect(read.pictures).toHaveLength(count)
    if (read.times.length > 0) {
      expect(read.times.map((time) => Math.round(time * 1000))).toEqual([0, 40, 80, 120, 160])
    }
    const [ofAlpha, most, onAverage] = tolerance
    for (const [n, got] of read.pictures.entries()) {
      const wanted = asBgra(picture(layout, 8 * n), layout)
      let [worstAlpha, worst, sum, compared] = [0, 0, 0, 0]
      for (let i = 0; i < wanted.length; i++) {
        if (i % 4 === 3) {
          worstAlpha = Math.max(worstAlpha, Math.abs(got[i] - wanted[i]))
          continue
        }
        // As it is seen: where alpha is small the colour has little meaning.
        const weight = most > 0 ? Math.min(wanted[i | 3], got[i | 3]) / 255 : 1
        const difference = weight * Math.abs(got[i] - wanted[i])
        worst = Math.max(worst, difference)
        sum += difference
        compared++
      }
      expect(worstAlpha).toBeLessThanOrEqual(ofAlpha)
      expect(worst).toBeLessThanOrEqual(most)
      expect(sum / compared).toBeLessThanOrEqual(onAverage)
    }
  })

  it.each(FORMATS.filter(([name]) => /webm|mov|mkv|gif|webp|frames/.test(name)))(
    '%s: what was opaque and is not any more leaves no trace',
    async (name) => {
      const writer = await create(name)
      for (let n = 0; n < 4; n++) {
        // An opaque bar that walks over nothing.
        const frame = picture('bgra').map((value, i) => {
          if (i % 4 !== 3) return value
          const x = (i >> 2) % WIDTH
          return x >= n * 16 && x < n * 16 + 16 ? 255 : 0
        })
        await writer.write(frame, { pts: n * 3600, timeBase })
      }
      await writer.finish()
      const { pictures } = await readBack(out(name))
      const middles = [8, 24, 40, 56].map((x) => (24 * WIDTH + x) * 4 + 3)
      const seen = pictures.map((frame) => middles.map((at) => Math.round(frame[at] / 255)))
      expect(seen).toEqual([0, 1, 2, 3].map((n) => [0, 1, 2, 3].map((bar) => (bar === n ? 1 : 0))))
    },
  )

  it('names the frames of a folder from 1', async () => {
    await writeMany(await create('frames'), 'bgra', 3)
    expect(readdirSync(out('frames'))).toEqual(['frame-000001.png', 'frame-000002.png', 'frame-000003.png'])
  })

  it.each([
    ['clip.webm', 'bgra', 'vp9', 'yuv420p', 'bt709'],
    ['clip.mov', 'bgra', 'prores', /^yuva444p1[02]le$/, 'bt709'],
    ['clip.mov', 'bgr0', 'prores', /^yuv444p1[02]le$/, 'bt709'],
    ['clip.mp4', 'bgr0', 'h264', 'yuv420p', 'bt709'],
    ['clip.mkv', 'bgra', 'ffv1', 'bgra', 'gbr'],
    ['clip.mkv', 'bgr0', 'ffv1', 'bgr0', 'gbr'],
    ['clip.mkv', 'gray', 'ffv1', 'gray', undefined],
  ] as const)('tags %s (%s) with what it holds', async (name, layout, codec, pixels, matrix) => {
    const colour = { matrix: 'bt601', range: 'limited', primaries: 'smpte170m', transfer: undefined } as const
    const { info } = await openVideo(at('silent.mp4'), { ffmpeg })
    const source = { info: { ...info, colour }, range: { from: 0, to: undefined } }
    await writeMany(await create(name, { layout, source }), layout, 2)
    // Older ffprobe does not know that ProRes is of limited range.
    const { streams } = (await show(ffmpegs.at(-1)!, out(name), '-show_streams')) as {
      streams: Record<string, unknown>[]
    }
    expect(streams).toHaveLength(1)
    expect(streams[0]).toMatchObject({
      codec_name: codec,
      pix_fmt: expect.stringMatching(pixels) as string,
      color_range: matrix === 'bt709' ? 'tv' : 'pc',
    })
    if (layout !== 'gray') {
      expect(streams[0]).toMatchObject({
        color_space: matrix,
        color_primaries: 'smpte170m',
        color_transfer: 'bt709',
      })
    }
    if (codec === 'prores') expect(streams[0]).toMatchObject({ codec_tag_string: 'ap4h', profile: '4444' })
    if (codec === 'vp9') expect(JSON.stringify(streams[0]['tags'])).toMatch(/"alpha_mode":"1"/i)
  })

  it.each([
    ['clip.webm', 'bgra', 0.001],
    ['clip.mkv', 'bgra', 0.001],
    ['clip.mov', 'bgra', 0.0001],
    ['clip.mp4', 'bgr0', 0.0001],
  ] as const)('keeps the times of a variable frame rate in %s', async (name, layout, precision) => {
    const times = [0, 3003, 6006, 45000, 45900, 90000, 180000, 180900].map((pts) => pts + 27000)
    const writer = await create(name, { layout })
    for (const [n, pts] of times.entries()) await writer.write(picture(layout, n), { pts, timeBase })
    await writer.finish()
    const written = await frameTimes(ffmpeg, out(name))
    expect(written).toHaveLength(times.length)
    for (const [n, time] of written.entries()) {
      expect(Math.abs(time - times[n] / 90000)).toBeLessThanOrEqual(precision / 2 + 1e-9)
    }
    for (const each of ffmpegs) {
      const counted = await show(each, out(name), '-count_frames', '-show_entries', 'stream=nb_read_frames')
      expect(counted).toMatchObject({ streams: [{ nb_read_frames: String(times.length) }] })
    }
  })

  it.each([
    ['clip.webm', 'bgra'],
    ['clip.mov', 'bgra'],
    ['clip.mkv', 'bgra'],
    ['clip.mp4', 'bgr0'],
    ['clip.gif', 'bgra'],
  ] as const)('says the rate of a constant one in %s', async (name, layout) => {
    const writer = await create(name, { layout })
    for (let n = 0; n < 10; n++) await writer.write(picture(layout, 8 * n), { pts: n * 3600, timeBase })
    await writer.finish()
    const { streams } = (await show(ffmpeg, out(name), '-show_streams')) as { streams: [{ avg_frame_rate: string }] }
    const [num, den] = streams[0].avg_frame_rate.split('/').map(Number)
    expect(Math.abs(num / den - 25)).toBeLessThanOrEqual(0.01)
  })

  it.each(['clip.gif', 'clip.webp'])('keeps the times of a variable frame rate in %s, from 0 on', async (name) => {
    const times = [0, 3600, 7200, 45000, 46800, 90000]
    const writer = await create(name)
    for (const [n, pts] of times.entries()) await writer.write(picture('bgra', 20 * n), { pts, timeBase })
    await writer.finish()
    const read = await readBack(out(name))
    expect(read.times.map((time) => Math.round(time * 90000))).toEqual(times)
  })

  it('leaves pictures out of a GIF that players would show slower: at most 50 a second', async () => {
    const writer = await create('clip.gif')
    for (let n = 0; n < 12; n++) await writer.write(picture('bgra', 20 * n), { pts: n * 900, timeBase })
    await writer.finish()
    const { times } = await readBack(out('clip.gif'))
    expect(times.map((time) => Math.round(time * 100))).toEqual([0, 2, 4, 6, 8, 10])
  })

  it.each([
    ['clip.webm', 'bgra'],
    ['clip.webm', 'bgr0'],
    ['clip.mkv', 'bgra'],
    ['clip.mov', 'bgra'],
    ['clip.gif', 'bgr0'],
    ['clip.webp', 'bgra'],
    ['frames', 'bgra'],
  ] as const)('writes odd sizes into %s (%s)', async (name, layout) => {
    const writer = await create(name, { width: 37, height: 21, layout })
    await writer.write(picture(layout, 0, 37, 21), { pts: 0, timeBase })
    await writer.finish()
    const { width, height, pictures } = await readBack(out(name))
    expect([width, height]).toEqual([37, 21])
    const [b, , , a] = pictures[0].subarray((10 * 37 + 30) * 4)
    expect(Math.abs(b - 100)).toBeLessThanOrEqual(6)
    if (layout === 'bgra') expect(Math.abs(a - 120)).toBeLessThanOrEqual(6)
  })

  it('doubles the edge of an odd size in .mp4, which takes even ones only, and says so', async () => {
    const writer = await create('clip.mp4', { width: 37, height: 21, layout: 'bgr0' })
    await writer.write(picture('bgr0', 0, 37, 21), { pts: 0, timeBase })
    await writer.finish()
    expect(writer.warnings).toEqual(['clip.mp4 is 38x22, not 37x21: H.264 takes even sizes only, the edge is doubled.'])
    const { width, height, pictures } = await readBack(out('clip.mp4'))
    expect([width, height]).toEqual([38, 22])
    const corner = pictures[0].subarray(-4)
    const wanted = picture('bgr0', 0, 37, 21).subarray(-4)
    for (let c = 0; c < 3; c++) expect(Math.abs(corner[c] - wanted[c])).toBeLessThanOrEqual(14)
  })

  it.each([
    ['clip.mp4', { layout: 'bgra' }, 'OUTPUT_UNSUPPORTED', 'no transparency', '--background'],
    ['clip.avi', {}, 'OUTPUT_UNSUPPORTED', '.avi is not written', '.webm (VP9)'],
    ['clip.constructor', {}, 'OUTPUT_UNSUPPORTED', '.constructor is not written', '.webm (VP9)'],
    ['absent/clip.webm', {}, 'OUTPUT_UNWRITABLE', 'does not exist', 'Make it first'],
  ] as const)('refuses %s with %o: %s', async (name, spec, code, reason, mend) => {
    expect(await refusal(create(name, spec))).toMatchObject({
      code,
      message: expect.stringContaining(reason) as string,
      mend: expect.stringContaining(mend) as string,
    })
    expect(readdirSync(out())).toEqual([])
  })

  it('refuses a second frame for one picture, and leaves nothing', async () => {
    const writer = await create('picture.png')
    await writer.write(picture('bgra'), { pts: 0, timeBase })
    const second = writer.write(picture('bgra'), { pts: 1, timeBase })
    expect(await refusal(second)).toMatchObject({ code: 'OUTPUT_UNSUPPORTED' })
    expect(await refusal(writer.finish())).toMatchObject({ code: 'OUTPUT_UNSUPPORTED' })
    expect(readdirSync(out())).toEqual([])
  })

  it.each(FORMATS)('%s (%s): names the encoder that the ffmpeg lacks, and what it can write', async (name, layout) => {
    const poor: Ffmpeg = { ...ffmpeg, encoders: new Set(name === 'clip.webm' ? ['ffv1'] : ['libvpx-vp9']) }
    const error = await refusal(create(name, { layout }, { ffmpeg: poor }))
    expect(error).toMatchObject({
      code: 'FFMPEG_MISSING',
      message: expect.stringMatching(`${name} needs the encoder [a-z0-9_-]+; .*ffmpeg.* lacks it`) as string,
      mend: `Install an ffmpeg that has it, or name another output: ${name === 'clip.webm' ? '.mkv' : '.webm'}.`,
    })
    expect(readdirSync(out())).toEqual([])
  })

  it('names the encoder that the sound wants', async () => {
    const source = await openVideo(at('aac.mp4'), { ffmpeg })
    const poor: Ffmpeg = { ...ffmpeg, encoders: new Set(['libvpx-vp9']) }
    expect(await refusal(create('clip.webm', { source }, { ffmpeg: poor }))).toMatchObject({
      code: 'FFMPEG_MISSING',
      message: expect.stringContaining('libopus') as string,
      mend: expect.stringContaining('--no-audio') as string,
    })
  })

  it.each([
    ['clip.webm', 'bgra'],
    ['clip.mov', 'bgra'],
    ['clip.mp4', 'bgr0'],
    ['clip.gif', 'bgr0'],
    ['clip.webp', 'bgra'],
  ] as const)('gives %s (%s) more bytes and fewer faults with a higher quality', async (name, layout) => {
    const results = []
    for (const quality of [10, 90]) {
      const writer = await create(name, { layout }, { quality, force: true })
      // Noise on smooth colours, opaque: what costs bytes.
      const frames = [0, 1, 2].map((n) => noisy(picture(layout, 40 * n).map((v, i) => (i % 4 === 3 ? 255 : v))))
      for (const [n, frame] of frames.entries()) await writer.write(frame, { pts: n * 3600, timeBase })
      await writer.finish()
      const { pictures } = await readBack(out(name))
      const faults = pictures.map((got, n) => got.reduce((sum, v, i) => sum + Math.abs(v - frames[n][i]) ** 2, 0))
      results.push({ bytes: statSync(out(name)).size, fault: faults.reduce((sum, fault) => sum + fault) })
    }
    expect(results.map(({ bytes }) => bytes)).toSatisfy(isAscending)
    expect(results.map(({ fault }) => -fault)).toSatisfy(isAscending)
  })

  it.each([
    ['4.2', true],
    ['6.1.1-3ubuntu5', true],
    ['N-47683-g0e8eb07980-static', true],
    ['7.0', false],
    ['n7.1', false],
    ['8.0.1', false],
    ['N-113848-g2b17a74df5', false],
  ])('says of ffmpeg %s whether its ProRes may show as opaque on newer Macs: %s', async (version, is) => {
    const named = { ...ffmpeg, ffmpeg: { ...ffmpeg.ffmpeg, version } }
    for (const layout of ['bgra', 'bgr0'] as const) {
      const writer = await create('clip.mov', { layout }, { ffmpeg: named })
      await writer.abort()
      expect(writer.warnings.join().includes('newer Macs')).toBe(is && layout === 'bgra')
    }
  })

  it.each(['clip.mkv', 'frames', 'picture.png'])('says that %s is lossless whatever the quality', async (name) => {
    const writer = await create(name, {}, { quality: 50 })
    await writer.abort()
    expect(writer.warnings).toEqual([`${name} is lossless: --quality changes nothing.`])
  })

  describe('an output that is there already', () => {
    it.each(FORMATS)('%s (%s) stays untouched without --force, and is replaced with it', async (name, layout) => {
      await writeMany(await create(name, { layout }), layout, 1)
      const content = (): string =>
        execFileSync('find', [out(name), '-type', 'f', '-exec', 'md5sum', '{}', ';']).toString()
      const before = content()
      expect(await refusal(create(name, { layout }))).toMatchObject({
        code: 'OUTPUT_EXISTS',
        mend: 'Add --force to replace it.',
      })
      const given = await create(name, { layout }, { force: true })
      await given.write(picture(layout, 99), { pts: 0, timeBase })
      await given.abort()
      expect(content()).toBe(before)

      const writer = await create(name, { layout }, { force: true })
      await writer.write(picture(layout, 99), { pts: 0, timeBase })
      expect(content()).toBe(before)
      await writer.finish()
      expect(content()).not.toBe(before)
      expect(readdirSync(out())).toEqual([name])
    })

    it('is no folder with other files in it, even with --force', async () => {
      mkdirSync(out('photos'))
      writeFileSync(out('photos/me.jpg'), 'mine')
      const spec = { width: WIDTH, height: HEIGHT, layout: 'bgra' } as const
      expect(await refusal(createVideoWriter(out('photos'), spec, { ffmpeg, force: true }))).toMatchObject({
        code: 'OUTPUT_EXISTS',
        message: expect.stringContaining('me.jpg') as string,
      })
      expect(readFileSync(out('photos/me.jpg'), 'utf8')).toBe('mine')
    })

    it('is cleared of what killed processes of this machine had begun of it; what others write stays', async () => {
      const living = process.ppid
      const dead = execFileSync(process.execPath, ['-p', 'process.pid']).toString().trim()
      const begun = (name: string, pid: number | string) => basename(`${partialOf(out(name))}${pid}-1`)
      const [mine, killed, other] = [begun('clip.mkv', living), begun('clip.mkv', dead), begun('a.mkv', dead)]
      const elsewhere = `.clip.mkv.partial-0other-${dead}-1`
      writeFileSync(out(elsewhere), 'half')
      for (const name of [mine, killed, other]) writeFileSync(out(name), 'half')
      await writeMany(await create('clip.mkv'), 'bgra', 1)
      expect(readdirSync(out()).sort()).toEqual([other, mine, elsewhere, 'clip.mkv'].sort())
    })

    it('may be an empty folder', async () => {
      mkdirSync(out('empty'))
      await writeMany(await create('empty'), 'bgra', 1)
      expect(readdirSync(out())).toEqual(['empty'])
    })

    it('is not the input, under whatever name', async () => {
      const source = await openVideo(at('silent.mp4'), { ffmpeg })
      symlinkSync(at('silent.mp4'), out('link.mp4'))
      expect(await refusal(create('link.mp4', { layout: 'bgr0', source }, { force: true }))).toMatchObject({
        code: 'OUTPUT_EXISTS',
        message: expect.stringContaining('is the input itself') as string,
      })
    })
  })

  describe('what fails midway leaves nothing behind', () => {
    it.each(FORMATS)('%s (%s) given up', async (name, layout) => {
      const early = await create(name, { layout })
      await early.abort()
      const writer = await create(name, { layout })
      await writer.write(picture(layout), { pts: 0, timeBase })
      await writer.abort()
      await writer.abort()
      expect(readdirSync(out())).toEqual([])
      await expect(writer.write(picture(layout), { pts: 1, timeBase })).rejects.toThrow('given up')
      await expect(writer.finish()).rejects.toThrow('given up')
    })

    it.each(FORMATS)('%s (%s) without a frame', async (name, layout) => {
      expect(await refusal((await create(name, { layout })).finish())).toMatchObject({ code: 'INPUT_UNREADABLE' })
      expect(readdirSync(out())).toEqual([])
    })

    // A limit on the size of files stands for every write that fails.
    it.each(FORMATS)('%s (%s) past the size that is allowed', async (name, layout) => {
      const limited = at('limited')
      writeFileSync(limited, `#!/bin/sh\nulimit -f 1\nexec ${ffmpeg.ffmpeg.path} "$@"\n`)
      chmodSync(limited, 0o755)
      const writer = await create(
        name,
        { layout },
        { ffmpeg: { ...ffmpeg, ffmpeg: { ...ffmpeg.ffmpeg, path: limited } } },
      )
      expect(await refusal(writeMany(writer, layout, name === 'picture.png' ? 1 : 400))).toMatchObject({
        code: 'OUTPUT_UNWRITABLE',
        message: expect.stringMatching(/grew past the size|was cut off/) as string,
      })
      expect(readdirSync(out())).toEqual([])
    })

    it.runIf(canMount())('a full disk, in every format', async () => {
      const disk = at('disk')
      mkdirSync(disk, { recursive: true })
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4k', 'tmpfs', disk])
      try {
        for (const [name, layout] of FORMATS) {
          const spec = { width: WIDTH, height: HEIGHT, layout }
          const writer = await createVideoWriter(join(disk, name), spec, { ffmpeg })
          expect(await refusal(writeMany(writer, layout, name === 'picture.png' ? 1 : 400))).toMatchObject({
            code: 'OUTPUT_UNWRITABLE',
            message: expect.stringMatching(/disk is full|disk may be full/) as string,
          })
          expect(readdirSync(disk)).toEqual([])
        }
      } finally {
        execFileSync('umount', [disk])
      }
    })

    it('an encoder that dies, and one that gives no sign of life', async () => {
      const fake = async (body: string): Promise<MatteboxError> => {
        writeFileSync(at('fake'), `#!/bin/sh\n${body}\n`)
        chmodSync(at('fake'), 0o755)
        const broken = { ...ffmpeg, ffmpeg: { ...ffmpeg.ffmpeg, path: at('fake') } }
        const error = await refusal(
          create('clip.webm', {}, { ffmpeg: broken, stallMs: 500 }).then((writer) => writeMany(writer, 'bgra', 400)),
        )
        expect(readdirSync(out())).toEqual([])
        return error
      }
      expect(await fake('echo "Out of memory" >&2; exit 3')).toMatchObject({
        code: 'FFMPEG_FAILED',
        message: 'The encoder of clip.webm stopped (exit code 3: Out of memory).',
      })
      expect(await fake('kill -9 $$')).toMatchObject({ code: 'FFMPEG_FAILED' })
      expect((await fake('sleep 1000')).message).toBe(
        'The encoder of clip.webm gave no sign of life for 0.5 s and was ended.',
      )
      expect((await fake('cat > /dev/null; sleep 1000')).message).toContain('no sign of life')
    })
  })

  describe('sound', () => {
    it.each([
      ['aac.mp4', 'clip.mp4', 'bgr0', 'copy', 'aac'],
      ['aac.ts', 'clip.mp4', 'bgr0', 'copy', 'aac'],
      ['aac.ts', 'clip.mkv', 'gray', 'copy', 'aac'],
      ['pcm.mkv', 'clip.mp4', 'bgr0', 'opus', 'opus'],
      ['aac.mp4', 'clip.mov', 'bgra', 'copy', 'aac'],
      ['opus.mkv', 'clip.mov', 'bgra', 'pcm', 'pcm_s16le'],
      ['opus.mkv', 'clip.webm', 'bgra', 'copy', 'opus'],
      ['aac.mp4', 'clip.webm', 'bgra', 'opus', 'opus'],
      ['opus.mkv', 'clip.mkv', 'gray', 'copy', 'opus'],
      ['wma.mkv', 'clip.mkv', 'gray', 'opus', 'opus'],
      ['late.mkv', 'clip.webm', 'bgra', 'opus', 'opus'],
    ] as const)('%s into %s (%s): %s', async (input, output, layout, plan, codec) => {
      const { audio } = await passThrough(at(input), out(output), layout, { ffmpeg })
      expect(audio).toBe(plan)
      expect(await audioCodecs(output)).toEqual([codec])
      const [flash, wanted] = [await flashSeconds(out(output)), await flashSeconds(at(input))]
      // Opus in Matroska begins before 0 by what its decoder drops: the muxer moves sound and pictures together.
      expect(Math.abs(flash - wanted)).toBeLessThanOrEqual(0.015)
      const [beep, before] = [await beepSeconds(out(output)), await beepSeconds(at(input))]
      expect(Math.abs(beep - flash - (before - wanted))).toBeLessThanOrEqual(0.02)
    })

    it.each([
      ['aac.mp4', 'clip.mp4', 'bgr0'],
      ['aac.ts', 'clip.mp4', 'bgr0'],
      ['opus.mkv', 'clip.webm', 'bgra'],
      ['aac.mp4', 'clip.webm', 'bgra'],
      ['pcm.mkv', 'clip.mkv', 'gray'],
      ['pcm.mkv', 'clip.mov', 'bgr0'],
      ['opus.mkv', 'clip.mov', 'bgra'],
    ] as const)('keeps the sound of a part of %s with its pictures, in %s', async (input, output, layout) => {
      await passThrough(at(input), out(output), layout, { ffmpeg, from: 1.3, to: 3 })
      const flash = await flashSeconds(out(output))
      expect(Math.abs(flash - 0.7)).toBeLessThanOrEqual(0.04)
      expect(Math.abs((await beepSeconds(out(output))) - flash)).toBeLessThanOrEqual(0.04)
      const { format } = (await show(ffmpeg, out(output), '-show_format')) as { format: { duration: string } }
      expect(Math.abs(Number(format.duration) - 1.7)).toBeLessThanOrEqual(0.08)
    })

    it('is left out with --no-audio, for pictures, and where there is none', async () => {
      await passThrough(at('aac.mp4'), out('clip.mp4'), 'bgr0', { ffmpeg, audio: false })
      expect(await audioCodecs('clip.mp4')).toEqual([])
      for (const name of ['frames', 'clip.gif', 'clip.webp']) {
        const part = { ffmpeg, to: 0.2 }
        expect((await passThrough(at('aac.mp4'), out(name), 'bgra', part)).audio).toBe('none')
      }
      expect((await passThrough(at('silent.mp4'), out('clip.webm'), 'bgra', { ffmpeg })).audio).toBe('none')
    })

    async function audioCodecs(name: string): Promise<string[]> {
      const answer = await show(ffmpeg, out(name), '-select_streams', 'a', '-show_entries', 'stream=codec_name')
      return (answer as { streams: { codec_name: string }[] }).streams.map((stream) => stream.codec_name)
    }

    async function flashSeconds(file: string): Promise<number> {
      if (file.endsWith('.mov')) {
        const { pictures, times } = await readBack(file)
        return times[pictures.findIndex((frame) => frame[0] > 128)]
      }
      for await (const frame of (await openVideo(file, { ffmpeg, layout: 'gray' })).frames())
        if (frame.data[0] > 128) return frame.timeSeconds
      return expect.unreachable('no flash')
    }

    async function beepSeconds(file: string): Promise<number> {
      const asWritten = ['-af', 'aresample=48000:async=1:first_pts=0', '-ac', '1', '-f', 's16le', 'pipe:1']
      const { stdout } = await run(ffmpeg.ffmpeg.path, ['-v', 'error', '-i', file, '-vn', ...asWritten], {
        encoding: 'buffer',
        maxBuffer: 1e8,
      })
      const samples = new Int16Array(stdout.buffer, stdout.byteOffset, stdout.length >> 1)
      return samples.findIndex((value) => Math.abs(value) > 4000) / 48000
    }
  })
})

function noisy(data: Uint8Array): Uint8Array {
  let seed = 1
  const noise = (): number => ((seed = (seed * 48271) % 2147483647) % 41) - 20
  return data.map((value, i) => (i % 4 === 3 ? value : Math.min(255, Math.max(0, value + noise()))))
}

function isAscending(values: readonly number[]): boolean {
  return values.every((value, i) => i === 0 || value > values[i - 1])
}

/** Whether this process may mount a small disk: root, with the capability. */
function canMount(): boolean {
  const probe = at('mount-probe')
  mkdirSync(probe, { recursive: true })
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4k', 'tmpfs', probe], { stdio: 'ignore' })
    execFileSync('umount', [probe])
    return true
  } catch {
    return false
  }
}
