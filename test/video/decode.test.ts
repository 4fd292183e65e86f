import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import type { MatteboxError } from '../../src/errors/index.ts'
import { openVideo, type OpenOptions, type VideoFrame, type VideoSource } from '../../src/video/decode.ts'
import { eachFfmpeg, ffmpegs, makeMedia, scratchFolder } from './media-tools.ts'

const folder = scratchFolder()
const at = (name: string): string => join(folder, name)
const passthrough = ffmpegs[0].passthrough

/** Frame n of 50 (25 a second) is all of gray 5·n. */
const counting = ['-f', 'lavfi', '-i', `color=black:size=64x48:rate=25:duration=2,format=gray,geq=lum=5*N`]
const x264 = ['-c:v', 'libx264', '-preset', 'fast', '-qp', '1', '-pix_fmt', 'yuv420p', '-colorspace', 'bt709']

type Rgb = readonly [number, number, number]
const RED: Rgb = [255, 0, 0]
const GREEN: Rgb = [0, 255, 0]
const BLUE: Rgb = [0, 0, 255]
const WHITE: Rgb = [255, 255, 255]

/** A raw RGB picture of 32x16 with a colour in each quarter: top left, top right, bottom left, bottom right. */
function quarters(colours: readonly Rgb[]): Buffer {
  const rows: number[] = []
  for (let y = 0; y < 16; y++) for (let x = 0; x < 32; x++) rows.push(...colours[(y < 8 ? 0 : 2) + (x < 16 ? 0 : 1)])
  return Buffer.from(rows)
}

function pixel(frame: VideoFrame, x: number, y: number): number[] {
  const [b, g, r, a] = frame.data.subarray((y * frame.width + x) * 4)
  return [r, g, b, a]
}

/** Names of the colours in the four quarters of a frame. */
function seenQuarters(frame: VideoFrame): string[] {
  const [left, right] = [Math.floor(frame.width / 4), Math.floor((3 * frame.width) / 4)]
  const [top, bottom] = [Math.floor(frame.height / 4), Math.floor((3 * frame.height) / 4)]
  return [
    pixel(frame, left, top),
    pixel(frame, right, top),
    pixel(frame, left, bottom),
    pixel(frame, right, bottom),
  ].map(([r, g, b]) => (r > 128 ? (g > 128 ? 'white' : 'red') : g > 128 ? 'green' : b > 128 ? 'blue' : 'black'))
}

/** Puts an EXIF segment with this orientation tag behind a JPEG's first marker. */
function withExif(jpeg: Buffer, tag: number): Buffer {
  const tiff = Buffer.from('49492a0008000000010012010300010000000100000000000000', 'hex')
  tiff.writeUInt16LE(tag, 18)
  const body = Buffer.concat([Buffer.from('Exif\0\0', 'latin1'), tiff])
  const head = Buffer.from([0xff, 0xe1, 0, body.length + 2])
  return Buffer.concat([jpeg.subarray(0, 2), head, body, jpeg.subarray(2)])
}

/** Display matrices [a, b, c, d]: shown x = a·x + c·y, y = b·x + d·y (ISO 14496-12 section 8.3.2). */
const MATRICES = {
  'turned-90': [0, 1, -1, 0],
  'turned-180': [-1, 0, 0, -1],
  'turned-270': [0, -1, 1, 0],
  mirrored: [-1, 0, 0, 1],
  transposed: [0, 1, 1, 0],
  'turned-45': [0.7071, 0.7071, -0.7071, 0.7071],
} as const

/** Writes a display matrix into the track header of an MP4 file. */
function withMatrix(mp4: Buffer, [a, b, c, d]: readonly [number, number, number, number]): Buffer {
  const changed = Buffer.from(mp4)
  const matrix = changed.indexOf('tkhd') + 4 + 4 + 36
  for (const [i, value] of [a, b, 0, c, d, 0, 0, 0].entries())
    changed.writeInt32BE(Math.round(value * 65536), matrix + 4 * i)
  return changed
}

