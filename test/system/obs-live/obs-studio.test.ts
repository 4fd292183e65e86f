/**
 * The whole way in a real OBS, as a user has it: a clip as the camera, the filter, the real network. Pictures are taken
 * by OBS's own screenshots, and held against the same run made again offline. The cases follow one another in one OBS.
 *
 * Seen red: with the planes of the frame before (live-source.ts), with a new id for every filter (id_take in filter.c),
 * and where `hide` showed the picture (killed) or the last good pair (stopped; choose in picture.c).
 */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ObsStudio } from '../../native/obs-studio/obs-studio.ts'
import { Screenshot } from '../../native/obs-studio/screenshot.ts'
import { describeWithSharedData } from '../../shared-data.ts'
import { builtPlugin, cannotRunObs } from '../obs-studio/built-plugin.ts'
import { expectSame, type Comparison } from './compare.ts'
import { HEIGHT, MovingClip, WIDTH } from './moving-clip.ts'
import { recorded, runOffline } from './offline-run.ts'
import { stampOf } from './shown-frame.ts'
import { hasFallenBack, sidecar, type Sidecar } from './sidecar.ts'

const CAMERA = 'camera'
const FILTER = 'Matte'
const CLIP_FPS = 8
const SAMPLES = 50

const SETTINGS = {
  ...{ ratio: 0.3, max_delay_ms: 500, pairing: 'matched', in_between: 'hold', when_unavailable: 'hide' },
  ...{ stamp: true, view: 'alpha' },
} as const

