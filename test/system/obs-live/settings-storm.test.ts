/**
 * Reliability row 22: settings changed at random while live. Nothing crashes, whatever is shown is a frame with a matte
 * that was made for it, the policy's picture lasts no longer than a network takes to build, and every frame is accounted
 * for.
 *
 * 40 changes here; 1,000 with MATTEBOX_FULL=1. MATTEBOX_SEED makes a run again.
 *
 * Seen red: where a frame takes any newer matte (own_matte in pairing.c), where the first 3 s of a new network answer
 * nothing, and where a frame of another size is forgotten and not dropped (live-source.ts: the process ends).
 */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { lowResolution } from '../../../src/model/low-resolution.ts'
import { seededRandom } from '../../model/seeded-random.ts'
import type { OutputFrame } from '../../native/obs-host/obs-host.ts'
import { describeWithSharedData } from '../../shared-data.ts'
import { full, missing, Stage, until } from '../obs-filter/stage.ts'
import { HEIGHT, MovingClip, WIDTH } from './moving-clip.ts'
import { ofLastFilter, readRecord, recorded } from './offline-run.ts'
import { STAMP_POINTS, stampOfPoints, type Stamp } from './shown-frame.ts'
import { hasFallenBack, sidecar, type Sidecar } from './sidecar.ts'

const CHANGES = full ? 1000 : 40

/** Small networks: what is tried is the change, not the network. */
const CHOICES = {
  ratio: [0.2, 0.25, 0.3, 0.4],
  refiner: ['deep', 'fast', 'none'],
  decontaminate: [true, false],
  view: ['result', 'alpha', 'foreground'],
  pairing: ['matched', 'newest'],
  cut_detection: [true, false],
} as const
type Changes = Readonly<Record<string, string | number | boolean>>

const SETTINGS = { ratio: 0.3, max_delay_ms: 500, in_between: 'hold', when_unavailable: 'hide', stamp: true } as const
/** A build that is over still shows: its answers are under way. */
const BUILT_BEFORE_MS = 1000
/** The longest delay until the first new pair is due, and what a busy machine takes beside. */
const SLACK_MS = 1000
/** Output frames until a change is surely seen. */
const SEEN_AFTER = 10
/** The filter tells once a second what pairing is in use. */
const TOLD_WITHIN_MS = 4000

interface Shown {
  readonly timestampMs: number
  readonly stamp: Stamp | undefined
  readonly pairing: (typeof CHOICES.pairing)[number]
}

