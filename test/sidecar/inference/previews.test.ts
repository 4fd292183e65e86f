/**
 * Previews of sources, made by the real inference process for real filters without OBS.
 *
 * Seen red: with every source watched; without the interval; with `isLate` not looked at (late previews take 2 % of the
 * time and more); with the preview of the frame before; without `gone` waited for.
 */
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { loadWeights } from '../../../src/model/weights/index.ts'
import type { Preview } from '../../../src/sidecar/contract/inference-process.ts'
import { MattingSession } from '../../../src/sidecar/inference/matting-session.ts'
import { Previews } from '../../../src/sidecar/inference/previews.ts'
import { pixelsOf, type FilterPeer } from '../../native/addon/filter-peer.ts'
import { compiled } from './compiled.ts'
import { discOn } from './drawn-picture.ts'
import { drained, firstMatte, InferenceChild, joinedFilter, workshop } from './inference-child.ts'

const WATCHED = '00000000000000aa'
const OTHER = '00000000000000bb'

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

async function inference(config: Partial<Parameters<typeof InferenceChild.start>[1]> = {}): Promise<InferenceChild> {
  const { model, socket } = place
  const child = InferenceChild.start(program.path, { model, socket, longestBlockMs: Infinity, ...config })
  toEnd.push(child)
  await child.hears('engine', ({ engine }) => engine.state !== 'starting')
  return child
}

async function filter(...[hello, settings]: Parameters<typeof joinedFilter> extends [string, ...infer R] ? R : never) {
  const peer: FilterPeer = await joinedFilter(place.socket, hello, { cut_detection: false, ...settings })
  toEnd.push(peer)
  return peer
}

const previews = ({ heard }: InferenceChild): Preview[] =>
  heard.flatMap((message) => (message.kind === 'preview' ? [message.preview] : []))

describe('previews', { timeout: 120_000 }, () => {
  it('are made of the filters that are watched, at most five a second, as long as they are', async () => {
    const child = await inference()
    const watched = await filter({ filterId: WATCHED })
    const other = await filter({ filterId: OTHER })
    await firstMatte(watched)
    await firstMatte(other)
    const film = async (frames: number, first: number, peers = [watched, other]): Promise<void> => {
      for (const peer of peers) await drained(peer)
      await Promise.all(peers.map((peer) => peer.film(frames, 33, first)))
    }
    await film(30, 1000)
    expect(previews(child)).toHaveLength(0)

    child.say({ kind: 'watch', filterIds: [WATCHED, '00000000000000cc'] })
    await film(90, 2000)
    const made = previews(child)
    expect(new Set(made.map(({ filterId }) => filterId))).toEqual(new Set([WATCHED]))
    expect(made.length).toBeGreaterThanOrEqual(6)
    // Of three seconds.
    expect(made.length).toBeLessThanOrEqual(16)

    child.say({ kind: 'watch', filterIds: [] })
    await film(5, 3000, [watched])
    const so = previews(child).length
    await film(30, 4000, [watched])
    expect(previews(child)).toHaveLength(so)
  })

  it('are the frame as it came, and alpha as its planes make it', async () => {
    const child = await inference()
    child.say({ kind: 'watch', filterIds: [WATCHED] })
    const size = { width: 64, height: 48 }
    const peer = await filter({ filterId: WATCHED, ...size }, { decontaminate: false })
    await firstMatte(peer)
    await new Promise((resolve) => setTimeout(resolve, 300))
    // The first frame of an epoch has no memory.
    await peer.send(5000, 2)
    const { preview } = await child.hears('preview', ({ preview }) => preview.frameId === 5000)
    expect(preview).toMatchObject({ filterId: WATCHED, ...size })
    const pixels = pixelsOf(5000, size)
    const { weights } = await loadWeights(place.model.path)
    const options = { provider: 'cpu', threads: 1, refiner: 'deep', planes: 2, cutDetection: false } as const
    await using session = new MattingSession({ weights: () => weights, ...options })
    const { planes } = await session.step({ data: pixels, ...size })
    const area = 64 * 48
    for (let i = 0; i < area; i++) {
      const [blue, green, red, alpha] = pixels.subarray(4 * i)
      expect([...preview.rgba.subarray(4 * i, 4 * i + 4)]).toEqual([red, green, blue, alpha])
      const matte = Math.min(1, Math.max(0, (planes[i] * (red + green + blue)) / 765 + planes[area + i]))
      expect(Math.abs(preview.alpha![i] - 255 * matte)).toBeLessThanOrEqual(0.51)
    }
  })

  it('show the camera without a matte where nothing runs the network', async () => {
    const error = { code: 'MODEL_NONE', message: 'No model is installed.', mend: 'Install one.' }
    const child = await inference({ model: { error } })
    child.say({ kind: 'watch', filterIds: [WATCHED] })
    const peer = await filter({ filterId: WATCHED })
    await peer.send(3)
    const { preview } = await child.hears('preview')
    expect(preview).toMatchObject({ frameId: 3, width: 64, height: 48, alpha: null })
  })

  it('cost little where frames always wait, and are made all the same (printed)', async () => {
    const child = await inference()
    const peer = await filter({ filterId: WATCHED, width: 512, height: 288 }, { decontaminate: false })
    await firstMatte(peer)
    const answered = { watched: 0, unwatched: 0 }
    for (let round = 0; round < 4; round++) {
      for (const kind of ['unwatched', 'watched'] as const) {
        child.say({ kind: 'watch', filterIds: kind === 'watched' ? [WATCHED] : [] })
        await drained(peer)
        const film = await peer.film(120, 1000 / 60, 10_000 * (1 + 2 * round + Number(kind === 'watched')))
        answered[kind] += film.answered
      }
    }
    const made = previews(child).length
    const loss = 1 - answered.watched / answered.unwatched
    console.log(
      `512x288, saturated: ${answered.unwatched} steps unwatched, ${answered.watched} watched in as much time ` +
        `(${(100 * loss).toFixed(1)} % fewer), ${made} previews in 8 s`,
    )
    expect(made).toBeGreaterThan(0)
    expect(made).toBeLessThanOrEqual(44)
    // On a busy machine the two differ by more than what is measured.
    expect(loss).toBeLessThan(0.5)
  })
})

