/**
 * Reliability rows 7, 9 and 21 with the real sidecar: it runs for long, filters come and go, and every process stays as
 * large as it was; in the end every frame is accounted for.
 *
 * 60 s and 100 connections here; 8 hours (MATTEBOX_SOAK_HOURS) and 1,000 with MATTEBOX_FULL=1.
 *
 * Seen red: with filters kept that are gone; with 64 KiB kept of every step.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import { cell } from '../../native/obs-host/picture.ts'
import type { FilterPeer } from '../../native/addon/filter-peer.ts'
import { firstMatte, joinedFilter } from '../../sidecar/inference/inference-child.ts'
import { footprintOf } from '../obs-filter/footprint.ts'
import { full, missing, Stage, until } from '../obs-filter/stage.ts'
import { compiledMattebox, home, Mattebox } from './mattebox.ts'

const SECONDS = full ? 3600 * Number(process.env['MATTEBOX_SOAK_HOURS'] ?? 8) : 60
/** Allocators and caches fill; growth is measured after this. */
const SETTLES_S = full ? Math.min(600, SECONDS / 3) : 30
const CONNECTIONS = full ? 1000 : 100
const GROWTH_MIB_AN_HOUR = 2
/** What a minute's noise is. */
const NOISE_MIB = 6

describe.skipIf(missing !== undefined)('in the long run', { timeout: SECONDS * 1000 + 600_000 }, () => {
  const program = compiledMattebox()
  afterAll(() => program.remove())

  let stage: Stage
  let place: ReturnType<typeof home>
  let sidecar: Mattebox
  const peers: FilterPeer[] = []
  beforeEach(async () => {
    place = home()
    stage = await Stage.open()
    const args = ['--model', place.model]
    sidecar = Mattebox.start({ program: program.path, home: place.folder, socket: stage.socket, args })
    await sidecar.until(({ socket, engine }) => socket !== null && engine.state === 'ready')
  })
  afterEach(async () => {
    for (const peer of peers.splice(0)) await peer.end()
    await sidecar.end()
    await stage.close()
    place[Symbol.dispose]()
  })

  it(`no process grows in ${SECONDS} s of matting, and every frame is accounted for`, async () => {
    await stage.show({ view: 'alpha' })
    await until(stage.host, [[cell(6, 4)]], ({ points: [pixel] }) => pixel.a === 255, 20_000)
    const processes = { OBS: stage.host.pid, main: sidecar.child.pid!, inference: sidecar.inferencePid! }
    const samples: { seconds: number; sizes: number[] }[] = []
    const began = performance.now()
    for (let seconds = 0; seconds < SECONDS; seconds = (performance.now() - began) / 1000) {
      await sleep(Math.max(500, SECONDS))
      if (seconds < SETTLES_S) continue
      samples.push({ seconds, sizes: Object.values(processes).map((pid) => footprintOf(pid).residentMiB) })
    }
    for (const [place, name] of Object.keys(processes).entries()) {
      const slope = slopeOf(samples.map(({ seconds, sizes }) => [seconds / 3600, sizes[place]]))
      const grown = (slope * (samples.at(-1)!.seconds - samples[0].seconds)) / 3600
      const size = samples.at(-1)!.sizes[place]
      console.log(
        `${name}: ${size.toFixed(1)} MiB after ${Math.round(SECONDS)} s, ${grown.toFixed(2)} MiB more than at ${SETTLES_S} s`,
      )
      if (full && SECONDS >= 3600) expect(slope, `${name}, MiB an hour`).toBeLessThan(GROWTH_MIB_AN_HOUR)
      expect(grown, name).toBeLessThan(NOISE_MIB)
    }
    expect(sidecar.state!.restarts).toBe(0)

    await stage.host.updateSource('cam', { every: 0, paused: true })
    const sums = (): (number | null | undefined)[] => {
      const { filter, counters } = sidecar.source()!.last
      const lost = (filter?.dropped['unanswered'] ?? 0) + (filter?.dropped['lost'] ?? 0)
      const answered = filter && filter.answered + lost
      return [filter?.sent, counters.received, counters.answered + total(counters.dropped), answered]
    }
    await sidecar.until(() => new Set(sums()).size === 1)
    expect(sums()[0]).toBeGreaterThan(SECONDS)
  })

  it(`${CONNECTIONS} filters that come, are matted and go leave its processes as they were`, async () => {
    const round = async (n: number): Promise<void> => {
      const peer = await joinedFilter(stage.socket, { filterId: n.toString(16).padStart(16, '0') })
      peers.push(peer)
      if (n % 3 > 0) await firstMatte(peer)
      // Some hang up, some die.
      if (n % 2 === 0) peer.child.kill('SIGKILL')
      await peer.end()
      peers.pop()
    }
    const gone = (): Promise<unknown> => sidecar.until(({ sources }) => sources.every(({ connected }) => !connected))
    for (let n = 0; n < 20; n++) await round(n)
    await gone()
    const pids = [sidecar.child.pid!, sidecar.inferencePid!]
    const before = pids.map(footprintOf)
    for (let n = 0; n < CONNECTIONS; n++) await round(1000 + n)
    await gone()
    for (const [place, pid] of pids.entries()) {
      // The last one's memory is let go of a moment after the filter is told to be gone.
      await expect.poll(() => footprintOf(pid).shared).toBeLessThanOrEqual(before[place].shared)
      const after = footprintOf(pid)
      // The look for OBS has a file and a socket open now and then.
      expect(after.descriptors).toBeLessThanOrEqual(before[place].descriptors + 4)
      expect(after.threads).toBeLessThanOrEqual(before[place].threads)
      expect(after.residentMiB).toBeLessThanOrEqual(before[place].residentMiB + 24)
      console.log(
        `${place === 0 ? 'main' : 'inference'}: ${(after.residentMiB - before[place].residentMiB).toFixed(1)} MiB more`,
      )
    }
  })
})

const total = (counts: Readonly<Record<string, number>>): number =>
  Object.values(counts).reduce((sum, count) => sum + count, 0)

/** Of the straight line through these points, by least squares. */
function slopeOf(points: readonly (readonly [number, number])[]): number {
  const mean = (place: 0 | 1): number => points.reduce((sum, point) => sum + point[place], 0) / points.length
  const [x, y] = [mean(0), mean(1)]
  const up = points.reduce((sum, point) => sum + (point[0] - x) * (point[1] - y), 0)
  const over = points.reduce((sum, point) => sum + (point[0] - x) ** 2, 0)
  return up / over
}
