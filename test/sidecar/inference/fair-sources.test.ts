/**
 * Several sources at once in the real inference process: each gets its share of the time, whatever its size; and what
 * the way of a frame costs beside the network.
 *
 * Seen red: where whoever offered last is served (FairShare.next; 2 and 4 sources), and where every step is charged as
 * the same time (FairShare.charge; the larger frames take 0.69 of it).
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { FilterSettings } from '../../../src/settings/index.ts'
import type { RecordedFrame } from '../../../src/sidecar/inference/frame-record.ts'
import type { FilterPeer } from '../../native/addon/filter-peer.ts'
import { compiled } from './compiled.ts'
import { drained, firstMatte, InferenceChild, joinedFilter, workshop } from './inference-child.ts'

const FILMED_SECONDS = 6
const FPS = 60
/** Of the mean. */
const TOLERANCE = 0.1
/** For a 99th percentile; a few show that it runs. */
const ROUNDS = process.env['MATTEBOX_FULL'] === '1' ? 200 : 30
/** Beyond the ids that `firstMatte` sends. */
const FIRST_ID = 10_000

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

async function inference(record?: string): Promise<InferenceChild> {
  const { model, socket } = place
  const child = InferenceChild.start(program.path, { model, socket, threads: 1, longestBlockMs: Infinity, record })
  toEnd.push(child)
  await child.hears('engine', ({ engine }) => engine.state === 'ready')
  return child
}

/** A filter whose network is there, and with nothing under way. */
async function source(
  n: number,
  size: { readonly width: number; readonly height: number },
  settings: Partial<FilterSettings> = {},
): Promise<FilterPeer> {
  const filterId = n.toString(16).padStart(16, '0')
  const peer = await joinedFilter(place.socket, { ...size, filterId }, { cut_detection: false, ...settings })
  toEnd.push(peer)
  await firstMatte(peer)
  await drained(peer)
  return peer
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length

describe('sources that film at once', { timeout: 120_000 }, () => {
  it.each([2, 4])('are answered equally often where they are alike (%i sources)', async (count) => {
    await inference()
    const peers: FilterPeer[] = []
    for (let n = 0; n < count; n++) peers.push(await source(n, { width: 256, height: 144 }))
    const films = await Promise.all(peers.map((peer) => peer.film(FILMED_SECONDS * FPS, 1000 / FPS, FIRST_ID)))
    const answered = films.map((film) => film.answered)
    console.log(`${count} sources: ${answered.join(', ')} frames answered of ${FILMED_SECONDS * FPS}`)
    const fair = mean(answered)
    expect(fair).toBeGreaterThan(10)
    // All want more than there is: else nothing is shared.
    expect(Math.max(...answered)).toBeLessThan(0.9 * FILMED_SECONDS * FPS)
    for (const found of answered) expect(Math.abs(found - fair)).toBeLessThanOrEqual(TOLERANCE * fair)
  })

  it('get equal time where one has larger frames', async () => {
    const child = await inference()
    const peers = [await source(0, { width: 256, height: 144 }), await source(1, { width: 384, height: 224 })]
    const before = child.heard.length
    const films = await Promise.all(peers.map((peer) => peer.film(FILMED_SECONDS * FPS, 1000 / FPS, FIRST_ID)))
    // The first and the last second are not wholly filmed.
    const reports = child.heard.slice(before).flatMap((said) => (said.kind === 'sources' ? [said.sources] : []))
    const shares = peers.map((_, n) => mean(reports.slice(1).map((sources) => sources[n].share)))
    console.log(
      `256x144 and 384x224: ${films.map(({ answered }) => answered).join(' and ')} frames answered, ` +
        `shares of time ${shares.map((share) => share.toFixed(3)).join(' and ')}`,
    )
    expect(films[0].answered).toBeGreaterThan(1.3 * films[1].answered)
    for (const share of shares) expect(Math.abs(share - 0.5)).toBeLessThanOrEqual(TOLERANCE * 0.5)
  })
})

describe('the way of a frame', { timeout: 180_000 }, () => {
  it.each([false, true])('costs little beside the network (printed; decontaminate %s)', async (decontaminate) => {
    const record = join(place.folder, 'record')
    await inference(record)
    const peer = await source(0, { width: 512, height: 288 }, { decontaminate })
    const rounds = await peer.rounds(FIRST_ID, ROUNDS)
    const frames = await recordedFrames(record, FIRST_ID + ROUNDS - 1)
    const runs = new Map(frames.map(({ id, runMs }) => [id, runMs]))
    const whole = rounds.map((ms, n) => ms - runs.get(FIRST_ID + n)!)
    const inside = frames.filter(({ id }) => id >= FIRST_ID).map(({ besideMs }) => besideMs)
    console.log(
      `512x288, ${decontaminate ? 8 : 2} planes: a run takes ${mean([...runs.values()]).toFixed(1)} ms; ` +
        `from shared memory to shared memory beside it ${quantiles(inside)}; from the filter and back ${quantiles(whole)}`,
    )
    expect(Math.min(...whole)).toBeGreaterThan(0)
  })
})

function quantiles(ms: readonly number[]): string {
  const sorted = ms.toSorted((a, b) => a - b)
  const at = (share: number): string => sorted[Math.floor(share * (sorted.length - 1))].toFixed(2)
  return `median ${at(0.5)}, p99 ${at(0.99)}, most ${at(1)} ms`
}

/** All that was recorded, once it holds this frame. */
async function recordedFrames(folder: string, last: number): Promise<RecordedFrame[]> {
  for (let tries = 0; tries < 100; tries++) {
    const name = readdirSync(folder).find((file) => file.endsWith('.jsonl'))
    const lines = name === undefined ? [] : readFileSync(join(folder, name), 'utf8').split('\n').slice(0, -1)
    const frames = lines.map((line) => JSON.parse(line) as RecordedFrame)
    if (frames.at(-1)?.id === last) return frames
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error(`Frame ${last} was not recorded`)
}
