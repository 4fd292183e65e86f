/**
 * What the filter shows is what the network says of that very frame: a clip with fast motion goes through libobs, the
 * filter and the inference process, every output frame is read back, and the same run made again offline
 * (offline-run.ts) gives the same alpha, frame by frame. A matte that is a frame late is not the same.
 *
 * Seen red: with the planes of the frame before (live-source.ts writes them one step late; 8.7 of 255), with gray of linear
 * light and with coefficients half a texel off (network_alpha in mattebox.effect; 1.8 of 255), and with a reset that is
 * not recorded.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { describeWithSharedData } from '../../shared-data.ts'
import { missing, Stage, until } from '../obs-filter/stage.ts'
import { expectSame } from './compare.ts'
import { HEIGHT, MovingClip, WIDTH } from './moving-clip.ts'
import { recorded, runOffline } from './offline-run.ts'
import { picturesOf, STAMP_POINTS, stampOfPoints } from './shown-frame.ts'
import { hasFallenBack, sidecar, type Sidecar } from './sidecar.ts'

/** OBS's frames a second, and its ticks from one frame of the clip to the next: two cores do all of it. */
const FPS = 15
const EVERY = 2
const SETTLE = 3 * FPS
/** Different frames of the clip that are to be seen, and output frames in which to see them. */
const LEAST_FRAMES = 60
const MOST_OUTPUT_FRAMES = 600

const SETTINGS = {
  ...{ ratio: 0.3, max_delay_ms: 500, pairing: 'matched', in_between: 'hold', when_unavailable: 'hide' },
  ...{ stamp: true, view: 'alpha' },
} as const

describe.skipIf(missing !== undefined)('in libobs', () => {
  describeWithSharedData('the live picture', (shared) => {
    const model = join(shared, 'weights', 'rvm-standin.safetensors')
    let folder: string
    let stage: Stage
    let clip: MovingClip
    let engine: Sidecar

    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), 'obs-live-'))
      clip = await MovingClip.open(shared)
      stage = await Stage.open({ width: WIDTH, height: HEIGHT, fps: FPS })
      engine = sidecar({ socket: stage.socket, model })
      await engine.start()
      await stage.host.create('clip', 'cam', { path: clip.writeRaw(), width: WIDTH, height: HEIGHT, every: EVERY })
      await stage.host.addFilter('cam', 'matte', SETTINGS)
      await stage.host.scene('scene', [{ source: 'cam' }])
      await stage.host.program('scene')
    })
    afterAll(async () => {
      await stage.close()
      await engine.remove()
      clip[Symbol.dispose]()
      rmSync(folder, { recursive: true })
    })

    let reported = 0
    const isBusy = (): boolean => engine.reports.slice(reported).some(hasFallenBack)

    /** Keeps all output frames until enough different ones were shown; their ids. */
    async function film(file: string): Promise<readonly number[]> {
      reported = engine.reports.length
      const ids: number[] = []
      await stage.host.capture(STAMP_POINTS, [], file)
      for (let n = 0; n < MOST_OUTPUT_FRAMES && new Set(ids).size < LEAST_FRAMES; n += 30) {
        const output = await stage.host.captured(30)
        ids.push(...output.flatMap(({ points }) => stampOfPoints(points)?.frame ?? []))
      }
      await stage.host.captured(1, { stop: true })
      return ids
    }

    it.each([
      ['alpha', false, 0],
      ['alpha', true, 0],
      ['result', true, 3],
    ] as const)(
      'is what the network says of that very frame (view %s, decontaminate %s)',
      { timeout: 180_000 },
      async (view, decontaminate, channel) => {
        await stage.host.updateFilter('cam', 'matte', { view, decontaminate })
        // A network is built, the delay settles.
        await stage.host.pass(SETTLE)
        await until(stage.host, [STAMP_POINTS], ({ points }) => stampOfPoints(points) !== undefined, 20_000)
        await stage.host.pass(SETTLE)

        const file = join(folder, `${view}-${decontaminate}.bgra`)
        // A machine that is too busy for `matched` shows the newest matte, and says so: then once more.
        let ids = await film(file)
        for (let trial = 1; trial < 3 && isBusy(); trial++) ids = await film(file)
        expect(isBusy()).toBe(false)

        const recordings = await recorded(engine.record, Math.max(...ids) + 1)
        const offline = await runOffline(recordings, clip, model, Math.min(...ids))
        const { frames, worst, shifted, misapplied } = expectSame(picturesOf(file), channel, offline)
        const percent = (share: number): string => `${Math.round(100 * share)} %`
        console.log(
          `${view}: ${frames} frames, the worst differs by ${worst.toFixed(3)}/255 on average; a frame late ` +
            `${percent(shifted)} differ by more than 2, with the next frame's coefficients ${percent(misapplied)}`,
        )
        expect(frames).toBeGreaterThanOrEqual(LEAST_FRAMES)
        // The comparison can tell.
        expect(shifted).toBeGreaterThan(0.5)
        expect(misapplied).toBeGreaterThan(0.5)
      },
    )
  })
})