describe.skipIf(cannotRunObs())('in OBS', () => {
  describeWithSharedData('the live picture', (shared) => {
    const model = join(shared, 'weights', 'rvm-standin.safetensors')
    let obs: ObsStudio
    let clip: MovingClip
    let engine: Sidecar

    beforeAll(async () => {
      clip = await MovingClip.open(shared)
      obs = await ObsStudio.start({
        plugin: builtPlugin,
        prepare: (home) => {
          clip.writeVideo(home.path('clip.nut'), CLIP_FPS)
          // Where the plugin looks for it in this home.
          engine = sidecar({ socket: home.path('.local/state/mattebox/channel.sock'), model })
          return Promise.resolve()
        },
      })
      await engine.start()
      await obs.call('SetCurrentProgramScene', { sceneName: 'A' })
      await obs.call('CreateInput', {
        sceneName: 'A',
        inputName: CAMERA,
        inputKind: 'ffmpeg_source',
        inputSettings: { local_file: obs.home.path('clip.nut'), is_local_file: true, looping: true },
      })
      await obs.call('CreateSourceFilter', {
        sourceName: CAMERA,
        filterName: FILTER,
        filterKind: 'mattebox_filter',
        filterSettings: SETTINGS,
      })
    })
    afterAll(async () => {
      await obs[Symbol.asyncDispose]()
      await engine.remove()
      clip[Symbol.dispose]()
    })

    const picture = async (): Promise<Uint8Array> => (await Screenshot.of(obs, CAMERA, WIDTH, HEIGHT)).rgba
    const isClear = (pixels: Uint8Array): boolean => pixels.every((byte) => byte === 0)
    const set = (filterSettings: Record<string, string | number | boolean>): Promise<unknown> =>
      obs.call('SetSourceFilterSettings', { sourceName: CAMERA, filterName: FILTER, filterSettings })
    const inObs = async (): Promise<Record<string, unknown>> =>
      (await obs.call('GetSourceFilter', { sourceName: CAMERA, filterName: FILTER })).filterSettings
    const rendered = async (): Promise<number> => (await obs.call('GetStats')).renderTotalFrames

    /**
     * Pictures until so many different frames were seen; each one is a frame with its stamp, or nothing at all.
     *
     * @throws {Error} where that takes longer than `limitMs`
     */
    async function sample(count: number, limitMs = 60_000): Promise<Uint8Array[]> {
      const end = performance.now() + limitMs
      const pictures: Uint8Array[] = []
      const ids = new Set<number>()
      while (ids.size < count) {
        if (performance.now() > end) throw new Error(`${ids.size} of ${count} frames were seen within ${limitMs} ms`)
        const pixels = await picture()
        const stamp = stampOf(pixels)
        if (stamp === undefined) {
          expect(isClear(pixels), 'what is not matted is not shown').toBe(true)
          continue
        }
        if (!ids.has(stamp.frame)) pictures.push(pixels)
        ids.add(stamp.frame)
      }
      return pictures
    }

    /** How long it takes until a matted picture is seen, in ms. */
    async function mattedAgain(limitMs: number): Promise<number> {
      const began = performance.now()
      await sample(1, limitMs)
      return performance.now() - began
    }

    /** Holds pictures that were taken since `reported` against the offline run. */
    async function compare(pictures: readonly Uint8Array[], reported = 0): Promise<Comparison> {
      const ids = pictures.map((pixels) => stampOf(pixels)!.matte)
      const recordings = await recorded(engine.record, Math.max(...ids))
      const offline = await runOffline(recordings, clip, model, Math.min(...ids))
      const isOwn = (pixels: Uint8Array): boolean => {
        const { frame, matte } = stampOf(pixels)!
        return frame === matte || !offline.has(frame)
      }
      const own = pictures.filter(isOwn)
      // A machine that is too busy for `matched` shows the newest matte for a while, and says so.
      const isBusy = (): boolean => engine.reports.slice(reported).some(hasFallenBack)
      if (own.length < pictures.length) await expect.poll(isBusy, { timeout: 3000 }).toBe(true)
      const found = expectSame(own, 0, offline)
      console.log(
        `${found.frames} of ${pictures.length} frames, the worst differs by ${found.worst.toFixed(3)}/255 on average`,
      )
      return found
    }

    it('is what the network says of that very frame', { timeout: 180_000 }, async () => {
      await sample(30) // The delay settles.
      const reported = engine.reports.length
      const { frames, shifted, misapplied } = await compare(await sample(SAMPLES), reported)
      expect(frames).toBeGreaterThanOrEqual(SAMPLES)
      // The comparison can tell.
      expect(shifted).toBeGreaterThan(0.5)
      expect(misapplied).toBeGreaterThan(0.5)
    })

    it.each([
      { ratio: 0.2 },
      { refiner: 'fast' },
      { decontaminate: false },
      { ratio: 0.25, refiner: 'none' },
      { ...SETTINGS, refiner: 'deep', decontaminate: true },
    ])('goes on being that when settings are changed: %o', { timeout: 120_000 }, async (changes) => {
      const reported = engine.reports.length
      const before = await sample(3)
      await set(changes)
      // The old network serves, the new one is built, and serves.
      const pictures = [...before, ...(await sample(20))]
      await sleep(1500)
      pictures.push(...(await sample(10)))
      const { frames } = await compare(pictures, reported)
      expect(frames).toBeGreaterThan(10)
      const { sceneItemId } = await obs.call('GetSceneItemId', { sceneName: 'A', sourceName: CAMERA })
      const { sceneItemTransform } = await obs.call('GetSceneItemTransform', { sceneName: 'A', sceneItemId })
      expect(sceneItemTransform).toMatchObject({ sourceWidth: WIDTH, sourceHeight: HEIGHT })
    })

    it(
      'is matted again, by the same filter, when its collection is left and loaded',
      { timeout: 120_000 },
      async () => {
        await sample(3)
        await expect.poll(() => engine.sources[0]?.settings, { timeout: 5000 }).toMatchObject({ view: 'alpha' })
        const [{ hello, settings }] = engine.sources
        const kept = await inObs()
        await obs.call('CreateSceneCollection', { sceneCollectionName: 'U' })
        await expect.poll(() => engine.sources, { timeout: 5000 }).toHaveLength(0)
        await obs.call('SetCurrentSceneCollection', { sceneCollectionName: 'T' })
        await expect.poll(() => engine.sources[0]?.settings, { timeout: 5000 }).toEqual(settings)
        expect(engine.sources[0].hello.filterId).toBe(hello.filterId)
        expect(await inObs()).toEqual(kept)
        await compare(await sample(10))
      },
    )

    it('is hidden when the inference process is killed, and matted by the next one', { timeout: 120_000 }, async () => {
      await sample(3)
      await engine.kill()
      await sleep(1000)
      const frames = await rendered()
      const hidden = [await picture()]
      await sleep(1500)
      hidden.push(await picture())
      expect(hidden.map(isClear)).toEqual([true, true])
      expect(await rendered()).toBeGreaterThan(frames + 20)
      await engine.start()
      console.log(`matted ${Math.round(await mattedAgain(10_000))} ms after the next one was ready`)
      await compare(await sample(10))
    })

    it(
      'is hidden while the inference process is stopped, and matted when it goes on',
      { timeout: 120_000 },
      async () => {
        await sample(3)
        engine.pause()
        const frames = await rendered()
        await sleep(2000)
        const hidden = [await picture()]
        await sleep(1000)
        hidden.push(await picture())
        expect(hidden.map(isClear)).toEqual([true, true])
        expect(await rendered()).toBeGreaterThan(frames + 40)
        engine.resume()
        console.log(`matted ${Math.round(await mattedAgain(2000))} ms after it went on`)
        await compare(await sample(10))
      },
    )

    it('lets OBS leave at once', async () => {
      const asked = performance.now()
      expect(await obs.leave()).toMatchObject({ clean: true, code: 0 })
      expect(performance.now() - asked).toBeLessThan(5000)
    })
  })
})
