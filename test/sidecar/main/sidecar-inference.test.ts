/**
 * The main process with the real inference process: previews and frames without OBS, through its deaths and handovers.
 *
 * Seen red: with `watch` not told to a fresh process; without `lost`; with a second frame of a client sent on; with the
 * state's error of `unreachable` left out; with `unreachable` no takeover.
 */
import { rmSync } from 'node:fs'
import { join, sep } from 'node:path'
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Preview, TryAnswer, TryRequest } from '../../../src/sidecar/contract/inference-process.ts'
import { SettingsFile } from '../../../src/sidecar/main/settings-file.ts'
import { Sidecar } from '../../../src/sidecar/main/sidecar.ts'
import type { FilterPeer } from '../../native/addon/filter-peer.ts'
import { compiled } from '../inference/compiled.ts'
import { joinedFilter, workshop } from '../inference/inference-child.ts'
import { Stage, STAND_IN, until } from './told.ts'

const FILES = ['sidecar/inference/inference-process.ts', 'sidecar/inference/provider-probe-child.ts'] as const
const program = compiled(...FILES)
const withoutAddon = compiled(...FILES)
rmSync(join(withoutAddon.path.slice(0, withoutAddon.path.indexOf(`${sep}dist${sep}`)), 'build'))
afterAll(() => {
  program.remove()
  withoutAddon.remove()
})

const FILTER = '0123456789abcdef'

let place: ReturnType<typeof workshop>
let stage: Stage
let sidecar: Sidecar
const peers: FilterPeer[] = []

beforeEach(() => {
  place = workshop()
  stage = new Stage()
})
afterEach(async () => {
  for (const peer of peers.splice(0)) await peer.end()
  await sidecar.stop()
  await stage[Symbol.asyncDispose]()
  place[Symbol.dispose]()
})

async function started(childPath = program.path, record?: string): Promise<Sidecar> {
  sidecar = new Sidecar({
    version: '1.2.3',
    settings: await SettingsFile.open(join(stage.folder, 'settings.json')),
    overrides: { provider: 'cpu', threads: 1 },
    resolveModel: (name = 'made-up') => Promise.resolve({ name, path: place.model.path }),
    log: stage.log,
    socket: place.socket,
    record,
    stateFolder: join(stage.folder, 'state'),
    supervisor: { childPath, backoffMs: [50] },
  })
  await sidecar.start()
  return sidecar
}

const isReady = () => until(() => sidecar.state.engine.state === 'ready', 'an engine')
const serving = (): number => sidecar.state.processes.find(({ role }) => role === 'serving')!.pid!

function frame(id: number): TryRequest {
  const [width, height] = [64, 48]
  const rgba = Uint8Array.from({ length: width * height * 4 }, (_, i) => (i * 7 + id) & 255)
  return { id, width, height, refiner: 'deep', planes: 2, reset: false, cutDetection: false, rgba }
}

/** Asks with one frame after the other until one gets a matte; what the others got. */
async function untilMatte(first: number): Promise<TryAnswer[]> {
  const answers: TryAnswer[] = []
  for (const end = performance.now() + 20_000; performance.now() < end;) {
    answers.push(await sidecar.tryFrame('page', frame(first + answers.length)))
    if (answers.at(-1)!.kind === 'matte') return answers
    await new Promise((resolve) => setTimeout(resolve, 30))
  }
  throw new Error(`no matte: ${JSON.stringify(answers.slice(-3))}`)
}