/** Exact RGB of YUV by the definition in BT.601 and BT.709 (8 bit). */
function toRgb([y, u, v]: Rgb, matrix: 'bt601' | 'bt709', full: boolean): number[] {
  const [kr, kb] = matrix === 'bt709' ? [0.2126, 0.0722] : [0.299, 0.114]
  const luma = full ? y / 255 : (y - 16) / 219
  const [cb, cr] = [(u - 128) / (full ? 255 : 224), (v - 128) / (full ? 255 : 224)]
  const [r, b] = [luma + 2 * (1 - kr) * cr, luma + 2 * (1 - kb) * cb]
  const g = (luma - kr * r - kb * b) / (1 - kr - kb)
  return [r, g, b].map((value) => Math.min(255, Math.max(0, value * 255)))
}

/** YUV colours that lie inside RGB under every matrix and range. */
const FLAT: readonly Rgb[] = [
  [126, 128, 128],
  [100, 110, 150],
  [140, 140, 120],
  [90, 150, 120],
  [180, 120, 130],
  [60, 125, 135],
]

/** A raw picture with a stripe of 16 columns for each of the flat colours. */
function flatPicture(format: string, height: number): { raw: Buffer; width: number } {
  const width = FLAT.length * 16
  const plane = (component: number, w: number, h: number): Buffer =>
    Buffer.concat(
      Array.from({ length: h }, () =>
        Buffer.from(FLAT.flatMap((colour) => Array<number>(w / FLAT.length).fill(colour[component]))),
      ),
    )
  const chroma: [number, number] = [
    format === 'yuv444p' ? width : width / 2,
    format === 'yuv420p' ? height / 2 : height,
  ]
  return { raw: Buffer.concat([plane(0, width, height), plane(1, ...chroma), plane(2, ...chroma)]), width }
}

const colourCases = [
  { format: 'yuv420p', height: 32, space: 'bt709', range: 'tv', matrix: 'bt709' },
  { format: 'yuv420p', height: 32, space: 'bt709', range: 'pc', matrix: 'bt709' },
  { format: 'yuv420p', height: 32, space: 'smpte170m', range: 'tv', matrix: 'bt601' },
  { format: 'yuv420p', height: 32, space: 'bt470bg', range: 'pc', matrix: 'bt601' },
  { format: 'yuv422p', height: 32, space: 'bt709', range: 'tv', matrix: 'bt709' },
  { format: 'yuv444p', height: 32, space: 'smpte170m', range: 'pc', matrix: 'bt601' },
  { format: 'yuv420p', height: 32, space: undefined, range: undefined, matrix: 'bt601' },
  { format: 'yuv420p', height: 720, space: undefined, range: undefined, matrix: 'bt709' },
  { format: 'yuv420p', deep: 'yuv420p10le', height: 32, space: 'bt709', range: 'tv', matrix: 'bt709' },
  { format: 'yuv420p', deep: 'yuv420p10le', height: 32, space: 'bt709', range: 'pc', matrix: 'bt709' },
  { format: 'yuv422p', deep: 'yuv422p10le', height: 32, space: 'smpte170m', range: 'tv', matrix: 'bt601' },
  { format: 'yuv444p', deep: 'yuv444p12le', height: 32, space: 'bt709', range: 'tv', matrix: 'bt709' },
  { format: 'yuv444p', deep: 'yuv444p16le', height: 32, space: 'bt709', range: 'tv', matrix: 'bt709' },
] as const
/** Pictures of a folder, and their pixels (B, G, R, A): three alike, with alpha, three of 16 bits, a JPEG. */
const plain = ['-pix_fmt', 'rgb24']
const KINDS = [
  { name: 'png', colour: 'red', options: plain, pixel: [0, 0, 255, 255] },
  { name: 'png', colour: 'lime', options: [...plain, '-metadata', 'title=another'], pixel: [0, 255, 0, 255] },
  { name: 'png', colour: 'blue', options: plain, pixel: [255, 0, 0, 255] },
  { name: 'png', colour: 'red@0.5', options: ['-pix_fmt', 'rgba'], pixel: [0, 0, 255, 128] },
  { name: 'png', colour: 'lime', options: ['-pix_fmt', 'rgb48'], pixel: [0, 255, 0, 255] },
  { name: 'png', colour: 'blue', options: ['-pix_fmt', 'rgb48'], pixel: [255, 0, 0, 255] },
  { name: 'jpg', colour: 'white', options: ['-pix_fmt', 'yuvj444p'], pixel: [255, 255, 255, 255] },
] as const
const colourFile = (index: number): string => at(`colour-${index}.mkv`)

