/**
 * A scene change with the camera in both scenes shows no policy frame (reliability row 3): every output frame has a pair,
 * each matte on its own frame, through cut, fade and forced change; exactly the resets that the setting promises, when the
 * new scene begins to show.
 *
 * Seen red: `when-new` resetting always; no reset; a second one at a transition's end; a reset ten frames late; one that
 * forgets what was captured; a policy frame at it; the scene before told wrong.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { FakeSidecar } from '../../fake-sidecar/fake-sidecar.ts'
import { numberPoints, readNumbers } from '../../native/obs-host/picture.ts'
import { expectAccounted, missing, nowMs, resetsOf, Stage, until } from './stage.ts'

const points = numberPoints()
/** The next tick, and what a busy machine adds to it; a fade takes 300 ms. */
const AT_ONCE_MS = 150

describe.skipIf(missing !== undefined)('scene changes with the camera in both scenes', { timeout: 120_000 }, () => {
  let stage: Stage
  let sidecar: FakeSidecar
  let scene = 'cam scene'

  beforeAll(async () => {
    stage = await Stage.open()
    sidecar = stage.sidecar({ delayMs: 10 })
    await stage.show({ in_between: 'hold', max_delay_ms: 500 })
    await stage.host.scene('other', [{ source: 'cam' }])
    await until(stage.host, [points], ({ points: pixels }) => readNumbers(pixels).matte !== undefined)
    await stage.host.pass(60)
  })
  afterAll(() => stage.close())

  /** Changes the scene while every frame is looked at. Returns the resets that this made. */
  async function change(how: 'cut' | 'fade' | 'forced', setting: string): Promise<string[]> {
    await stage.host.updateFilter('cam', 'matte', { reset_on_scene_change: setting })
    await stage.host.pass(5)
    const before = resetsOf(sidecar).length
    await stage.host.capture(points)
    scene = scene === 'other' ? 'cam scene' : 'other'
    const changedMs = nowMs()
    if (how === 'forced') await stage.host.do('program', { scene, transition: 'cut_transition', forced: true })
    else await stage.host.program(scene, how)
    const frames = await stage.host.captured(30, { stop: true })
    const pairs = frames.map((frame) => readNumbers(frame.points))
    expect(pairs.filter(({ picture }) => picture === undefined).length).toBe(0)
    expect(pairs.filter(({ picture, matte }) => picture !== matte)).toEqual([])
    const resets = resetsOf(sidecar).slice(before)
    const { epoch } = sidecar.frames.at(-1)!
    const anew = sidecar.frames.find((frame) => frame.epoch === epoch)!.timestampNs / 1e6
    if (resets.length > 0) expect(anew - changedMs).toBeLessThan(AT_ONCE_MS)
    return resets
  }

  it.each(['cut', 'fade', 'forced'] as const)('%s: always resets once', async (how) => {
    expect(await change(how, 'always')).toEqual(['scene'])
  })

  it.each(['cut', 'fade', 'forced'] as const)('%s: when-new does not, for the camera was on show', async (how) => {
    expect(await change(how, 'when-new')).toEqual([])
  })

  it.each(['cut', 'fade'] as const)('%s: never does not', async (how) => {
    expect(await change(how, 'never')).toEqual([])
  })

  it('when-new resets where the camera was not on show before', async () => {
    await stage.host.do('create-scene', { scene: 'empty' })
    await stage.host.updateFilter('cam', 'matte', { reset_on_scene_change: 'when-new' })
    await stage.host.program('empty')
    await stage.host.pass(12)
    const before = resetsOf(sidecar).length
    await stage.host.program('cam scene')
    scene = 'cam scene'
    await stage.host.pass(30)
    expect(resetsOf(sidecar).slice(before)).toEqual(['scene'])
  })

  it('tells the sidecar the program scene', async () => {
    const scenes = sidecar.messages.flatMap((message) => (message.name === 'scene' ? [message.body.scene] : []))
    expect(scenes.at(-1)).toBe('cam scene')
    const reset = sidecar.messages.findLast((message) => message.name === 'reset')
    expect(reset?.body).toMatchObject({ from: 'empty', to: 'cam scene', reason: 'scene' })
    await expectAccounted(stage, sidecar)
  })
})