describe('a frame without OBS', { timeout: 120_000 }, () => {
  it('is answered once the engine is there; until then it is dropped', async () => {
    await started()
    const answers = await untilMatte(1)
    expect(answers[0]).toEqual({ kind: 'dropped', id: 1 })
    const matte = answers.at(-1)!
    expect(matte).toMatchObject({ kind: 'matte', id: answers.length, width: 64, height: 48, reset: 'first' })
    expect(matte.kind === 'matte' && matte.texels.length).toBe(64 * 48 * 2 * 2)
  })

  it('is dropped where the client’s last one is under way', async () => {
    await started()
    await untilMatte(100)
    const [first, second] = await Promise.all([sidecar.tryFrame('page', frame(1)), sidecar.tryFrame('page', frame(2))])
    expect(first).toMatchObject({ kind: 'matte', id: 1, reset: null })
    expect(second).toEqual({ kind: 'dropped', id: 2 })
    expect(await sidecar.tryFrame('page', frame(3))).toMatchObject({ kind: 'matte', reset: null })
    sidecar.endTry('page')
    expect(await sidecar.tryFrame('page', frame(4))).toMatchObject({ kind: 'matte', reset: 'first' })
  })

  it('is told why where the process is killed, and a later one is answered', async () => {
    await started()
    await untilMatte(1)
    const pid = serving()
    process.kill(pid, 'SIGSTOP')
    const answer = sidecar.tryFrame('page', frame(1000))
    process.kill(pid, 'SIGKILL')
    expect(await answer).toMatchObject({
      kind: 'error',
      id: 1000,
      error: { message: expect.stringMatching(/killed/) as string },
    })
    await untilMatte(2000)
  })

  it('is dropped where the process does not answer in time, and where it retires', async () => {
    await started(STAND_IN, stage.record({}))
    await isReady()
    const began = performance.now()
    expect(await sidecar.tryFrame('page', frame(1))).toEqual({ kind: 'dropped', id: 1 })
    expect(performance.now() - began).toBeGreaterThan(4000)
    const answer = sidecar.tryFrame('page', frame(2))
    const before = performance.now()
    await sidecar.setEngine({ model: 'other' })
    expect(await answer).toEqual({ kind: 'dropped', id: 2 })
    expect(performance.now() - before).toBeLessThan(4000)
    const [last] = await Promise.all([sidecar.tryFrame('page', frame(3)), sidecar.stop()])
    expect(last).toEqual({ kind: 'dropped', id: 3 })
  })

  it('is refused with the reason where there is no engine', async () => {
    await started(STAND_IN, stage.record({ always: { none: 'no provider' } }))
    await until(() => sidecar.state.engine.state === 'none', 'no engine')
    expect(await sidecar.tryFrame('page', frame(1))).toMatchObject({ kind: 'error', error: { message: 'no provider' } })
  })
})

describe('without the addon', { timeout: 120_000 }, () => {
  it('frames are answered, and the state says why filters cannot connect; another model takes over', async () => {
    await started(withoutAddon.path)
    await untilMatte(1)
    expect(sidecar.state).toMatchObject({ socket: null, error: { code: 'CHANNEL_ADDON' }, engine: { state: 'ready' } })
    await sidecar.setEngine({ model: 'second' })
    await until(() => JSON.stringify(sidecar.state.engine).includes('second'), 'the takeover')
    expect(sidecar.state).toMatchObject({ error: { code: 'CHANNEL_ADDON' }, restarts: 0 })
    const answers = await untilMatte(1000)
    expect(answers.at(-1)).toMatchObject({ model: 'second', reset: 'first' })
  })
})

describe('previews', { timeout: 120_000 }, () => {
  it('come of the filters that are watched, from every process that serves', async () => {
    await started()
    const seen: Preview[] = []
    sidecar.on('preview', (preview) => seen.push(preview))
    sidecar.watch([FILTER])
    await isReady()
    const shows = async (): Promise<void> => {
      const peer = await joinedFilter(place.socket, { filterId: FILTER })
      peers.push(peer)
      const before = seen.length
      for (let id = 1; seen.length < before + 2 && id < 400; id++) {
        if (await peer.frame(id)) await peer.do('bell')
        await peer.matte(50).catch(() => undefined)
      }
      expect(seen.length).toBeGreaterThanOrEqual(before + 2)
    }
    await shows()
    expect(seen[0]).toMatchObject({ filterId: FILTER, width: 64, height: 48 })
    expect(seen[0].rgba).toHaveLength(64 * 48 * 4)
    const pid = serving()
    process.kill(pid, 'SIGKILL')
    await until(() => sidecar.state.processes.some((other) => other.role === 'serving' && other.pid !== pid), 'another')
    await isReady()
    await shows()
    await sidecar.setEngine({ model: 'second' })
    await until(() => JSON.stringify(sidecar.state.engine).includes('second'), 'the takeover')
    await shows()
  })
})

describe('the sidecar', () => {
  it('says its version and since when it runs', async () => {
    const before = Date.now()
    await started()
    expect(sidecar.version).toBe('1.2.3')
    expect(sidecar.startedAt.getTime()).toBeGreaterThanOrEqual(before)
    expect(sidecar.startedAt.getTime()).toBeLessThanOrEqual(Date.now())
  })
})