beforeAll(async () => {
  await makeMedia(at('counting.mp4'), ...counting, ...x264)
  await makeMedia(at('counting.ts'), ...counting, ...x264)
  const again = 'color=black:size=64x48:rate=25:duration=30,format=gray,geq=lum=5*mod(N\\,50)'
  await makeMedia(at('long-counting.ts'), '-f', 'lavfi', '-i', again, ...x264)
  await makeMedia(at('late.mkv'), '-itsoffset', '0.52', ...counting, '-f', 'lavfi', '-i', 'sine=d=1', ...x264)
  const uneven = ['-vf', "settb=1/90000,setpts='N*3003+N*N*70'", ...passthrough, '-enc_time_base', '1:90000']
  await makeMedia(at('uneven.mp4'), ...counting, ...uneven, '-video_track_timescale', '90000', ...x264, '-bf', '0')

  writeFileSync(at('quarters.raw'), quarters([RED, GREEN, BLUE, WHITE]))
  const stored = ['-f', 'rawvideo', '-pix_fmt', 'rgb24', '-s', '32x16', '-i', at('quarters.raw')]
  await makeMedia(at('100%03d.png'), ...stored, '-f', 'image2', '-update', '1')
  await makeMedia(at('upright.jpg'), ...stored, '-pix_fmt', 'yuvj444p', '-q:v', '2')
  await makeMedia(at('upright.mp4'), ...stored, ...x264)
  for (const [name, matrix] of Object.entries(MATRICES)) {
    writeFileSync(at(`${name}.mp4`), withMatrix(readFileSync(at('upright.mp4')), matrix))
  }
  for (let tag = 1; tag <= 8; tag++)
    writeFileSync(at(`exif-${tag}.jpg`), withExif(readFileSync(at('upright.jpg')), tag))

  for (const [index, colourCase] of colourCases.entries()) {
    const { format, height, space, range } = colourCase
    const { raw, width } = flatPicture(format, height)
    writeFileSync(at('flat.raw'), raw)
    const input = ['-f', 'rawvideo', '-pix_fmt', format, '-s', `${width}x${height}`, '-i', at('flat.raw')]
    const tags = [...(space ? ['-colorspace', space] : []), ...(range ? ['-color_range', range] : [])]
    // The conversion to more bits keeps the range: as in the picture that comes in.
    const deep =
      'deep' in colourCase
        ? [...['-vf', `scale=in_range=${range}:out_range=${range}`], '-pix_fmt', colourCase.deep]
        : []
    await makeMedia(colourFile(index), ...input, ...deep, '-c:v', 'ffv1', ...tags)
  }
  const ramp = ['-f', 'lavfi', '-i', 'color=black:size=256x16:duration=0.04,format=gray,geq=lum=X']
  await makeMedia(at('ramp.mkv'), ...ramp, '-c:v', 'ffv1', '-pix_fmt', 'gray')
  await makeMedia(at('ramp.png'), ...ramp, '-pix_fmt', 'rgb24')
  for (const [name, format] of [
    ['ramp-10.mkv', 'gray10le'],
    ['ramp-16.mkv', 'gray16le'],
    ['ramp-16.png', 'gray16be'],
    ['ramp-rgb-16.png', 'rgb48be'],
    ['ramp-rgb-10.mkv', 'gbrp10le'],
  ]) {
    await makeMedia(at(name), ...ramp, '-c:v', name.endsWith('png') ? 'png' : 'ffv1', '-pix_fmt', format)
  }
  const colour = 'color=0x3264C8:size=256x16:duration=0.2,format=rgba,geq=r=50:g=100:b=200:a=X'
  const deepAlpha = ['-f', 'lavfi', '-i', colour, '-frames:v', '1']
  await makeMedia(at('alpha-16.png'), ...deepAlpha, '-pix_fmt', 'rgba64be')
  await makeMedia(at('alpha-10.mkv'), ...deepAlpha, '-c:v', 'ffv1', '-pix_fmt', 'yuva444p10le')
  await makeMedia(at('alpha.png'), '-f', 'lavfi', '-i', colour, '-frames:v', '1')
  await makeMedia(
    at('alpha.webm'),
    '-f',
    'lavfi',
    '-i',
    colour,
    '-c:v',
    'libvpx-vp9',
    '-pix_fmt',
    'yuva420p',
    '-crf',
    '4',
  )

  mkdirSync(at('pictures'))
  for (const n of [1, 2, 10]) {
    const gray = ['-f', 'lavfi', '-i', `color=black:size=64x48:duration=0.04,format=gray,geq=lum=${n * 20}`]
    await makeMedia(at(`pictures/picture${n}.${n === 2 ? 'jpg' : 'png'}`), ...gray, '-frames:v', '1')
  }
  writeFileSync(at('pictures/notes.txt'), 'not a picture')
  mkdirSync(at('kinds'))
  for (const [n, { colour, options, name }] of KINDS.entries()) {
    const source = `color=${colour}:size=64x48,format=rgba`
    await makeMedia(at(`kinds/${n}.${name}`), '-f', 'lavfi', '-i', source, ...options, '-frames:v', '1')
  }
  mkdirSync(at('mixed'))
  await makeMedia(at('mixed/1.png'), ...counting, '-frames:v', '1')
  await makeMedia(at('mixed/2.png'), '-f', 'lavfi', '-i', 'testsrc=size=32x32', '-frames:v', '1')
  mkdirSync(at('broken'))
  await makeMedia(at('broken/1.png'), ...counting, '-frames:v', '1')
  writeFileSync(at('broken/2.png'), readFileSync(at('broken/1.png')).subarray(0, 50))
  mkdirSync(at('no-pictures'))

  const long = ['-f', 'lavfi', '-i', 'testsrc=size=320x240:rate=25:duration=8', ...x264]
  for (const name of ['long.mkv', 'long.ts', 'long.mp4']) {
    await makeMedia(at(name), ...long, ...(name.endsWith('mp4') ? ['-movflags', '+faststart'] : []))
    const whole = readFileSync(at(name))
    writeFileSync(at(`cut-${name}`), whole.subarray(0, whole.length / 2))
  }
  await makeMedia(at('other-size.ts'), '-f', 'lavfi', '-i', 'testsrc=size=160x120:rate=25:duration=1', ...x264)
  writeFileSync(at('two-sizes.ts'), Buffer.concat([readFileSync(at('counting.ts')), readFileSync(at('other-size.ts'))]))
})

