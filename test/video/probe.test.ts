import { mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import type { MatteboxError } from '../../src/errors/index.ts'
import { probe, type VideoInfo } from '../../src/video/probe.ts'
import { eachFfmpeg, makeMedia, scratchFolder } from './media-tools.ts'

const folder = scratchFolder()
const at = (name: string): string => resolve(folder, name)
const pattern = (size: string, seconds: number, rate = '25'): string[] => [
  ...['-f', 'lavfi', '-i', `testsrc=size=${size}:rate=${rate}:duration=${seconds}`],
]
const beep = ['-f', 'lavfi', '-i', 'sine=frequency=440:duration=1']
const h264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p']
const ffv1 = ['-c:v', 'ffv1']

beforeAll(async () => {
  await makeMedia(at('plain.mp4'), ...pattern('128x72', 2, '30000/1001'), ...beep, ...h264, '-c:a', 'aac')
  await makeMedia(at('alpha.webm'), ...pattern('64x48', 0.2), '-c:v', 'libvpx-vp9', '-pix_fmt', 'yuva420p')
  await makeMedia(at('full-range.mkv'), ...pattern('64x48', 0.2), ...ffv1, '-pix_fmt', 'yuv444p', '-color_range', 'pc')
  await makeMedia(
    at('hlg-gray.mkv'),
    ...pattern('64x48', 0.2),
    ...ffv1,
    '-pix_fmt',
    'gray',
    '-color_trc',
    'arib-std-b67',
  )
  const pqAlpha = ['-pix_fmt', 'yuva420p10le', '-color_trc', 'smpte2084']
  await makeMedia(at('pq-alpha.mkv'), ...pattern('64x48', 0.2), ...ffv1, ...pqAlpha)
  await makeMedia(at('linear.mp4'), ...pattern('64x48', 0.2), ...h264, '-color_trc', 'linear')
  await makeMedia(at('film.mp4'), ...pattern('64x48', 0.2), ...h264, '-color_primaries', 'film')
  await makeMedia(at('constant.mp4'), ...pattern('64x48', 0.2), ...h264, '-colorspace', 'bt2020c')
  await makeMedia(at('ten-bit.mkv'), ...pattern('64x48', 0.2), ...ffv1, '-pix_fmt', 'yuv420p10le')
  await makeMedia(at('odd-pixels.mp4'), ...pattern('64x48', 0.2), '-vf', 'setsar=17/1', ...h264)
  await makeMedia(at('sound.m4a'), ...beep)
  await makeMedia(at('cover.png'), ...pattern('64x64', 0.04), '-frames:v', '1')
  await makeMedia(at('song.mp3'), ...beep, '-i', at('cover.png'), '-map', '0', '-map', '1', '-c:v', 'copy')
  await makeMedia(at('two-sounds.mkv'), ...pattern('64x48', 1), ...beep, ...beep, '-map', '0', '-map', '1', '-map', '2')
  writeFileSync(at('cut-off.mp4'), readFileSync(at('plain.mp4')))
  truncateSync(at('cut-off.mp4'), 5000)
  writeFileSync(at('empty.mp4'), '')
  writeFileSync(at('text.txt'), 'This is no video.\n'.repeat(200))
  writeFileSync(at('text.mp4'), 'This is no video.\n'.repeat(200))
  writeFileSync(at('picture.heic'), Buffer.concat([Buffer.from('\0\0\0\x18ftypheic'), Buffer.alloc(100)]))
  mkdirSync(at('folder'))
})

describe.each(eachFfmpeg)('probing %s', (_, ffmpeg) => {
  const info = (name: string): Promise<VideoInfo> => probe(at(name), ffmpeg)
  const refusal = async (name: string): Promise<MatteboxError> =>
    info(name).then(
      () => expect.unreachable(`${name} was taken`),
      (error: unknown) => error as MatteboxError,
    )

  it('answers size, times, colour and sound of a clip', async () => {
    const { durationSeconds, ...rest } = await info('plain.mp4')
    expect(durationSeconds).toBeCloseTo(2, 1)
    expect(rest).toMatchObject({
      kind: 'video',
      codec: 'h264',
      width: 128,
      height: 72,
      storedWidth: 128,
      storedHeight: 72,
      orientation: 'upright',
      averageFrameRate: { num: 30000, den: 1001 },
      realFrameRate: { num: 30000, den: 1001 },
      timeBase: { num: 1, den: 30000 },
      frameCount: 60,
      pixelFormat: 'yuv420p',
      alpha: false,
      colour: { matrix: 'bt601', range: 'limited' },
      audio: [{ index: 1, codec: 'aac', channels: 1 }],
      warnings: [],
    })
  })

  it('sees the alpha of VP9, which the stream itself hides', async () => {
    expect(await info('alpha.webm')).toMatchObject({ alpha: true, decoder: 'libvpx-vp9' })
  })

  it('sees full range by the tag', async () => {
    expect((await info('full-range.mkv')).colour).toMatchObject({ range: 'full', matrix: 'bt601' })
  })

  it('takes a picture as one frame', async () => {
    expect(await info('cover.png')).toMatchObject({ kind: 'image', frameCount: 1, durationSeconds: undefined })
  })

  it('sees every sound track', async () => {
    expect(await info('two-sounds.mkv')).toMatchObject({ audio: [{ index: 1 }, { index: 2 }], warnings: [] })
  })

  it('says that 10 bits become 8', async () => {
    expect(await info('ten-bit.mkv')).toMatchObject({ warnings: ['10-bit colour becomes 8-bit.'] })
  })

  it.each([
    ['hlg-gray.mkv', 'HDR (HLG) in gray'],
    ['pq-alpha.mkv', 'HDR (PQ) with alpha'],
    ['linear.mp4', 'linear light'],
    ['film.mp4', 'colour primaries film'],
    ['constant.mp4', 'colour matrix bt2020c'],
    ['odd-pixels.mp4', 'a pixel of 17:1'],
    ['picture.heic', 'HEIF'],
  ])('refuses %s by name: %s', async (name, property) => {
    const { code, message, mend } = await refusal(name)
    expect({ code, message }).toMatchObject({
      code: 'INPUT_UNSUPPORTED',
      message: expect.stringContaining(property) as string,
    })
    expect(message).toContain(name)
    expect(mend).not.toBe('')
  })

  it.each([
    ['absent.mp4', 'does not exist'],
    ['folder', 'is a folder'],
    ['/dev/null', 'is a device, and no camera that can be read'],
    ['empty.mp4', 'is empty'],
    ['text.txt', 'no video'],
    ['text.mp4', 'damaged or no video'],
    ['sound.m4a', 'has sound but no video'],
    ['song.mp3', 'has sound but no video'],
    ['cut-off.mp4', 'damaged'],
  ])('says why %s cannot be read: %s', async (name, reason) => {
    const { code, message, mend } = await refusal(name)
    expect({ code, message }).toMatchObject({
      code: 'INPUT_UNREADABLE',
      message: expect.stringContaining(reason) as string,
    })
    expect(message).toContain(name)
    expect(message.length).toBeLessThan(400)
    expect(message).not.toContain('\n')
    expect(mend).not.toBe('')
  })
})
