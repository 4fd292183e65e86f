import { execFile, execFileSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { MatteboxError } from '../../src/errors/index.ts'
import { openVideo, type VideoFrame } from '../../src/video/decode.ts'
import { createVideoWriter, type VideoWriter, type WriterOptions, type WriterSpec } from '../../src/video/encode.ts'
import type { Ffmpeg } from '../../src/video/find-ffmpeg.ts'
import type { PixelLayout } from '../../src/video/nut-format.ts'
import { eachFfmpeg, ffmpegs, frameTimes, makeMedia, scratchFolder, show } from './media-tools.ts'
import { passThrough } from './pass-through.ts'

const run = promisify(execFile)
const folder = scratchFolder()
const at = (name: string): string => join(folder, name)
/** Outputs go into a folder of their own: what is left in it afterwards is all that was left behind. */
const out = (name = ''): string => join(folder, 'out', name)
const timeBase = { num: 1, den: 90000 }
const [WIDTH, HEIGHT] = [64, 48]

const OUTPUTS: readonly (readonly [string, PixelLayout])[] = [
  ['clip.webm', 'bgra'],
  ['clip.webm', 'bgr0'],
  ['clip.webm', 'gray'],
  ['clip.mp4', 'bgr0'],
  ['clip.mp4', 'gray'],
  ['clip.mkv', 'gray'],
  ['frames', 'bgra'],
  ['frames', 'bgr0'],
  ['frames', 'gray'],
  ['picture.png', 'bgra'],
  ['picture.png', 'gray'],
]

/** A frame of smooth colours and, for BGRA, alpha that rises from left to right; changes a little with n. */
function picture(layout: PixelLayout, n = 0, width = WIDTH, height = HEIGHT): Uint8Array {
  const channels = layout === 'gray' ? 1 : 4
  const data = new Uint8Array(width * height * channels)
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const values = [40 + 2 * x, 60 + 3 * y, 200 - 2 * x + n, layout === 'bgra' ? Math.min(255, x * 4) : 255]
      for (let c = 0; c < channels; c++) data[(y * width + x) * channels + c] = values[c]!
    }
  }
  return data
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
  const read = async (name: string, layout: 'bgra' | 'gray' = 'bgra'): Promise<VideoFrame[]> => {
    const frames: VideoFrame[] = []
    for await (const frame of (await openVideo(out(name), { ffmpeg, layout })).frames()) frames.push(frame)
    return frames
  }
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

  it.each(OUTPUTS)('%s from %s: the pictures come back', async (name, layout) => {
    const writer = await create(name, { layout })
    expect(existsSync(out(name))).toBe(false)
    const count = name.endsWith('.png') ? 1 : 5
    for (let n = 0; n < count; n++) await writer.write(picture(layout, n), { pts: n * 3600, timeBase })
    await writer.finish()
    expect(readdirSync(out())).toEqual([name])

    const frames = await read(name, layout === 'gray' ? 'gray' : 'bgra')
    expect(frames).toHaveLength(count)
    const exact = !/webm|mp4/.test(name)
    for (const [n, frame] of frames.entries()) {
      const wanted = picture(layout, n)
      let [worst, sum, compared] = [0, 0, 0]
      for (let i = 0; i < wanted.length; i++) {
        // Where alpha is small the colour has no meaning; chroma at the rim has no neighbour.
        if (layout === 'bgra' && !exact && i % 4 !== 3 && wanted[i | 3] < 40) continue
        const difference = Math.abs(frame.data[i] - wanted[i])
        worst = Math.max(worst, difference)
        sum += difference
        compared++
      }
      expect(worst).toBeLessThanOrEqual(exact ? 0 : 14)
      expect(sum / compared).toBeLessThanOrEqual(exact ? 0 : 2)
    }
  })

  it('names the frames of a folder from 1', async () => {
    await writeMany(await create('frames'), 'bgra', 3)
    expect(readdirSync(out('frames'))).toEqual(['frame-000001.png', 'frame-000002.png', 'frame-000003.png'])
  })

  it.each([
    ['clip.webm', 'bgra', 'vp9', 'yuv420p'],
    ['clip.mp4', 'bgr0', 'h264', 'yuv420p'],
    ['clip.mkv', 'gray', 'ffv1', 'gray'],
  ] as const)('tags %s with what it holds', async (name, layout, codec, pixels) => {
    const colour = { matrix: 'bt601', range: 'limited', primaries: 'smpte170m', transfer: undefined } as const
    const { info } = await openVideo(at('silent.mp4'), { ffmpeg })
    const source = { info: { ...info, colour }, range: { from: 0, to: undefined } }
    await writeMany(await create(name, { layout, source }), layout, 2)
    const { streams } = (await show(ffmpeg, out(name), '-show_streams')) as { streams: Record<string, unknown>[] }
    expect(streams).toHaveLength(1)
    expect(streams[0]).toMatchObject({
      codec_name: codec,
      pix_fmt: pixels,
      color_range: layout === 'gray' ? 'pc' : 'tv',
    })
    if (layout !== 'gray') {
      expect(streams[0]).toMatchObject({
        color_space: 'bt709',
        color_primaries: 'smpte170m',
        color_transfer: 'bt709',
      })
    }
    if (layout === 'bgra') expect(JSON.stringify(streams[0]['tags'])).toMatch(/"alpha_mode":"1"/i)
  })

  it.each([
    ['clip.webm', 'bgra', 0.001],
    ['clip.mkv', 'gray', 0.001],
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
      const frames = []
      for await (const frame of (await openVideo(out(name), { ffmpeg: each })).frames()) frames.push(frame)
      expect(frames).toHaveLength(times.length)
    }
  })

  it.each([
    ['clip.webm', 'bgra'],
    ['clip.webm', 'bgr0'],
    ['clip.mkv', 'gray'],
    ['frames', 'bgra'],
  ] as const)('writes odd sizes into %s (%s)', async (name, layout) => {
    const writer = await create(name, { width: 37, height: 21, layout })
    await writer.write(picture(layout, 0, 37, 21), { pts: 0, timeBase })
    await writer.finish()
    const [frame] = await read(name)
    expect([frame.width, frame.height]).toEqual([37, 21])
    const [b, , , a] = frame.data.subarray((10 * 37 + 30) * 4)
    expect(Math.abs(b - 100)).toBeLessThanOrEqual(6)
    if (layout === 'bgra') expect(Math.abs(a - 120)).toBeLessThanOrEqual(6)
  })

  it.each([
    ['clip.mp4', { layout: 'bgra' }, 'OUTPUT_UNSUPPORTED', 'no transparency', '--background'],
    ['clip.mp4', { layout: 'bgr0', width: 65 }, 'OUTPUT_UNSUPPORTED', 'even sizes only, the picture is 65x48', '.webm'],
    ['clip.mkv', { layout: 'bgra' }, 'OUTPUT_UNSUPPORTED', '--view alpha only', '--view alpha'],
    ['clip.mov', {}, 'OUTPUT_UNSUPPORTED', '.mov is not written', '.webm (VP9'],
    ['clip.avi', {}, 'OUTPUT_UNSUPPORTED', '.avi is not written', '.webm (VP9'],
    ['clip.gif', {}, 'OUTPUT_UNSUPPORTED', '.gif is not written', '.webm (VP9'],
    ['clip.constructor', {}, 'OUTPUT_UNSUPPORTED', '.constructor is not written', '.webm (VP9'],
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

  it('names an encoder that the ffmpeg lacks', async () => {
    const poor: Ffmpeg = { ...ffmpeg, encoders: new Set(['libvpx-vp9', 'png']) }
    expect(await refusal(create('clip.mp4', { layout: 'bgr0' }, { ffmpeg: poor }))).toMatchObject({
      code: 'FFMPEG_MISSING',
      message: expect.stringContaining('clip.mp4 needs the encoder libx264') as string,
    })
    const source = await openVideo(at('aac.mp4'), { ffmpeg })
    expect(await refusal(create('clip.webm', { source }, { ffmpeg: poor }))).toMatchObject({
      code: 'FFMPEG_MISSING',
      mend: expect.stringContaining('--no-audio') as string,
    })
  })

  describe('an output that is there already', () => {
    it.each(OUTPUTS)('%s (%s) stays untouched without --force, and is replaced with it', async (name, layout) => {
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
    it.each(OUTPUTS)('%s (%s) given up', async (name, layout) => {
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

    it.each(OUTPUTS)('%s (%s) without a frame', async (name, layout) => {
      expect(await refusal((await create(name, { layout })).finish())).toMatchObject({ code: 'INPUT_UNREADABLE' })
      expect(readdirSync(out())).toEqual([])
    })

    // A limit on the size of files stands for every write that fails.
    it.each(OUTPUTS)('%s (%s) past the size that is allowed', async (name, layout) => {
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
        for (const [name, layout] of OUTPUTS) {
          if (name === 'picture.png' && layout === 'gray') continue // fits
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
      expect((await passThrough(at('aac.mp4'), out('frames'), 'bgra', { ffmpeg })).audio).toBe('none')
      expect((await passThrough(at('silent.mp4'), out('clip.webm'), 'bgra', { ffmpeg })).audio).toBe('none')
    })

    async function audioCodecs(name: string): Promise<string[]> {
      const answer = await show(ffmpeg, out(name), '-select_streams', 'a', '-show_entries', 'stream=codec_name')
      return (answer as { streams: { codec_name: string }[] }).streams.map((stream) => stream.codec_name)
    }

    async function flashSeconds(file: string): Promise<number> {
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