describe('the choice of previews', () => {
  const picture = discOn([0, 0, 0], [255, 255, 255])

  it('gives no second one to a main process that has not read the first', () => {
    vi.useFakeTimers({ toFake: ['performance'] })
    try {
      const gone: (() => void)[] = []
      const choice = new Previews((_, then) => gone.push(then))
      choice.watch([WATCHED])
      choice.offer(WATCHED, picture, false)
      vi.advanceTimersByTime(1000)
      choice.offer(WATCHED, picture, false)
      // Watched again by another page: the same one is on its way.
      choice.watch([WATCHED, OTHER])
      choice.offer(WATCHED, picture, false)
      expect(gone).toHaveLength(1)
      gone[0]()
      choice.offer(WATCHED, picture, false)
      expect(gone).toHaveLength(2)
    } finally {
      vi.useRealTimers()
    }
  })

  it('takes a hundredth of the time while frames wait, of all sources together, and makes one a second in any case', () => {
    vi.useFakeTimers({ toFake: ['performance'] })
    try {
      let costMs = 5
      const made: number[] = []
      const choice = new Previews((_, gone) => {
        // What a preview takes, by this clock.
        vi.advanceTimersByTime(costMs)
        made.push(performance.now())
        gone()
      })
      const ids = Array.from({ length: 8 }, (_, n) => n.toString(16).padStart(16, '0'))
      choice.watch(ids)
      const runFor = (ms: number): number => {
        const [before, end] = [made.length, performance.now() + ms]
        for (; performance.now() < end; vi.advanceTimersByTime(1)) for (const id of ids) choice.offer(id, picture, true)
        return made.length - before
      }
      // Every 506 ms one.
      expect(runFor(3000)).toBe(6)
      costMs = 50
      runFor(1000)
      expect(runFor(3 * 1051)).toBe(3)
    } finally {
      vi.useRealTimers()
    }
  })
})
