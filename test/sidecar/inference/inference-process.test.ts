/**
 * The inference process, started as the main process starts it: real onnxruntime, the real channel, a filter without
 * OBS at its other end.
 *
 * Seen red: with `restart` not said; listening while cold; going on without a parent; never asking for a second process;
 * dying of Ctrl-C; frames that are given up not counted, or taken and forgotten (row 9); the epoch left out; the record's offsets shifted; plans ignored;
 * channels closed without a bye.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import { loadWeights } from '../../../src/model/weights/index.ts'
import { narrowToHalf } from '../../../src/model/weights/half-float.ts'
import { MESSAGES, WIRE_REASONS } from '../../../src/sidecar/inference/channel/index.ts'
import type { RecordedFrame } from '../../../src/sidecar/inference/frame-record.ts'
import { MattingSession } from '../../../src/sidecar/inference/matting-session.ts'
import type { Weights } from '../../../src/model/weights/tensor.ts'
import { randomWeights } from '../../model/random-weights.ts'
import { HELLO, hashOf, pixelsOf, type FilterPeer } from '../../native/addon/filter-peer.ts'
import { compiled } from './compiled.ts'
import { DEFAULTS, firstMatte, InferenceChild, joinedFilter, workshop } from './inference-child.ts'

const program = compiled('sidecar/inference/inference-process.ts', 'sidecar/inference/provider-probe-child.ts')
afterAll(() => program.remove())

let place: ReturnType<typeof workshop>
let toEnd: { end(): Promise<void> }[] = []

beforeEach(() => (place = workshop()))
afterEach(async () => {
  for (const one of toEnd) await one.end()
  toEnd = []
  place[Symbol.dispose]()
})

function start(config: Partial<Parameters<typeof InferenceChild.start>[1]> = {}): InferenceChild {
  const child = InferenceChild.start(program.path, {
    model: place.model,
    socket: place.socket,
    // Builds here, however slow this machine is at the moment.
    longestBlockMs: Infinity,
    ...config,
  })
  toEnd.push(child)
  return child
}

async function filter(...[hello, settings]: [hello?: object, settings?: object]): Promise<FilterPeer> {
  const peer = await joinedFilter(place.socket, hello, settings)
  toEnd.push(peer)
  return peer
}

async function ready(child: InferenceChild): Promise<InferenceChild> {
  await child.hears('listening')
  await child.hears('engine', ({ engine }) => engine.state === 'ready')
  return child
}

/** Reliability row 9: whatever a filter wrote is answered or dropped for a reason, exactly, once all is at rest. */
async function expectAccounted(child: InferenceChild, peer: FilterPeer, filterId = HELLO.filterId): Promise<void> {
  const sums = (): number[] => {
    const told = child.heard.findLast((message) => message.kind === 'sources')
    const counters = told?.sources.find(({ hello }) => hello.filterId === filterId)?.counters
    if (counters === undefined) return []
    const dropped = Object.values(counters.dropped).reduce((sum, count) => sum + count, 0)
    return [counters.received, counters.answered + dropped]
  }
  await expect.poll(sums, { timeout: 5000 }).toEqual([peer.written, peer.written])
}

const restart = WIRE_REASONS.indexOf('restart')

