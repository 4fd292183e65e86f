/**
 * Frames that are matted without OBS, by the real inference process: alone, beside sources, and without the addon.
 *
 * Seen red: with the pixels' red and blue left as they come; with one session for all clients; with frames of clients
 * stepped before those of sources; with `objection` never asked; without the limit of clients; with `reset` not passed
 * on; with `endWithParent` wanted although there is no addon.
 */
import { rmSync } from 'node:fs'
import { join, sep } from 'node:path'
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { narrowToHalf } from '../../../src/model/weights/half-float.ts'
import { loadWeights } from '../../../src/model/weights/index.ts'
import type { Weights } from '../../../src/model/weights/tensor.ts'
import type { TryAnswer, TryRequest } from '../../../src/sidecar/contract/inference-process.ts'
import { MattingSession } from '../../../src/sidecar/inference/matting-session.ts'
import { TryClients } from '../../../src/sidecar/inference/try-clients.ts'
import { randomWeights } from '../../model/random-weights.ts'
import { pixelsOf, type FilterPeer } from '../../native/addon/filter-peer.ts'
import { compiled } from './compiled.ts'
import { drained, firstMatte, InferenceChild, joinedFilter, workshop } from './inference-child.ts'

const FILES = ['sidecar/inference/inference-process.ts', 'sidecar/inference/provider-probe-child.ts'] as const
const program = compiled(...FILES)
const withoutAddon = compiled(...FILES)
const dist = `${sep}dist${sep}`
rmSync(join(withoutAddon.path.slice(0, withoutAddon.path.indexOf(dist)), 'build'))
afterAll(() => {
  program.remove()
  withoutAddon.remove()
})

let place: ReturnType<typeof workshop>
let toEnd: { end(): Promise<void> }[] = []

beforeEach(() => (place = workshop()))
afterEach(async () => {
  for (const one of toEnd) await one.end()
  toEnd = []
  place[Symbol.dispose]()
})

function start(config: Partial<Parameters<typeof InferenceChild.start>[1]> = {}, { path } = program): InferenceChild {
  const { model, socket } = place
  const child = InferenceChild.start(path, { model, socket, longestBlockMs: Infinity, ...config })
  toEnd.push(child)
  return child
}

async function ready(child: InferenceChild): Promise<InferenceChild> {
  await child.hears('engine', ({ engine }) => engine.state === 'ready')
  return child
}

async function filter(hello: object = {}, settings: object = {}): Promise<FilterPeer> {
  const peer = await joinedFilter(place.socket, hello, { cut_detection: false, ...settings })
  toEnd.push(peer)
  return peer
}

const SIZE = { width: 64, height: 48 }

function frameOf(id: number, changes: Partial<TryRequest> = {}): TryRequest {
  const { width = SIZE.width, height = SIZE.height } = changes
  const bgra = pixelsOf(id, { width, height })
  const rgba = bgra.map((_, i) => bgra[i % 4 === 3 ? i : i - (i % 4) + 2 - (i % 4)])
  return { id, width, height, refiner: 'deep', planes: 2, reset: false, cutDetection: false, rgba, ...changes }
}

async function answerTo(child: InferenceChild, frame: TryRequest, client = 'one'): Promise<TryAnswer> {
  const isIts = (message: { client: string; answer: TryAnswer }) =>
    message.client === client && message.answer.id === frame.id
  child.say({ kind: 'tryFrame', client, frame })
  return (await child.hears('tryAnswer', isIts)).answer
}

async function matteOf(...args: Parameters<typeof answerTo>): Promise<Extract<TryAnswer, { kind: 'matte' }>> {
  const answer = await answerTo(...args)
  if (answer.kind !== 'matte') throw new Error(JSON.stringify(answer))
  return answer
}

async function session(planes: 2 | 8 = 2): Promise<MattingSession> {
  const { weights } = await loadWeights(place.model.path)
  const options = { provider: 'cpu', threads: 1, refiner: 'deep', planes, cutDetection: false } as const
  return new MattingSession({ weights: () => weights, ...options })
}

async function texelsOf(session: MattingSession, id: number): Promise<Buffer> {
  const { planes } = await session.step({ data: pixelsOf(id, SIZE), ...SIZE })
  return Buffer.from(narrowToHalf(planes).buffer)
}