async function readAll(source: VideoSource): Promise<VideoFrame[]> {
  const frames: VideoFrame[] = []
  for await (const frame of source.frames()) frames.push(frame)
  return frames
}

describe.each(eachFfmpeg)('reading a video %s', (title, ffmpeg) => {
  const open = (name: string, options: OpenOptions = {}): Promise<VideoSource> =>
    openVideo(at(name), { ffmpeg, ...options })
  const frames = async (name: string, options: OpenOptions = {}): Promise<VideoFrame[]> =>
    readAll(await open(name, options))
  const seconds = (list: readonly VideoFrame[]): number[] => list.map((frame) => frame.timeSeconds)
  /** Which of the counting frames these are. */
  const numbers = (list: readonly VideoFrame[]): number[] => list.map((frame) => Math.round(frame.data[0] / 5))
  const numbersFrom = (first: number, count: number): number[] => Array.from({ length: count }, (_, n) => first + n)
  const refusal = (work: Promise<unknown>): Promise<MatteboxError> =>
    work.then(
      () => expect.unreachable('no error'),
      (error: unknown) => error as MatteboxError,
    )

  it('gives every frame once, in order, with its time', async () => {
    for (const name of ['counting.mp4', 'counting.ts']) {
      const all = await frames(name)
      expect(numbers(all)).toEqual(numbersFrom(0, 50))
      for (const [n, time] of seconds(all).entries()) expect(time).toBeCloseTo(n / 25, 4)
    }
  })

  it('keeps the times of a variable frame rate exactly', async () => {
    const all = await frames('uneven.mp4')
    expect(all.map(({ pts, timeBase }) => (pts * timeBase.num * 90000) / timeBase.den)).toEqual(
      numbersFrom(0, 50).map((n) => n * 3003 + n * n * 70),
    )
  })

  it('keeps the time from the beginning of the file to a video that begins after the sound', async () => {
    const source = await open('late.mkv')
    expect(source.info.durationSeconds).toBeCloseTo(2.52, 1)
    expect((await readAll(source))[0].timeSeconds).toBeCloseTo(0.52, 2)
  })

  it('reads the part from --from, included, to --to, not included; times count from --from', async () => {
    for (const name of ['counting.mp4', 'counting.ts']) {
      const part = await frames(name, { from: 0.4, to: 0.8 })
      expect(numbers(part)).toEqual(numbersFrom(10, 10))
      expect(seconds(part)[0]).toBeCloseTo(0, 4)
      expect(seconds(part).at(-1)).toBeCloseTo(0.36, 4)
    }
    expect(numbers(await frames('counting.mp4', { from: 1.9 }))).toEqual([48, 49])
  })

  it('reads the part of a long transport stream, which has no index, to the frame', async () => {
    const source = await open('long-counting.ts', { from: 25, to: 25.4 })
    expect(numbers(await readAll(source))).toEqual(numbersFrom(25, 10))
    expect(source.damaged).toBe(false)
  })

  it('refuses a part that holds nothing, by the length of the clip', async () => {
    expect(await refusal(open('counting.mp4', { from: 2 }))).toMatchObject({
      code: 'USAGE',
      message: '--from 2 s lies behind the end of counting.mp4, which lasts 2.000 s.',
    })
    expect(await refusal(open('counting.mp4', { from: 1, to: 1 }))).toMatchObject({ code: 'USAGE' })
    expect(await refusal(frames('counting.mp4', { from: 1.99 }))).toMatchObject({ code: 'USAGE' })
    expect(await refusal(open('alpha.png', { from: 1 }))).toMatchObject({ code: 'USAGE' })
  })

  it.each([
    ['turned-90.mp4', 'blue red white green'],
    ['turned-180.mp4', 'white blue green red'],
    ['turned-270.mp4', 'green white red blue'],
    ['mirrored.mp4', 'green red white blue'],
    ['transposed.mp4', 'red blue green white'],
    ['exif-1.jpg', 'red green blue white'],
    ['exif-2.jpg', 'green red white blue'],
    ['exif-3.jpg', 'white blue green red'],
    ['exif-4.jpg', 'blue white red green'],
    ['exif-5.jpg', 'red blue green white'],
    ['exif-6.jpg', 'blue red white green'],
    ['exif-7.jpg', 'white green blue red'],
    ['exif-8.jpg', 'green white red blue'],
  ])('turns %s upright: %s', async (name, seen) => {
    const source = await open(name)
    const [frame] = await readAll(source)
    expect(seenQuarters(frame)).toEqual(seen.split(' '))
    const lies = /(180|mirrored|exif-[1-4])/.test(name)
    expect([frame.width, frame.height]).toEqual(lies ? [32, 16] : [16, 32])
    expect([source.info.width, source.info.height]).toEqual([frame.width, frame.height])
  })

  it('refuses any other turn', async () => {
    expect(await refusal(open('turned-45.mp4'))).toMatchObject({
      code: 'INPUT_UNSUPPORTED',
      message: expect.stringMatching(/^turned-45.mp4: a turn by -?45 degrees/) as string,
    })
  })

  it.each(colourCases.map((item, index) => ({ ...item, index })))(
    'reads $format $space $range (height $height) as $matrix, within one step',
    async ({ index, range, matrix }) => {
      const [frame] = await frames(`colour-${index}.mkv`)
      for (const [n, colour] of FLAT.entries()) {
        const wanted = toRgb(colour, matrix, range === 'pc')
        const [r, g, b, a] = pixel(frame, n * 16 + 8, 8)
        expect(a).toBe(255)
        for (const [i, got] of [r, g, b].entries()) expect(Math.abs(got - wanted[i])).toBeLessThanOrEqual(1)
      }
    },
  )

  it('reads gray as it is, as BGRA and as gray, from a video and from an RGB picture', async () => {
    for (const name of ['ramp.mkv', 'ramp.png']) {
      const [colour] = await frames(name)
      const [gray] = await frames(name, { layout: 'gray' })
      for (let x = 0; x < 256; x++) expect([...pixel(colour, x, 3), gray.data[3 * 256 + x]]).toEqual([x, x, x, 255, x])
    }
  })

  it('reads more than 8 bits as the nearest of 8: gray, RGB and alpha', async () => {
    for (const name of ['ramp-10.mkv', 'ramp-16.mkv', 'ramp-16.png', 'ramp-rgb-16.png', 'ramp-rgb-10.mkv']) {
      const [colour] = await frames(name)
      const [gray] = await frames(name, { layout: 'gray' })
      for (let x = 0; x < 256; x++) {
        for (const got of [...pixel(colour, x, 3).slice(0, 3), gray.data[3 * 256 + x]]) {
          expect(Math.abs(got - x), `${name} at ${x}`).toBeLessThanOrEqual(1)
        }
      }
    }
    for (const name of ['alpha-16.png', 'alpha-10.mkv']) {
      const [frame] = await frames(name)
      for (let x = 0; x < 256; x++)
        expect(Math.abs(pixel(frame, x, 8)[3] - x), `${name} at ${x}`).toBeLessThanOrEqual(1)
    }
  })

  it('keeps the alpha of a PNG exactly and that of a VP9 video closely', async () => {
    const [picture] = await frames('alpha.png')
    const [video] = await frames('alpha.webm')
    for (let x = 0; x < 256; x++) {
      expect(pixel(picture, x, 8)).toEqual([50, 100, 200, x])
      expect(Math.abs(pixel(video, x, 8)[3] - x)).toBeLessThanOrEqual(4)
    }
  })

  it('reads a picture whose name looks like a pattern of many', async () => {
    const all = await frames('100%03d.png')
    expect(all.map(seenQuarters)).toEqual([['red', 'green', 'blue', 'white']])
    expect(all[0].pts).toBe(0)
  })

  it('reads a folder of pictures in the natural order of their names, 25 a second', async () => {
    const source = await open('pictures')
    expect(source.info).toMatchObject({ width: 64, height: 48, frameCount: 3, timeBase: { num: 1, den: 25 } })
    const all = await readAll(source)
    expect(all.map((frame) => frame.pts)).toEqual([0, 1, 2])
    for (const [n, value] of [20, 40, 200].entries()) expect(Math.abs(all[n].data[0] - value)).toBeLessThanOrEqual(2)
    expect(source.warnings).toEqual(['1 files of the folder are no pictures and are left out.'])
  })

  it('gives the pictures of a folder the times of the rate that is asked for', async () => {
    const source = await open('pictures', { fps: { num: 30000, den: 1001 } })
    expect(source.info).toMatchObject({
      timeBase: { num: 1001, den: 30000 },
      averageFrameRate: { num: 30000, den: 1001 },
    })
    expect((await readAll(source)).map(({ timeSeconds }) => timeSeconds)).toEqual([0, 1001 / 30000, 2002 / 30000])
    expect(await refusal(open('counting.mp4', { fps: { num: 10, den: 1 } }))).toMatchObject({
      code: 'USAGE',
      message: expect.stringContaining('counting.mp4 has times of its own') as string,
    })
  })

  it('looks into those pictures of a folder only that differ from the one before, and reads each as it is', async () => {
    const looks = at(`looks-${title.replace(/\W/g, '-')}`)
    const script = `#!/bin/sh\necho look >> '${looks}'\nexec '${ffmpeg.ffprobe.path}' "$@"\n`
    writeFileSync(`${looks}.sh`, script, { mode: 0o755 })
    const counted = { ...ffmpeg, ffprobe: { ...ffmpeg.ffprobe, path: `${looks}.sh` } }
    const source = await openVideo(at('kinds'), { ffmpeg: counted })
    const all = await readAll(source)
    const corner = all.map(({ data }) => [...data.subarray(0, 4)])
    for (const [n, expected] of KINDS.map(({ pixel }) => pixel).entries()) {
      for (const [channel, value] of expected.entries())
        expect(Math.abs(corner[n][channel] - value)).toBeLessThanOrEqual(2)
    }
    // Two looks each: at the first, and at each other kind.
    expect(readFileSync(looks, 'utf8').trim().split('\n')).toHaveLength(2 * 4)
  })

  it('names the picture of a folder that is damaged or of another size', async () => {
    expect(await refusal(frames('mixed'))).toMatchObject({
      code: 'INPUT_UNSUPPORTED',
      message: '2.png is 32x32, 1.png is 64x48: one size is needed.',
    })
    const { code, message } = await refusal(frames('broken'))
    expect([code, message]).toEqual(['INPUT_UNREADABLE', expect.stringContaining('2.png')])
    expect(await refusal(open('no-pictures'))).toMatchObject({ code: 'INPUT_UNREADABLE' })
  })

  it.each(['cut-long.mkv', 'cut-long.ts', 'cut-long.mp4'])(
    'gives the frames of %s that can be read, and says so',
    async (name) => {
      const source = await open(name)
      const all = await readAll(source)
      expect(all.length).toBeGreaterThan(20)
      expect(all.length).toBeLessThan(180)
      // A transport stream has no index and no length: cut off, it is a shorter one.
      if (name.endsWith('.ts') && !source.damaged) return
      expect(source.damaged).toBe(true)
      expect(source.warnings).toEqual([
        expect.stringMatching(/^cut-long.*(is damaged|is cut off): \d+ frames could be read/),
      ])
    },
  )

  it('refuses a clip that changes its size midway, after the frames before', async () => {
    const source = await open('two-sizes.ts')
    let count = 0
    const reading = async (): Promise<void> => {
      for await (const frame of source.frames()) count += frame.width === 64 ? 1 : 0
    }
    expect(await refusal(reading())).toMatchObject({
      code: 'INPUT_UNSUPPORTED',
      message: expect.stringContaining('changes its size midway') as string,
    })
    expect(count).toBeGreaterThan(40) // the last ones wait in the decoder when the size changes
  })

  it('ends a decoder that gives no sign of life', async () => {
    const asleep = at('asleep')
    writeFileSync(asleep, '#!/bin/sh\nsleep 1000\n')
    chmodSync(asleep, 0o755)
    const stuck = { ...ffmpeg, ffmpeg: { ...ffmpeg.ffmpeg, path: asleep } }
    const began = performance.now()
    expect(await refusal(frames('counting.mp4', { ffmpeg: stuck, stallMs: 300 }))).toMatchObject({
      code: 'FFMPEG_FAILED',
      message: 'counting.mp4: the decoder gave no sign of life for 0.3 s (after 0 frames) and was ended.',
    })
    expect(performance.now() - began).toBeLessThan(10_000)
  })

  it('stops in the middle when it is closed or no longer asked', async () => {
    const source = await open('long.mp4')
    let count = 0
    for await (const frame of source.frames()) {
      frame.release()
      if (++count === 5) await source.close()
    }
    expect(count).toBeLessThan(10)
    for await (const frame of (await open('long.mp4')).frames()) {
      expect(frame.pts).toBe(0)
      break
    }
  })

  it('uses released frames again, and never one that is held', async () => {
    const buffers = new Set<ArrayBufferLike>()
    for await (const frame of (await open('long.mp4')).frames()) {
      buffers.add(frame.data.buffer)
      frame.release()
    }
    expect(buffers.size).toBeLessThan(6)
    expect(new Set((await frames('counting.mp4')).map((frame) => frame.data.buffer)).size).toBe(50)
  })
})
