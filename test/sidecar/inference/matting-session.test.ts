import { describe, expect, it } from 'vitest'
import { MattingSession, type LowFrame, type MattingOptions } from '../../../src/sidecar/inference/matting-session.ts'
import { randomWeights } from '../../model/random-weights.ts'
import { seededRandom } from '../../model/seeded-random.ts'

const weights = randomWeights(3)
const options: MattingOptions = {
  weights: () => weights,
  provider: 'cpu',
  threads: 1,
  refiner: 'deep',
  planes: 8,
  cutDetection: false,
}

/** A picture with structure, the same for the same seed; `shift` moves it by so many pixels. */
function picture(seed: number, width = 64, height = 48, shift = 0): LowFrame {
  const random = seededRandom(seed)
  const waves = Array.from({ length: 6 }, () => [random() * 0.3, random() * 0.3, random() * 7] as const)
  const data = new Uint8Array(width * height * 4)
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let c = 0; c < 3; c++) {
        const sum = waves.reduce((total, [fx, fy, phase]) => total + Math.sin((x + shift) * fx + y * fy + phase + c), 0)
        data[(y * width + x) * 4 + c] = Math.round(127 + 20 * sum)
      }
    }
  }
  return { data, width, height }
}

/** The planes of every frame, copied. */
async function stepAll(session: MattingSession, frames: readonly LowFrame[]): Promise<Float32Array[]> {
  const planes: Float32Array[] = []
  for (const frame of frames) planes.push((await session.step(frame)).planes.slice())
  return planes
}

const alone = async (...frames: LowFrame[]): Promise<Float32Array> => {
  await using session = new MattingSession(options)
  return (await stepAll(session, frames)).at(-1)!
}

const moving = [0, 1, 2].map((shift) => picture(1, 64, 48, shift))

describe('a matting session', () => {
  it('remembers: the same frame is answered otherwise after others', async () => {
    expect(await alone(...moving)).not.toEqual(await alone(moving[2]))
  })

  it('answers the same again for the same frames', async () => {
    expect(await alone(...moving)).toEqual(await alone(...moving))
  })

  it('is not changed by warming up', async () => {
    await using session = new MattingSession(options)
    await session.warm(64, 48)
    expect((await stepAll(session, moving))[2]).toEqual(await alone(...moving))
    expect(Object.values(session.resets).every((count) => count === 0)).toBe(true)
  })

  it('forgets before the first frame of a new epoch, whatever was lost between, and counts the reason', async () => {
    await using session = new MattingSession(options)
    const got = await stepAll(session, [
      { ...moving[0], epoch: 1 },
      { ...moving[1], epoch: 1 },
      { ...moving[2], epoch: 4, reason: 'scene' },
    ])
    expect(got[2]).toEqual(await alone(moving[2]))
    expect(session.resets).toMatchObject({ scene: 1, asked: 0, cut: 0, size: 0 })
  })

  it('keeps its memory while the epoch stays', async () => {
    await using session = new MattingSession(options)
    const got = await stepAll(
      session,
      moving.map((frame) => ({ ...frame, epoch: 7 })),
    )
    expect(got[2]).toEqual(await alone(...moving))
  })

  it('begins anew for a frame of another size, and counts it', async () => {
    await using session = new MattingSession(options)
    const other = picture(2, 48, 80)
    const got = await stepAll(session, [...moving, other])
    expect(got[3]).toEqual(await alone(other))
    expect(session.resets.size).toBe(1)
  })

  it('forgets when it is asked to, once', async () => {
    await using session = new MattingSession(options)
    await session.step(moving[0])
    session.reset('restart')
    const { planes, reset } = await session.step(moving[1])
    expect(planes).toEqual(await alone(moving[1]))
    expect(reset).toBe('restart')
    expect((await session.step(moving[2])).reset).toBeUndefined()
    expect(session.resets.restart).toBe(1)
  })

  it('forgets where the content jumps, if cut detection is on', async () => {
    const cut = [...[0, 1, 2].map((shift) => picture(1, 128, 96, shift)), picture(9, 128, 96)]
    await using watching = new MattingSession({ ...options, cutDetection: true })
    expect((await stepAll(watching, cut))[3]).toEqual(await alone(cut[3]))
    expect(watching.resets.cut).toBe(1)
    await using blind = new MattingSession(options)
    expect((await stepAll(blind, cut))[3]).not.toEqual(await alone(cut[3]))
    expect(blind.resets.cut).toBe(0)
  })

  it('never hands out numbers that are none: it fails, forgets and counts', async () => {
    const broken = new Map(weights)
    broken.set('project_mat.conv.bias', { shape: [4], data: Float32Array.of(0, 0, 0, NaN) })
    await using session = new MattingSession({ ...options, weights: () => broken })
    await expect(session.step(moving[0])).rejects.toMatchObject({ code: 'INFERENCE' })
    expect(session.resets.error).toBe(1)
  })

  it('refuses a frame whose bytes are not its size, and stays usable', async () => {
    await using session = new MattingSession(options)
    await session.step(moving[0])
    const short = { ...moving[1], data: moving[1].data.subarray(4) }
    await expect(session.step(short)).rejects.toMatchObject({ code: 'SHAPE' })
    await session.step(moving[1])
    expect((await session.step(moving[2])).planes).toEqual(await alone(...moving))
  })
})