describe('a frame without OBS', { timeout: 120_000 }, () => {
  it('is answered with what the session computes of it', async () => {
    const child = await ready(start())
    await using one = await session()
    for (const id of [1, 2, 3, 4]) {
      const reset = id === 3
      const answer = await matteOf(child, frameOf(id, { reset }))
      if (reset) one.reset('asked')
      expect(answer).toMatchObject({ ...SIZE, planes: 2, provider: 'cpu', model: 'made-up' })
      expect(answer.runMs).toBeGreaterThan(0)
      expect(Buffer.from(answer.texels).equals(await texelsOf(one, id)), `frame ${id}`).toBe(true)
    }
  })

  it('has eight planes where a foreground is wanted', async () => {
    const child = await ready(start())
    await using one = await session(8)
    const { texels, planes } = await matteOf(child, frameOf(1, { planes: 8 }))
    expect(planes).toBe(8)
    expect(Buffer.from(texels).equals(await texelsOf(one, 1))).toBe(true)
  })

  it('has the memory of its own client alone', async () => {
    const child = await ready(start())
    await using one = await session()
    await using other = await session()
    for (const id of [1, 2, 3]) {
      const answers = [await matteOf(child, frameOf(id)), await matteOf(child, frameOf(50 + id), 'other')]
      expect(Buffer.from(answers[0].texels).equals(await texelsOf(one, id))).toBe(true)
      expect(Buffer.from(answers[1].texels).equals(await texelsOf(other, 50 + id))).toBe(true)
    }
    // Gone and back, it begins anew.
    child.say({ kind: 'tryEnd', client: 'one' })
    await using again = await session()
    expect(Buffer.from((await matteOf(child, frameOf(4))).texels).equals(await texelsOf(again, 4))).toBe(true)
  })

  it('says why the memory is empty', async () => {
    const child = await ready(start())
    const reasons: (string | null)[] = []
    for (const changes of [
      {},
      {},
      { reset: true },
      { width: 80 },
      { width: 80, refiner: 'fast' as const },
      { width: 80, refiner: 'fast' as const, planes: 8 as const },
      { width: 80, refiner: 'fast' as const, planes: 8 as const },
      { reset: true },
    ]) {
      reasons.push((await matteOf(child, frameOf(reasons.length, changes))).reset)
    }
    expect(reasons).toEqual(['first', null, 'asked', 'size', 'restart', 'restart', null, 'asked'])
  })

  it('finds a cut where that is wanted', async () => {
    const child = await ready(start())
    const half = (left: number, right: number) => (id: number) => {
      const frame = frameOf(id, { width: 128, height: 96, cutDetection: true })
      // Blocks that are found again, of two colours.
      const rgba = frame.rgba.map((_, i) => {
        const [x, y] = [(i >> 2) % 128, (i >> 2) >> 7]
        const value = (((x >> 3) * left + (y >> 3) * right) * 37) & 255
        return i % 4 === 3 ? 255 : i % 4 === right % 3 ? value : value >> 2
      })
      return { ...frame, rgba }
    }
    const [before, after] = [half(3, 1), half(5, 2)]
    for (const id of [1, 2, 3]) expect((await matteOf(child, before(id))).reset).toBe(id === 1 ? 'first' : null)
    expect((await matteOf(child, after(4))).reset).toBe('cut')
    expect((await matteOf(child, { ...before(5), cutDetection: false })).reset).toBe(null)
  })

  it('is refused with the reason where nothing runs the network, and dropped while the engine starts', async () => {
    const error = { code: 'MODEL_NONE', message: 'No model is installed.', mend: 'Install one.' }
    const child = start({ model: { error } })
    await child.hears('engine', ({ engine }) => engine.state === 'none')
    expect(await answerTo(child, frameOf(1))).toEqual({ kind: 'error', id: 1, error })
    const starting = start({ socket: join(place.folder, 'other.sock') })
    expect(await answerTo(starting, frameOf(1))).toEqual({ kind: 'dropped', id: 1 })
  })

  it.each([
    [{ width: 72 }, 64 * 48],
    [{ width: 2048 }, 2048 * 48],
    [{}, 64 * 48 - 1],
  ])('is refused where its size is none: %j, and the process goes on', async (changes, pixels) => {
    const child = await ready(start())
    const frame = { ...frameOf(1), ...changes, rgba: new Uint8Array(4 * pixels) }
    expect(await answerTo(child, frame)).toMatchObject({ kind: 'error', error: { code: 'SHAPE' } })
    await matteOf(child, frameOf(2))
  })

  it('of a fifth client is refused until another one goes', async () => {
    const child = await ready(start())
    for (const client of ['a', 'b', 'c', 'd']) await matteOf(child, frameOf(1), client)
    expect(await answerTo(child, frameOf(1), 'e')).toMatchObject({ kind: 'error', error: { code: 'TRY_FULL' } })
    child.say({ kind: 'tryEnd', client: 'b' })
    await matteOf(child, frameOf(2), 'e')
  })

  it('with numbers that are none is no matte; a provider that makes no others is given up', async () => {
    using broken = workshop(overflowing())
    const child = await ready(start({ model: broken.model }))
    for (let id = 1; id <= 30; id++) {
      expect(await answerTo(child, frameOf(id))).toMatchObject({ kind: 'error', error: { code: 'INFERENCE' } })
    }
    expect((await child.hears('failed')).provider).toBe('cpu')
    expect(await child.ended()).toBe(1)
  })
})

