/**
 * What the inference process tells the main process of its sources, and how soon.
 *
 * Seen red: with `tellSoon` waiting for the next second; telling at once without an interval; with `report` taking new
 * figures each time it tells; without `filterReset`.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { SourceReport } from '../../../src/sidecar/contract/inference-process.ts'
import { MESSAGES } from '../../../src/sidecar/inference/channel/index.ts'
import type { FilterPeer } from '../../native/addon/filter-peer.ts'
import { compiled } from './compiled.ts'
import { DEFAULTS, drained, firstMatte, InferenceChild, joinedFilter, workshop } from './inference-child.ts'

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

async function filmed(settings: object = {}): Promise<{ child: InferenceChild; peer: FilterPeer }> {
  const { model, socket } = place
  const child = InferenceChild.start(program.path, { model, socket, longestBlockMs: Infinity })
  toEnd.push(child)
  await child.hears('engine', ({ engine }) => engine.state === 'ready')
  const peer = await joinedFilter(socket, {}, { cut_detection: false, ...settings })
  toEnd.push(peer)
  await firstMatte(peer)
  await drained(peer)
  return { child, peer }
}

const told = ({ heard }: InferenceChild, from = 0): SourceReport[] =>
  heard.slice(from).flatMap((message) => (message.kind === 'sources' ? message.sources : []))

const reset = (reason: string, from: string | null = null, to: string | null = null) =>
  `send ${MESSAGES.reset} ${JSON.stringify({ epoch: 2, reason, from, to })}`

const isScene = (name: string) => (sources: readonly SourceReport[]) => sources[0]?.scene === name
const scene = (name: string) => `send ${MESSAGES.scene} ${JSON.stringify({ scene: name })}`

describe('the report of a source', { timeout: 120_000 }, () => {
  it('comes at once where the filter says something', async () => {
    const { child, peer } = await filmed()
    const waits: number[] = []
    for (const [line, wished] of [
      [scene('Two'), isScene('Two')],
      [
        `send ${MESSAGES.settings} ${JSON.stringify({ ...DEFAULTS, feather: 2 })}`,
        (sources: readonly SourceReport[]) => sources[0]?.settings?.feather === 2,
      ],
      [
        `send ${MESSAGES.renamed} ${JSON.stringify({ source: 'Webcam', filter: 'Matte' })}`,
        (sources: readonly SourceReport[]) => sources[0]?.hello.source === 'Webcam',
      ],
      [reset('scene', 'One', 'Two'), (sources: readonly SourceReport[]) => sources[0]?.recentResets.length > 0],
      [scene('Three'), isScene('Three')],
    ] as const) {
      // Not together with what comes each second.
      await child.hears('alive')
      const began = performance.now()
      await peer.do(line)
      await child.hears('sources', ({ sources }) => wished(sources))
      waits.push(performance.now() - began)
      await sleep(150)
    }
    console.log(`told after ${waits.map((ms) => ms.toFixed(0)).join(', ')} ms`)
    expect(waits.toSorted((a, b) => a - b)[3]).toBeLessThan(300)
  })

  it('comes ten times a second at most, however much is said, and its figures stay right', async () => {
    const { child, peer } = await filmed()
    const other = await joinedFilter(place.socket, { filterId: '00000000000000bb' }, { cut_detection: false })
    toEnd.push(other)
    await sleep(1500)
    const before = child.heard.length
    const began = performance.now()
    const filming = peer.film(90, 1000 / 30, 10_000)
    let said = 0
    for (; performance.now() - began < 3000; said++) {
      await other.do(scene(`Scene ${said}`))
      await sleep(10)
    }
    const { answered } = await filming
    const seconds = (performance.now() - began) / 1000
    await child.hears('sources', ({ sources }) => sources.some((source) => source.scene === `Scene ${said - 1}`))
    const messages = child.heard.slice(before).filter(({ kind }) => kind === 'sources').length
    console.log(`${said} scenes said in ${seconds.toFixed(1)} s: ${messages} reports`)
    expect(said).toBeGreaterThan(60)
    expect(messages).toBeLessThanOrEqual(11 * seconds + 3)
    expect(messages).toBeGreaterThan(15)
    const reports = told(child, before).filter(({ hello }) => hello.filterId === '0123456789abcdef')
    // Each second's figure is told about ten times, and it is of a whole second.
    const rates = reports.map(({ answeredPerSecond }) => answeredPerSecond).filter((rate) => rate > 0)
    expect(new Set(rates).size).toBeLessThanOrEqual(Math.ceil(seconds) + 1)
    expect(Math.max(...rates)).toBeLessThanOrEqual(1.5 * (answered / 3) + 2)
    expect(reports.filter(({ share }) => share !== 0).every(({ share }) => share === 1)).toBe(true)
    expect(reports.some(({ share }) => share === 1)).toBe(true)
  })

  it('has the resets of both sides, newest first and at most 20, and the size of the source', async () => {
    const { child, peer } = await filmed()
    // Another session: the sidecar's own.
    await peer.do(`send ${MESSAGES.settings} ${JSON.stringify({ ...DEFAULTS, decontaminate: false })}`)
    for (let id = 1000; told(child).at(-1)?.recentResets.length !== 1; id += 1000) await firstMatte(peer, id)
    const before = Date.now()
    await peer.do(reset('scene', 'One', 'Two'))
    await peer.do(reset('gap'))
    const { sources } = await child.hears('sources', ({ sources }) => sources[0]?.recentResets.length === 3)
    expect(sources[0].recentResets).toMatchObject([
      { reason: 'gap', by: 'filter', from: null, to: null },
      { reason: 'scene', by: 'filter', from: 'One', to: 'Two' },
      { reason: 'restart', by: 'sidecar', from: null, to: null },
    ])
    const [gap, change, restart] = sources[0].recentResets.map(({ atMs }) => atMs)
    expect(change).toBeGreaterThanOrEqual(before)
    expect(gap).toBeGreaterThanOrEqual(change)
    expect(restart).toBeLessThanOrEqual(before)
    expect(sources[0].sourceSize).toEqual({ width: 1920, height: 1080 })
    for (let n = 0; n < 30; n++) await peer.do(reset(n === 29 ? 'asked' : 'size'))
    await child.hears('sources', ({ sources }) => sources[0]?.recentResets[0]?.reason === 'asked')
    expect(told(child).at(-1)!.recentResets).toHaveLength(20)
  })

  it('has what the picture says, once a second', async () => {
    const { child, peer } = await filmed()
    await peer.film(60, 1000 / 30, 10_000)
    const { sources } = await child.hears('sources', ({ sources }) => sources.some(({ picture }) => picture !== null))
    const { luma, area } = sources[0].picture!
    // The peer's frames are of every value equally.
    expect(luma).toBeGreaterThan(0.4)
    expect(luma).toBeLessThan(0.6)
    expect(area).toBeGreaterThanOrEqual(0)
    expect(area).toBeLessThanOrEqual(1)
    const kinds = new Set(told(child).map(({ picture }) => JSON.stringify(picture)))
    expect(kinds.size).toBeLessThanOrEqual(12)
  })
})