describe('the inference process', () => {
  it('listens at once, and says what the network runs on', async () => {
    const child = start()
    expect(await child.hears('listening')).toEqual({ kind: 'listening', path: place.socket })
    const { engine } = await child.hears('engine', ({ engine }) => engine.state === 'ready')
    expect(engine).toMatchObject({ state: 'ready', provider: 'cpu', model: 'made-up', passedOver: [] })
  })

  it('gives a sign of life twice a second', async () => {
    const child = await ready(start())
    await new Promise((resolve) => setTimeout(resolve, 1700))
    expect(child.heard.filter(({ kind }) => kind === 'alive').length).toBeGreaterThanOrEqual(3)
    const { rssBytes, cpuMs } = await child.hears('alive')
    expect(rssBytes).toBeGreaterThan(2 ** 20)
    expect(cpuMs).toBeGreaterThan(1)
  })

  it('answers the newest frame with the planes that were asked for', async () => {
    const child = await ready(start())
    const peer = await filter({}, { decontaminate: false })
    expect(await firstMatte(peer)).toMatchObject({ planes: 2, width: 64, height: 48, reason: 0 })
    await peer.do(`send ${MESSAGES.settings} ${JSON.stringify({ ...DEFAULTS, decontaminate: true })}`)
    let matte = await firstMatte(peer, 1000)
    for (let id = 2000; matte.planes !== 8; id += 1000) matte = await firstMatte(peer, id)
    // Another session, with nothing in its memory.
    expect(matte.reason).toBe(restart)
    expect((await firstMatte(peer, 100_000)).reason).toBe(0)
    const { sources } = await child.hears('sources', ({ sources }) =>
      sources.some(({ counters }) => counters.answered > 2),
    )
    expect(sources[0].hello).toMatchObject({ source: 'Camera' })
    await expectAccounted(child, peer)
  })

  it('computes what the session computes', async () => {
    const record = join(place.folder, 'record')
    await ready(start({ record }))
    const peer = await filter({}, { decontaminate: false, cut_detection: false })
    const mattes = [await firstMatte(peer)]
    for (let id = 1001; id < 1006; id++) {
      await peer.send(id, id < 1004 ? 1 : 2, id < 1004 ? 1 : 2)
      mattes.push(await peer.matte())
    }
    const { weights } = await loadWeights(place.model.path)
    await using session = new MattingSession({
      weights: () => weights,
      provider: 'cpu',
      threads: 1,
      refiner: 'deep',
      planes: 2,
      cutDetection: false,
    })
    for (const { frameId, epoch, hash } of mattes) {
      const size = { width: 64, height: 48 }
      const { planes } = await session.step({ data: pixelsOf(frameId, size), ...size, epoch, reason: 'asked' })
      expect(hash, `frame ${frameId}`).toBe(hashOf(texelsOf(planes)))
    }
  })

  it('records what it stepped, where that was asked for', async () => {
    const record = join(place.folder, 'record')
    await ready(start({ record }))
    const peer = await filter()
    const { frameId } = await firstMatte(peer)
    await peer.send(7000)
    while ((await peer.matte()).frameId !== 7000);
    let lines: RecordedFrame[] = []
    for (let tries = 0; lines.at(-1)?.id !== 7000 && tries < 100; tries++) {
      await new Promise((resolve) => setTimeout(resolve, 20))
      const file = readdirSync(record).find((name) => name.endsWith('.jsonl'))
      if (file === undefined) continue
      const text = readFileSync(join(record, file), 'utf8')
      lines = text
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line) as RecordedFrame)
    }
    expect(lines[0]).toMatchObject({
      id: frameId,
      epoch: 1,
      width: 64,
      height: 48,
      refiner: 'deep',
      planes: 8,
      offset: 0,
    })
    const { offset } = lines.at(-1)!
    expect(offset).toBe((lines.length - 1) * 64 * 48 * 4)
    const pixels = readFileSync(
      join(
        record,
        readdirSync(record).find((name) => name.endsWith('.bgra'))!,
      ),
    )
    expect(pixels.subarray(offset).equals(pixelsOf(7000, { width: 64, height: 48 }))).toBe(true)
  })

  it('says ready to another size when its network is there, and answers frames of it', async () => {
    const child = await ready(start())
    const peer = await filter()
    await firstMatte(peer)
    await peer.do('memory 80 48')
    await peer.do(`offer ${MESSAGES.memory} ${JSON.stringify({ width: 80, height: 48 })}`)
    let message = await peer.message()
    while (message.type !== MESSAGES.ready) message = await peer.message()
    expect(message.body).toEqual({ width: 80, height: 48 })
    await peer.do('use')
    await peer.send(9000, 2, WIRE_REASONS.indexOf('size'))
    // The filter's own reset: nothing of it is the sidecar's.
    expect(await peer.matte()).toMatchObject({ frameId: 9000, width: 80, height: 48, reason: 0 })
    await expectAccounted(child, peer)
  })

  it('begins anew, and says so, for a filter that another sidecar served', async () => {
    const child = await ready(start())
    const peer = await filter({ welcomed: true })
    expect((await firstMatte(peer)).reason).toBe(restart)
    await expectAccounted(child, peer)
  })

  it('tells filters why there is no matte where there is no model, and gives their frames up', async () => {
    const error = { code: 'MODEL_NONE', message: 'No model is installed.', mend: 'Install one.' }
    const child = start({ model: { error } })
    await child.hears('engine', ({ engine }) => engine.state === 'none')
    const peer = await filter()
    for (let id = 1; id <= 3; id++) await peer.send(id)
    let body: { error: object | null; dropped: Record<string, number>; received: number }
    do body = (await peer.message()).body as typeof body
    while (body.received < 3)
    expect(body.error).toEqual(error)
    expect(body.dropped['unready'] + body.dropped['newer']).toBe(3)
    await expectAccounted(child, peer)
  })

  it('says what is wrong with a model file, to the main process and to filters', async () => {
    const child = start({ model: { name: 'gone', path: join(place.folder, 'gone.safetensors') } })
    const { engine } = await child.hears('engine', ({ engine }) => engine.state === 'none')
    expect(engine).toMatchObject({ error: { code: 'MODEL_UNKNOWN' } })
    expect(child.hasEnded).toBe(false)
  })

  it('sends no matte with numbers that are none, begins anew after each, and gives a provider up that makes no others', async () => {
    using broken = workshop(overflowing())
    const child = start({ model: broken.model })
    await ready(child)
    const peer = await filter()
    for (let id = 1; !child.hasEnded && id < 500; id++) {
      if (await peer.frame(id).catch(() => false)) await peer.do('bell').catch(() => undefined)
      await expect(peer.matte(20)).rejects.toThrow()
    }
    const { provider, error } = await child.hears('failed')
    expect(provider).toBe('cpu')
    expect(error.message).toMatch(/numbers that are none .* 30 times in a row/)
    expect(await child.ended()).toBe(1)
  })

  it('cannot begin where it cannot listen', async () => {
    const child = start({ socket: '/proc/channel.sock' })
    expect((await child.hears('unable')).error.code).toBe('CHANNEL_SOCKET')
    expect(await child.ended()).toBe(1)
  })

  it('takes over when its networks are warm, and the other says bye', async () => {
    const old = await ready(start())
    const peer = await filter()
    await firstMatte(peer)
    const plans = [{ filterId: '0123456789abcdef', width: 64, height: 48, refiner: 'deep', planes: 8 } as const]
    const fresh = start({ takesOver: true, plans })
    await fresh.hears('listening')
    expect(fresh.heard.findIndex(({ kind }) => kind === 'phase')).toBeLessThan(
      fresh.heard.findIndex(({ kind }) => kind === 'listening'),
    )
    old.say({ kind: 'retire' })
    let message = await peer.message()
    while (message.type !== MESSAGES.bye) message = await peer.message()
    expect(await old.ended()).toBe(0)
    // The socket is the other one's now.
    const again = await filter({ welcomed: true })
    // Its network was built before it came: the very first frame is answered.
    await new Promise((resolve) => setTimeout(resolve, 100))
    await again.send(1)
    expect(await again.matte()).toMatchObject({ frameId: 1, reason: restart })
    await expectAccounted(fresh, again)
  })

  it('does not take over with a model that cannot be used', async () => {
    const child = start({ takesOver: true, model: { name: 'gone', path: join(place.folder, 'gone.safetensors') } })
    expect((await child.hears('unable')).error.code).toBe('MODEL_UNKNOWN')
    expect(await child.ended()).toBe(1)
    expect(existsSync(place.socket)).toBe(false)
  })

  it('asks for a second process where building would make somebody wait', async () => {
    const child = await ready(start({ longestBlockMs: 0 }))
    const peer = await filter()
    await firstMatte(peer)
    const other = await filter({ filterId: '00000000000000aa', width: 80 })
    const { plans } = await child.hears('handover')
    expect(plans).toContainEqual({ filterId: '00000000000000aa', width: 80, height: 48, refiner: 'deep', planes: 8 })
    expect(plans).toContainEqual({ filterId: '0123456789abcdef', width: 64, height: 48, refiner: 'deep', planes: 8 })
    child.say({ kind: 'buildHere' })
    expect(await firstMatte(other)).toMatchObject({ width: 80 })
    await expectAccounted(child, peer)
    await expectAccounted(child, other, '00000000000000aa')
  })

  it('ends with its parent, whatever it does then', async () => {
    const child = await ready(start())
    child.child.disconnect()
    expect(await child.ended()).toBe(0)
  })

  it('does not end at the terminal’s Ctrl-C: the main process decides', async () => {
    const child = await ready(start())
    child.child.kill('SIGINT')
    await new Promise((resolve) => setTimeout(resolve, 200))
    expect(child.hasEnded).toBe(false)
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

/** Two planes as they lie in shared memory: fp16, interleaved. */
function texelsOf(planes: Float32Array): Uint8Array {
  const area = planes.length / 2
  const interleaved = Float32Array.from({ length: planes.length }, (_, i) => planes[(i % 2) * area + (i >> 1)])
  return new Uint8Array(narrowToHalf(interleaved).buffer)
}
