/**
 * Clips that are not plain 8-bit BT.709: HDR, wide gamut, interlaced, pixels that are not square. Seen red: HDR with
 * `npl` left out, with the stored primaries taken for BT.709's and with `hable`; fields with the parity exchanged; pixels
 * with 1:1 in the header of NUT.
 */
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { MatteboxError } from '../../src/errors/index.ts'
import { openVideo, type VideoFrame } from '../../src/video/decode.ts'
import { eachFfmpeg, ffmpegs, makeMedia, scratchFolder, show } from './media-tools.ts'
import { passThrough } from './pass-through.ts'

const folder = scratchFolder()
const at = (name: string): string => join(folder, name)
const out = (name = ''): string => join(folder, 'out', name)

type Triple = readonly [number, number, number]

/** 10-bit Y, Cb, Cr of limited range: grays from dark to the brightest, and colours. */
const CODES: readonly Triple[] = [
  ...([
    [64, 512, 512],
    [200, 512, 512],
    [400, 512, 512],
    [573, 512, 512],
    [721, 512, 512],
    [940, 512, 512],
  ] as const),
  ...([
    [400, 480, 560],
    [573, 470, 540],
    [500, 540, 500],
    [650, 500, 500],
  ] as const),
]
const STRIPE = 16
const WIDTH = CODES.length * STRIPE

/** What the stored light is in cd/m², by the definitions in ITU-R BT.2100. */
const LIGHT = {
  smpte2084: (rgb: Triple): number[] =>
    rgb.map((e) => {
      const [m1, m2, c1, c2, c3] = [2610 / 16384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128]
      const x = Math.max(0, e) ** (1 / m2)
      return 10_000 * (Math.max(0, x - c1) / (c2 - c3 * x)) ** (1 / m1)
    }),
  'arib-std-b67': (rgb: Triple): number[] => {
    const a = 0.17883277
    const [b, c] = [1 - 4 * a, 0.5 - a * Math.log(4 * a)]
    const scene = rgb.map((e) => (e <= 0.5 ? Math.max(0, e) ** 2 / 3 : (Math.exp((e - c) / a) + b) / 12))
    // The standard's display brightens by the luminance of all three; zscale by each of its own (see `toSdrFilters`).
    return scene.map((value) => 1000 * value ** 1.2)
  },
  bt709: (rgb: Triple): number[] => rgb.map((e) => 203 * Math.max(0, e) ** 2.4),
}

/** BT.2020 to BT.709 in linear light (ITU-R BT.2087). */
const TO_709 = [
  [1.6605, -0.5876, -0.0728],
  [-0.1246, 1.1329, -0.0083],
  [-0.0182, -0.1006, 1.1187],
]

/** R, G, B in 0..255 that a code becomes. */
function converted([y, cb, cr]: Triple, transfer: keyof typeof LIGHT, peakNits: number | undefined): number[] {
  const [luma, blue, red] = [(y - 64) / 876, (cb - 512) / 896, (cr - 512) / 896]
  const [r, b] = [luma + 1.4746 * red, luma + 1.8814 * blue]
  const g = (luma - 0.2627 * r - 0.0593 * b) / 0.678
  const light = LIGHT[transfer]([r, g, b]).map((nits) => nits / 203)
  const linear = TO_709.map((row) => row.reduce((sum, factor, i) => sum + factor * light[i], 0))
  const brightest = Math.max(...linear, 1e-6)
  const factor = peakNits === undefined ? 1 : mobius(brightest, Math.max(1, peakNits / 203)) / brightest
  return linear.map((value) => 255 * Math.min(1, Math.max(0, value * factor)) ** (1 / 2.4))
}

/** Below 0.3 as it is; from there a curve without a kink to 1 at the peak. */
function mobius(x: number, peak: number): number {
  const j = 0.3
  if (x <= j) return x
  const a = (-j * j * (peak - 1)) / (j * j - 2 * j + peak)
  const b = (j * j - 2 * j * peak + peak) / Math.max(peak - 1, 1e-6)
  return (((b * b + 2 * b * j + j * j) / (b - a)) * (x + a)) / (x + b)
}

