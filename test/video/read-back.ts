import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { ffmpegs, frameTimes, show } from './media-tools.ts'

const run = promisify(execFile)
/** The judge of what any of them wrote: the newest at hand. */
const reader = ffmpegs.at(-1)!

/** The pictures of a file as another program sees them, not by our own reader. */
export interface ReadBack {
  readonly width: number
  readonly height: number
  /** BGRA with straight alpha, one buffer a picture. */
  readonly pictures: readonly Uint8Array[]
  /** Seconds; of pictures in a folder and of one picture: none. */
  readonly times: readonly number[]
}

/** Reads a file or a folder of frames with ffmpeg; an animated WebP, which ffmpeg does not read, picture by picture. */
export async function readBack(path: string): Promise<ReadBack> {
  if (path.endsWith('.webp')) return readWebp(path)
  const isFolder = statSync(path).isDirectory()
  const file = isFolder ? join(path, 'frame-%06d.png') : path
  const { streams } = (await show(reader, file, '-select_streams', 'v', '-show_streams')) as {
    streams: [{ width: number; height: number; pix_fmt: string; codec_name: string; tags?: Record<string, string> }]
  }
  const [{ width, height, codec_name: codec, pix_fmt: pixels }] = streams
  const colour = { matrix: 'bt709', range: pixels.startsWith('yuv') ? 'tv' : 'pc' }
  const data = await decode(file, codec === 'vp9' ? ['-c:v', 'libvpx-vp9'] : [], colour)
  const bytes = width * height * 4
  const pictures = Array.from({ length: data.length / bytes }, (_, n) => data.subarray(n * bytes, (n + 1) * bytes))
  return { width, height, pictures, times: isFolder || codec === 'png' ? [] : await frameTimes(reader, path) }
}

async function decode(
  file: string,
  options: readonly string[],
  { matrix, range }: { matrix: string; range: string },
): Promise<Buffer> {
  const flags = 'bilinear+accurate_rnd+full_chroma_int'
  const filter = `scale=in_color_matrix=${matrix}:in_range=${range}:out_range=pc:flags=${flags},format=bgra`
  const raw = [...reader.passthrough, '-f', 'rawvideo', 'pipe:1']
  const { stdout } = await run(reader.ffmpeg.path, ['-v', 'error', ...options, '-i', file, '-vf', filter, ...raw], {
    encoding: 'buffer',
    maxBuffer: 1e9,
  })
  return stdout
}

/** Of WebP, as it lays down. */
const BT601 = { matrix: 'bt601', range: 'tv' }

/** A file of chunks (RIFF): WebP's container ("WebP Container Specification", Google). */
function chunks(data: Buffer, from: number): { type: string; content: Buffer; whole: Buffer }[] {
  const all = []
  for (let at = from; at + 8 <= data.length;) {
    const length = data.readUInt32LE(at + 4)
    const end = at + 8 + length + (length & 1)
    const content = data.subarray(at + 8, at + 8 + length)
    all.push({ type: data.toString('latin1', at, at + 4), content, whole: data.subarray(at, end) })
    at = end
  }
  return all
}

async function readWebp(path: string): Promise<ReadBack> {
  const all = chunks(readFileSync(path), 12)
  // One picture is no animation.
  if (!all.some(({ type }) => type === 'ANMF')) {
    const { streams } = (await show(reader, path, '-show_streams')) as { streams: [{ width: number; height: number }] }
    const [{ width, height }] = streams
    return { width, height, pictures: [await decode(path, [], BT601)], times: [] }
  }
  const header = all.find(({ type }) => type === 'VP8X')!.content
  const [width, height] = [header.readUIntLE(4, 3) + 1, header.readUIntLE(7, 3) + 1]
  const folder = mkdtempSync(join(tmpdir(), 'mattebox-webp-'))
  try {
    let canvas = Buffer.alloc(width * height * 4)
    const [pictures, times]: [Uint8Array[], number[]] = [[], []]
    let time = 0
    for (const { content } of all.filter(({ type }) => type === 'ANMF')) {
      const frame = {
        left: content.readUIntLE(0, 3) * 2,
        top: content.readUIntLE(3, 3) * 2,
        width: content.readUIntLE(6, 3) + 1,
        height: content.readUIntLE(9, 3) + 1,
        durationMs: content.readUIntLE(12, 3),
        blends: (content[15] & 2) === 0,
        clears: (content[15] & 1) === 1,
      }
      const still = join(folder, 'still.webp')
      writeFileSync(still, stillWebp(frame.width, frame.height, chunks(content, 16)))
      const own = await decode(still, [], BT601)
      const shown = Buffer.from(canvas)
      draw(own, frame, shown, width, frame.blends)
      pictures.push(shown)
      times.push(time)
      time += frame.durationMs / 1000
      canvas = Buffer.from(shown)
      if (frame.clears) draw(Buffer.alloc(own.length), frame, canvas, width, false)
    }
    return { width, height, pictures, times }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** One picture of an animation as a file of its own. */
function stillWebp(width: number, height: number, parts: readonly { type: string; whole: Buffer }[]): Buffer {
  const header = Buffer.alloc(18)
  header.write('VP8X', 'latin1')
  header.writeUInt32LE(10, 4)
  header[8] = parts.some(({ type }) => type === 'ALPH') ? 0x10 : 0
  header.writeUIntLE(width - 1, 12, 3)
  header.writeUIntLE(height - 1, 15, 3)
  const isLossless = parts.some(({ type }) => type === 'VP8L')
  const content = Buffer.concat([...(isLossless ? [] : [header]), ...parts.map(({ whole }) => whole)])
  const riff = Buffer.from('RIFF\0\0\0\0WEBP', 'latin1')
  riff.writeUInt32LE(4 + content.length, 4)
  return Buffer.concat([riff, content])
}

/** Puts a picture onto the canvas, blended with its straight alpha or in place of what is there. */
function draw(
  picture: Uint8Array,
  { left, top, width, height }: { left: number; top: number; width: number; height: number },
  canvas: Buffer,
  canvasWidth: number,
  blends: boolean,
): void {
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [from, to] = [(y * width + x) * 4, ((top + y) * canvasWidth + left + x) * 4]
      const [over, under] = [blends ? picture[from + 3] / 255 : 1, canvas[to + 3] / 255]
      const alpha = blends ? over + under * (1 - over) : picture[from + 3] / 255
      for (let c = 0; c < 3; c++) {
        const share = blends && alpha > 0 ? over / alpha : 1
        canvas[to + c] = Math.round(share * picture[from + c] + (1 - share) * canvas[to + c])
      }
      canvas[to + 3] = Math.round(255 * alpha)
    }
  }
}