describe('a frame beside sources in OBS', { timeout: 120_000 }, () => {
  it('waits for them: of a machine that they take wholly it gets nothing, and is dropped after a second', async () => {
    const child = await ready(start({ threads: 1 }))
    const size = { width: 384, height: 224 }
    const peer = await filter(size)
    await firstMatte(peer)
    await matteOf(child, frameOf(1, { ...size, planes: 8 }))
    await drained(peer)
    const alone = await peer.film(180, 1000 / 60, 10_000)
    await drained(peer)
    const filming = peer.film(180, 1000 / 60, 20_000)
    await new Promise((resolve) => setTimeout(resolve, 200))
    const asked = performance.now()
    const answer = await answerTo(child, frameOf(2, { ...size, planes: 8 }))
    const waitedMs = performance.now() - asked
    const beside = await filming
    console.log(`alone ${alone.answered} frames of a source in 3 s, beside a client ${beside.answered}`)
    // More was wanted than there is.
    expect(alone.answered).toBeLessThan(150)
    expect(answer).toEqual({ kind: 'dropped', id: 2 })
    expect(waitedMs).toBeGreaterThan(900)
    // Whatever else runs here takes its part of such figures: they count where nothing does.
    if (process.env['MATTEBOX_FULL'] !== '1') return
    expect(waitedMs).toBeLessThan(2000)
    expect(beside.answered).toBeGreaterThan(0.75 * alone.answered)
  })

  it('is answered in the time that they leave', async () => {
    const child = await ready(start())
    const peer = await filter()
    await firstMatte(peer)
    await drained(peer)
    const filming = peer.film(60, 50, 10_000)
    let mattes = 0
    for (let id = 1; id < 20; id++) mattes += Number((await answerTo(child, frameOf(id))).kind === 'matte')
    expect(mattes).toBeGreaterThan(10)
    expect((await filming).answered).toBeGreaterThan(40)
  })

  it('that wants a network which they would wait for says what to do instead; one that is there serves', async () => {
    const child = await ready(start({ longestBlockMs: 0 }))
    await firstMatte(await filter({}, { decontaminate: false }))
    const { kind, ...rest } = await answerTo(child, frameOf(1, { width: 80 }))
    expect(kind).toBe('error')
    expect(rest).toMatchObject({
      error: { code: 'TRY_BUSY', mend: expect.stringMatching(/of a source in OBS/) as string },
    })
    await matteOf(child, frameOf(2))
    // A source that is hidden waits for nothing.
    await new Promise((resolve) => setTimeout(resolve, 2200))
    await matteOf(child, frameOf(3, { width: 80 }))
    expect(child.heard.some((message) => message.kind === 'handover')).toBe(false)
  })
})

describe('an inference process without the addon', { timeout: 120_000 }, () => {
  it('says why filters cannot connect, and mattes all the same', async () => {
    const child = await ready(start({}, withoutAddon))
    expect((await child.hears('unreachable')).error).toMatchObject({ code: 'CHANNEL_ADDON' })
    await matteOf(child, frameOf(1))
    expect(child.heard.some(({ kind }) => kind === 'listening' || kind === 'unable')).toBe(false)
  })

  it('takes over when it is warm', async () => {
    const plans = [{ filterId: '0123456789abcdef', ...SIZE, refiner: 'deep', planes: 8 } as const]
    const child = start({ takesOver: true, plans }, withoutAddon)
    await child.hears('unreachable')
    const kinds = child.heard.map((message) => message.kind)
    expect(kinds.indexOf('phase')).toBeLessThan(kinds.indexOf('unreachable'))
    expect(child.heard.some((message) => message.kind === 'engine' && message.engine.state === 'ready')).toBe(true)
  })

  it('ends with its parent', async () => {
    const child = await ready(start({}, withoutAddon))
    child.child.disconnect()
    expect(await child.ended()).toBe(0)
  })
})

describe('a client that says nothing more', () => {
  it('is let go of after half a minute', async () => {
    vi.useFakeTimers({ toFake: ['performance'] })
    try {
      const answers: TryAnswer[] = []
      const clients = new TryClients({
        answer: (_, answer) => answers.push(answer),
        objection: () => undefined,
        blocking: (work) => work(),
      })
      // No network is asked for: nobody steps.
      clients.start({} as never, {} as never)
      for (const client of ['a', 'b', 'c', 'd']) clients.take(client, frameOf(1))
      vi.advanceTimersByTime(29_000)
      clients.tidy()
      expect(answers).toHaveLength(4)
      clients.take('e', frameOf(2))
      expect(answers.at(-1)).toMatchObject({ kind: 'error', error: { code: 'TRY_FULL' } })
      vi.advanceTimersByTime(2000)
      clients.tidy()
      await Promise.resolve()
      clients.take('e', frameOf(3))
      expect(answers).toHaveLength(5)
    } finally {
      vi.useRealTimers()
    }
  })
})

/** Weights that are numbers, and answer none. */
function overflowing(): Weights {
  const weights = new Map(randomWeights(3))
  const name = 'project_mat.conv.bias'
  const { shape, data } = weights.get(name)!
  weights.set(name, { shape, data: data.map(() => 3e38) })
  return weights
}