const tags = (transfer: string): string[] => [
  ...['-color_primaries', 'bt2020', '-color_trc', transfer, '-colorspace', 'bt2020nc', '-color_range', 'tv'],
]

/** A bar that moves 4 pixels a field, as fields of 50 a second and as the whole pictures that they are of. */
const MOVING = "geq=lum='if(between(mod(X-4*N,96),0,15),220,40+40*mod(floor(Y/8),2))':cb=128:cr=128"
const moving = ['-f', 'lavfi', '-i', `color=black:size=96x64:rate=50:duration=0.4,format=yuv420p,${MOVING}`]

beforeAll(async () => {
  const plane = (component: number): Buffer => {
    const row = Buffer.alloc(WIDTH * 2)
    for (let x = 0; x < WIDTH; x++) row.writeUInt16LE(CODES[Math.floor(x / STRIPE)][component], 2 * x)
    return Buffer.concat(Array<Buffer>(32).fill(row))
  }
  writeFileSync(at('codes.yuv'), Buffer.concat([plane(0), plane(1), plane(2)]))
  const codes = ['-f', 'rawvideo', '-pix_fmt', 'yuv444p10le', '-s', `${WIDTH}x32`, '-i', at('codes.yuv')]
  for (const transfer of Object.keys(LIGHT))
    await makeMedia(at(`${transfer}.mkv`), ...codes, ...['-c:v', 'ffv1'], ...tags(transfer))
  await makeMedia(
    at('odd.mkv'),
    ...codes,
    '-vf',
    'crop=159:31:0:0,format=yuv420p10le',
    '-c:v',
    'ffv1',
    ...tags('smpte2084'),
  )
  const ofLight = 'lossless=1:log-level=error:colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc:max-cll=400,100'
  await makeMedia(at('peak.mkv'), ...codes, '-c:v', 'libx265', '-x265-params', ofLight)
  await makeMedia(at('untagged.mkv'), ...codes, '-c:v', 'ffv1', '-color_trc', 'smpte2084')

  await makeMedia(at('whole.mkv'), ...moving, '-c:v', 'ffv1')
  const h264 = ['-c:v', 'libx264', '-qp', '1', '-flags', '+ilme+ildct']
  await makeMedia(at('top.mp4'), ...moving, '-vf', 'interlace=scan=tff:lowpass=0', ...h264, '-x264opts', 'tff=1')
  await makeMedia(at('bottom.mp4'), ...moving, '-vf', 'interlace=scan=bff:lowpass=0', ...h264, '-x264opts', 'bff=1')
  // Here the container alone says it: the pictures of PNG cannot.
  await makeMedia(at('tagged.mov'), ...moving, '-vf', 'interlace=scan=bff:lowpass=0', '-c:v', 'png')
  const mov = readFileSync(at('tagged.mov'))
  mov.set([2, 6], mov.indexOf('fiel') + 4)
  writeFileSync(at('tagged.mov'), mov)

  const plain = [
    '-f',
    'lavfi',
    '-i',
    'testsrc2=size=160x96:rate=25:duration=0.2',
    '-c:v',
    'libx264',
    '-pix_fmt',
    'yuv420p',
  ]
  await makeMedia(at('anamorphic.mp4'), ...plain, '-vf', 'setsar=16/11')
  const turned = readFileSync(at('anamorphic.mp4'))
  const matrix = turned.indexOf('tkhd') + 44
  for (const [i, value] of [0, 1, 0, -1, 0].entries()) turned.writeInt32BE(value * 65536, matrix + 4 * i)
  writeFileSync(at('anamorphic-turned.mp4'), turned)
  // A record of Dolby Vision, profile 5, in place of one that nobody needs: without a picture for other displays.
  const dolby = readFileSync(await makeMedia(at('dolby.mp4'), ...plain, '-vf', 'setsar=1'))
  const record = dolby.indexOf('pasp')
  dolby.write('dvcC', record, 'latin1')
  dolby.set([1, 0, (5 << 1) | 0, (6 << 3) | 5, 0], record + 4)
  writeFileSync(at('dolby.mp4'), dolby)
}, 60_000)