describe.skipIf(missing !== undefined)('in libobs', () => {
  describeWithSharedData('settings changed at random while live', (shared) => {
    const seed = Number(process.env['MATTEBOX_SEED'] ?? Date.now() % 1_000_000)
    const random = seededRandom(seed)
    const shown: Shown[] = []
    let stage: Stage
    let clip: MovingClip
    let engine: Sidecar

    const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)]
    const isMatted = ({ points }: OutputFrame): boolean => stampOfPoints(points) !== undefined

    /** One to three settings. */
    function changes(): Changes {
      const keys = Object.keys(CHOICES) as (keyof typeof CHOICES)[]
      const chosen = Array.from({ length: 1 + Math.floor(random() * 3) }, () => pick(keys))
      return Object.fromEntries(chosen.map((key) => [key, pick<string | number | boolean>(CHOICES[key])]))
    }

    beforeAll(async () => {
      console.log(`MATTEBOX_SEED=${seed}`)
      clip = await MovingClip.open(shared)
      stage = await Stage.open({ width: WIDTH, height: HEIGHT })
      engine = sidecar({ socket: stage.socket, model: join(shared, 'weights', 'rvm-standin.safetensors') })
      await engine.start()
      await stage.host.create('clip', 'cam', { path: clip.writeRaw(), width: WIDTH, height: HEIGHT, every: 2 })
      await stage.host.addFilter('cam', 'matte', SETTINGS)
      await stage.host.scene('scene', [{ source: 'cam' }])
      await stage.host.program('scene')
      await until(stage.host, [STAMP_POINTS], isMatted, 20_000)
    })
    afterAll(async () => {
      await stage.close()
      await engine.remove()
      clip[Symbol.dispose]()
    })

    it('crashes nothing', { timeout: CHANGES * 5000 }, async () => {
      const { host } = stage
      let pairing: Shown['pairing'] = 'matched'
      await host.capture(STAMP_POINTS)
      for (let n = 0; n < CHANGES; n++) {
        const chosen = changes()
        await host.updateFilter('cam', 'matte', chosen)
        pairing = (chosen['pairing'] as Shown['pairing'] | undefined) ?? pairing
        for (const { timestampMs, points } of await host.captured(2 + Math.floor(random() * 28)))
          shown.push({ timestampMs, stamp: stampOfPoints(points), pairing })
      }
      await host.captured(1, { stop: true })
      expect(engine.ending).toBeUndefined()
    })

    it('ends matted', async () => {
      await until(stage.host, [STAMP_POINTS], isMatted, 20_000)
    })

    it('shows frames with mattes that were made for them, of the sizes that were chosen', async () => {
      const stamps = shown.flatMap(({ stamp }) => stamp ?? [])
      expect(stamps.length).toBeGreaterThan(shown.length / 4)
      await recorded(engine.record, Math.max(...stamps.map(({ matte }) => matte)))
      const recordings = ofLastFilter(readRecord(engine.record))
      const made = new Map(recordings.flatMap(({ frames }) => frames).map((frame) => [frame.id, frame]))
      const sizes = CHOICES.ratio.map((ratio) => lowResolution(WIDTH, HEIGHT, ratio))
      for (const stamp of stamps) {
        const frame = made.get(stamp.matte)
        expect(frame, `the matte of ${stamp.matte} was made`).toMatchObject({
          sourceWidth: WIDTH,
          sourceHeight: HEIGHT,
        })
        expect(sizes).toContainEqual({ width: frame!.width, height: frame!.height })
        expect(stamp.matte).toBeLessThanOrEqual(stamp.frame)
      }
      const networks = new Set(Array.from(made.values(), (key) => `${key.width} ${key.refiner} ${key.planes}`))
      console.log(`${stamps.length} of ${shown.length} output frames matted, by ${networks.size} networks`)
    })

    it('pairs every new frame with its own matte under `matched`', () => {
      const ids = ofLastFilter(readRecord(engine.record)).flatMap(({ frames }) => frames.map(({ id }) => id))
      // A change of settings has the picture captured again; what repeats the last sent one is not sent.
      const isRepeat = ({ frame, matte }: Stamp): boolean => ids.findLast((id) => id <= frame) === matte
      const fallenBack = engine.reports.filter(hasFallenBack).map(({ atMs }) => atMs)
      const wrong = shown.filter(({ stamp, timestampMs }, n) => {
        const before = shown.slice(Math.max(0, n - SEEN_AFTER), n + 1)
        const isMatched = n >= SEEN_AFTER && before.every(({ pairing }) => pairing === 'matched')
        // The last good pair stays until the next one is due, whatever it was.
        const isNew = stamp !== undefined && stamp.frame !== shown[n - 1]?.stamp?.frame
        const isBusy = fallenBack.some((atMs) => Math.abs(atMs - timestampMs) < TOLD_WITHIN_MS)
        return isMatched && isNew && !isBusy && stamp.frame !== stamp.matte && !isRepeat(stamp)
      })
      expect(wrong).toEqual([])
    })

    it('shows the policy no longer than a network takes to build', () => {
      const runs: { from: number; to: number }[] = []
      shown.forEach(({ timestampMs, stamp }, n) => {
        if (stamp !== undefined) return
        if (n > 0 && shown[n - 1].stamp === undefined) runs.at(-1)!.to = timestampMs
        else runs.push({ from: timestampMs, to: timestampMs })
      })
      const built = (from: number, to: number): number =>
        engine.builds.reduce(
          (sum, { beginsMs, endsMs }) => sum + Math.max(0, Math.min(endsMs, to) - Math.max(beginsMs, from)),
          0,
        )
      const longest = runs.map(({ from, to }) => ({ lastedMs: to - from, builtMs: built(from - BUILT_BEFORE_MS, to) }))
      console.log(
        `${runs.length} times the policy, the longest ${Math.round(Math.max(0, ...longest.map((run) => run.lastedMs)))} ms; ` +
          `${engine.builds.length} builds`,
      )
      expect(longest.filter(({ lastedMs, builtMs }) => lastedMs > builtMs + SLACK_MS)).toEqual([])
    })

    it('has accounted for every frame in the end, on both sides', async () => {
      await stage.host.updateSource('cam', { every: 0 })
      const sums = (): number[] => {
        const [{ filter, counters }] = engine.sources
        if (filter === null) return []
        const dropped = Object.values(counters.dropped).reduce((sum, count) => sum + count, 0)
        const lost = (filter.dropped['unanswered'] ?? 0) + (filter.dropped['lost'] ?? 0)
        return [filter.sent, counters.received, counters.answered + dropped, filter.answered + lost]
      }
      // What is under way ends, and both tell once a second.
      await sleep(3000)
      const [sent] = sums()
      expect(sent).toBeGreaterThan(0)
      await expect.poll(sums, { timeout: 5000 }).toEqual([sent, sent, sent, sent])
    })
  })
})
