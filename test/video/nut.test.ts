import { execFile } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { NutReader } from '../../src/video/nut-reader.ts'
import { BYTES_PER_PIXEL, NutError, type PixelLayout, type RawVideoStream } from '../../src/video/nut-format.ts'
import { NutWriter } from '../../src/video/nut-writer.ts'
import { eachFfmpeg, scratchFolder } from './media-tools.ts'

const run = promisify(execFile)

interface Frame {
  pts: number
  data: Buffer
}

function numberedFrames(stream: RawVideoStream, times: readonly number[]): Frame[] {
  return times.map((pts, n) => {
    const data = Buffer.alloc(stream.width * stream.height * BYTES_PER_PIXEL[stream.layout])
    for (let i = 0; i < data.length; i++) data[i] = i * 31 + n * 7 + (i >> 8)
    return { pts, data }
  })
}

async function written(stream: RawVideoStream, frames: readonly Frame[]): Promise<Buffer> {
  const pipe = new PassThrough()
  const chunks: Buffer[] = []
  pipe.on('data', (chunk: Buffer) => chunks.push(chunk))
  const writer = new NutWriter(pipe, stream)
  for (const frame of frames) await writer.write(frame.data, frame.pts)
  return Buffer.concat(chunks)
}

async function read(bytes: Buffer, layout: PixelLayout, chunk = 1000): Promise<Frame[]> {
  const chunks = Array.from({ length: Math.ceil(bytes.length / chunk) }, (_, i) =>
    bytes.subarray(i * chunk, (i + 1) * chunk),
  )
  const reader = new NutReader(Readable.from(chunks), layout)
  const frames: Frame[] = []
  for (;;) {
    const frame = await reader.read((size) => Buffer.alloc(size))
    if (frame === undefined) return frames
    frames.push({ pts: frame.pts, data: Buffer.from(frame.data) })
  }
}

const stream: RawVideoStream = { width: 33, height: 17, layout: 'bgra', timeBase: { num: 1, den: 90000 } }
const times = [0, 1, 3003, 9009, 1_000_000, 2 ** 40]

describe('NUT', () => {
  it.each(['bgra', 'bgr0', 'gray'] as const)('reads %s frames and their times as they were written', async (layout) => {
    const frames = numberedFrames({ ...stream, layout }, times)
    for (const chunk of [1, 977, 1e6]) {
      expect(await read(await written({ ...stream, layout }, frames), layout, chunk)).toEqual(frames)
    }
  })

  it('refuses to write a frame of another size or a time below zero', () => {
    const writer = new NutWriter(new PassThrough(), stream)
    expect(() => writer.write(Buffer.alloc(5), 0)).toThrow(RangeError)
    expect(() => writer.write(Buffer.alloc(33 * 17 * 4), -1)).toThrow(RangeError)
  })

  it('says so when a stream ends inside a frame, and keeps the frames before it', async () => {
    const bytes = await written(stream, numberedFrames(stream, [0, 1, 2]))
    const reader = new NutReader(Readable.from([bytes.subarray(0, -100)]), 'bgra')
    const place = (size: number): Buffer => Buffer.alloc(size)
    expect((await reader.read(place))?.pts).toBe(0)
    expect((await reader.read(place))?.pts).toBe(1)
    await expect(reader.read(place)).rejects.toThrow(NutError)
  })

  it('gives a reason for every damaged stream: no crash, no hang, no frame of another size', async () => {
    const bytes = await written(stream, numberedFrames(stream, [0, 5, 6]))
    let seed = 1
    const random = (below: number): number => (seed = (seed * 48271) % 2147483647) % below
    let refused = 0
    for (let round = 0; round < 500; round++) {
      const damaged = Buffer.from(bytes.subarray(0, round % 5 === 0 ? random(bytes.length) : bytes.length))
      // Most damage goes into the headers: a changed pixel is no damage to a reader.
      for (let n = 0; n < 3 && damaged.length > 0; n++) damaged[random(Math.min(200, damaged.length))] = random(256)
      try {
        for (const frame of await read(damaged, 'bgra'))
          expect(frame.data.length).toBeLessThanOrEqual(16384 * 16384 * 4)
      } catch (error) {
        expect(error).toBeInstanceOf(NutError)
        refused++
      }
    }
    expect(refused).toBeGreaterThan(400)
  })

  describe.each(eachFfmpeg)('%s', (_, ffmpeg) => {
    const folder = scratchFolder()

    it.each([
      ['bgra', 33, 17],
      ['gray', 33, 17],
      ['bgra', 5, 3],
      ['bgra', 400, 300],
    ] as const)('reads what ffmpeg writes: %s %dx%d, past its repeated headers', async (layout, width, height) => {
      const raw = join(folder, 'in.raw')
      const frames = numberedFrames({ ...stream, width, height, layout }, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
      writeFileSync(raw, Buffer.concat(frames.map((frame) => frame.data)))
      const file = join(folder, 'out.nut')
      const input = ['-f', 'rawvideo', '-pix_fmt', layout, '-s', `${width}x${height}`, '-r', '30000/1001', '-i', raw]
      const output = ['-vf', 'settb=1/90000,setpts=N*N*3003', ...ffmpeg.passthrough, '-enc_time_base', '1:90000']
      await run(ffmpeg.ffmpeg.path, ['-v', 'error', '-y', ...input, ...output, '-c:v', 'rawvideo', '-f', 'nut', file])
      const reader = await read(readFileSync(file), layout, 65536)
      expect(reader.map((frame) => frame.pts)).toEqual(frames.map((_, n) => n * n * 3003))
      expect(reader.every((frame, n) => frame.data.equals(frames[n].data))).toBe(true)
    })

    it.each(['bgra', 'bgr0', 'gray'] as const)('writes %s as ffmpeg reads it, times exact', async (layout) => {
      const frames = numberedFrames({ ...stream, layout }, times)
      const file = join(folder, 'ours.nut')
      writeFileSync(file, await written({ ...stream, layout }, frames))
      const { stdout } = await run(ffmpeg.ffprobe.path, [
        ...[
          '-v',
          'error',
          '-show_entries',
          'stream=width,height,pix_fmt,time_base:packet=pts,size',
          '-of',
          'json',
          file,
        ],
      ])
      const { streams, packets } = JSON.parse(stdout) as { streams: object[]; packets: { pts: number; size: string }[] }
      expect(streams).toEqual([{ width: 33, height: 17, pix_fmt: layout, time_base: '1/90000' }])
      expect(packets.map((packet) => packet.pts)).toEqual(times)

      const pipe = await run(
        ffmpeg.ffmpeg.path,
        ['-v', 'error', '-i', file, ...ffmpeg.passthrough, '-f', 'rawvideo', '-pix_fmt', layout, 'pipe:1'],
        { encoding: 'buffer', maxBuffer: 1e8 },
      )
      expect(pipe.stdout.equals(Buffer.concat(frames.map((frame) => frame.data)))).toBe(true)
    })
  })
})