afterEach(() => {
  rmSync(out(), { recursive: true, force: true })
  mkdirSync(out())
})
mkdirSync(out())

async function framesOf(name: string, ffmpeg = ffmpegs[0]): Promise<VideoFrame[]> {
  const frames: VideoFrame[] = []
  for await (const frame of (await openVideo(at(name), { ffmpeg })).frames()) frames.push(frame)
  return frames
}

/** Mean difference of two pictures in gray steps. */
function difference(one: VideoFrame, other: VideoFrame): number {
  return one.data.reduce((sum, value, i) => sum + Math.abs(value - other.data[i]), 0) / one.data.length
}

describe.each(eachFfmpeg)('what is not plain, read %s', (_, ffmpeg) => {
  const refusal = (work: Promise<unknown>): Promise<MatteboxError> =>
    work.then(
      () => expect.unreachable('no error'),
      (error: unknown) => error as MatteboxError,
    )
  const expectCodes = async (name: string, transfer: keyof typeof LIGHT, peakNits?: number): Promise<void> => {
    const [frame] = await framesOf(name, ffmpeg)
    for (const [n, code] of CODES.entries()) {
      const wanted = converted(code, transfer, peakNits)
      const [b, g, r, a] = frame.data.subarray((8 * frame.width + n * STRIPE + STRIPE / 2) * 4)
      expect(a).toBe(255)
      for (const [i, got] of [r, g, b].entries()) {
        expect(
          Math.abs(got - wanted[i]),
          `${name} ${code.join()}: ${[r, g, b].join()}, not ${wanted.join()}`,
        ).toBeLessThanOrEqual(2)
      }
    }
  }

  it('tone-maps HDR (PQ and HLG) to BT.709: dark as it is, the brightest as white, hues kept', async () => {
    await expectCodes('smpte2084.mkv', 'smpte2084', 1000)
    await expectCodes('arib-std-b67.mkv', 'arib-std-b67', 1000)
    const { info, warnings } = await openVideo(at('arib-std-b67.mkv'), { ffmpeg })
    expect(info.colour).toMatchObject({ primaries: 'bt709', transfer: 'bt709' })
    expect(warnings).toEqual(['HDR (HLG) is tone-mapped to SDR (BT.709).'])
  })

  it('tone-maps from the brightest light that the file names', async () => {
    await expectCodes('peak.mkv', 'smpte2084', 400)
  })

  it('takes HDR without further tags as BT.2020', async () => {
    await expectCodes('untagged.mkv', 'smpte2084', 1000)
  })

  it('reads HDR of an odd size', async () => {
    const [frame] = await framesOf('odd.mkv', ffmpeg)
    expect([frame.width, frame.height]).toEqual([159, 31])
    expect(frame.data[(8 * 159 + 5 * STRIPE + 8) * 4]).toBeGreaterThanOrEqual(253)
  })

  it('converts wide gamut to BT.709 without tone mapping', async () => {
    await expectCodes('bt709.mkv', 'bt709')
  })

  it('writes HDR on with the tags of what it became', async () => {
    for (const name of ['clip.mp4', 'clip.webm']) {
      await passThrough(at('smpte2084.mkv'), out(name), 'bgr0', { ffmpeg })
      const { streams } = (await show(ffmpegs.at(-1)!, out(name), '-show_streams')) as { streams: object[] }
      const bt709 = { color_space: 'bt709', color_primaries: 'bt709', color_transfer: 'bt709', color_range: 'tv' }
      expect(streams[0]).toMatchObject(bt709)
    }
  })

  it.each([
    ['smpte2084.mkv', 'zscale', 'HDR (PQ)'],
    ['arib-std-b67.mkv', 'tonemap', 'HDR (HLG)'],
    ['top.mp4', 'bwdif', 'interlaced'],
  ])('refuses %s by name where ffmpeg lacks %s', async (name, filter, what) => {
    const poor = at(`without-${filter}`)
    writeFileSync(poor, `#!/bin/sh\nexec "${ffmpeg.ffmpeg.path}" "$@" | grep -v ' ${filter} '\n`)
    chmodSync(poor, 0o755)
    expect(
      await refusal(openVideo(at(name), { ffmpeg: { ...ffmpeg, ffmpeg: { ...ffmpeg.ffmpeg, path: poor } } })),
    ).toMatchObject({
      code: 'FFMPEG_MISSING',
      message: `${name} is ${what}, which needs ffmpeg's filter ${filter}; ${poor} lacks it.`,
      mend: expect.stringContaining('MATTEBOX_FFMPEG') as string,
    })
  })

  it('refuses Dolby Vision that has no picture for other displays', async () => {
    expect(await refusal(openVideo(at('dolby.mp4'), { ffmpeg }))).toMatchObject({
      code: 'INPUT_UNSUPPORTED',
      message: expect.stringContaining('Dolby Vision') as string,
    })
  })

  it.each(['top.mp4', 'bottom.mp4', 'tagged.mov'])(
    'deinterlaces %s: as many pictures as before, each as it was when its first field was taken',
    async (name) => {
      const source = await openVideo(at(name), { ffmpeg })
      expect(source.warnings).toEqual(['The video is interlaced: it is deinterlaced, one picture for two fields.'])
      const [whole, made] = [await framesOf('whole.mkv'), await framesOf(name, ffmpeg)]
      expect(made.map(({ timeSeconds }) => Math.round(timeSeconds * 1000))).toEqual([
        0, 40, 80, 120, 160, 200, 240, 280, 320, 360,
      ])
      // The first and the last lack a neighbour in time.
      for (let n = 1; n < made.length - 1; n++) {
        const [own, next] = [difference(made[n], whole[2 * n]), difference(made[n], whole[2 * n + 1])]
        expect(own).toBeLessThan(3)
        expect(next).toBeGreaterThan(2 * own)
      }
    },
  )

  it.each([
    ['clip.webm', 0.01],
    ['clip.mp4', 0],
    ['clip.mov', 0],
    ['clip.mkv', 0],
  ] as const)('keeps pixels that are not square in %s, turned ones too', async (name, tolerance) => {
    for (const [input, wanted, size] of [
      ['anamorphic.mp4', 16 / 11, [160, 96]],
      ['anamorphic-turned.mp4', 11 / 16, [96, 160]],
    ] as const) {
      await passThrough(at(input), out(name), 'bgr0', { ffmpeg, force: true })
      const { streams } = (await show(ffmpegs.at(-1)!, out(name), '-show_streams')) as {
        streams: [{ width: number; height: number; sample_aspect_ratio: string }]
      }
      const [num, den] = streams[0].sample_aspect_ratio.split(':').map(Number)
      expect([streams[0].width, streams[0].height]).toEqual(size)
      expect(Math.abs(num / den / wanted - 1)).toBeLessThanOrEqual(tolerance)
      const again = (await openVideo(out(name), { ffmpeg })).info.pixelAspect
      expect(again.num / again.den).toBeCloseTo(num / den, 5)
    }
  })

  it.each(['clip.gif', 'clip.webp', 'frames'])('says that programs show the pixels of %s square', async (name) => {
    const { warnings } = await passThrough(at('anamorphic.mp4'), out(name), 'bgra', { ffmpeg })
    expect(warnings).toEqual([`${name} has pixels of 16:11, which most programs show square: it looks too narrow.`])
  })
})
