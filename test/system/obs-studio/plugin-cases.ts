import { afterAll, beforeAll, expect, it } from 'vitest'
import { Screenshot } from '../../native/obs-studio/screenshot.ts'
import { Stage, until, type StageOptions } from './stage.ts'

const FILTER = 'Matte'
const SETTINGS = { when_unavailable: 'freeze', feather: 1.5, pairing: 'newest', cut_detection: false }

/**
 * What must hold of the plugin in any OBS. The cases follow one another in one OBS, as a user's afternoon does; the last
 * one leaves it.
 */
export function describeThePlugin(options: StageOptions): void {
  let stage: Stage
  let id: string

  beforeAll(async () => {
    stage = await Stage.open({ ...options, behaviour: { matte: 'circle' } })
    await stage.obs.call('SetCurrentProgramScene', { sceneName: 'A' })
    await stage.addCamera('A', 'camera')
    await stage.addFilter('camera', FILTER, {})
  })
  afterAll(async () => {
    await stage[Symbol.asyncDispose]()
  })

  const settingsInObs = async (sourceName = 'camera'): Promise<Record<string, unknown>> => {
    const filter = await stage.obs.call('GetSourceFilter', { sourceName, filterName: FILTER })
    return filter.filterSettings
  }
  const settingsAtSidecar = (): Record<string, unknown> => ({
    ...stage.sidecar.messages.findLast(({ name }) => name === 'settings')?.body,
  })
  const hotkey = (name: string): Promise<unknown> =>
    stage.obs.call('TriggerHotkeyByName', { hotkeyName: `mattebox.${id}.${name}` })

  it('loads, and OBS has nothing to complain of it', () => {
    expect(stage.obs.log).toMatch(/Loaded Modules:[\s\S]*mattebox\.so/)
    expect(stage.obs.log.split('\n').filter((line) => /(error|warning):.*mattebox/i.test(line))).toEqual([])
  })

  it('says hello with the names of source and filter, and an id', () => {
    const { hello } = stage.sidecar.connections[0].channel
    expect(hello).toMatchObject({ source: 'camera', filter: FILTER, private: false, welcomed: false })
    expect(hello.obs).toMatch(/^(29|3\d)\./)
    id = hello.filterId
  })

  it("hands the camera's frames through the socket, and each new one only once", async () => {
    await until(() => stage.framesOf(FILTER) > 60, 'fewer than 60 frames came')
    const ids = stage.sidecar.frames.map((frame) => frame.id)
    expect(ids).toEqual([...new Set(ids)].sort((a, b) => a - b))
    expect(stage.sidecar.frames.at(-1)).toMatchObject({ sourceWidth: 320, sourceHeight: 180 })
  })

  it('puts the matte on the picture: the person stays, the room is gone', async () => {
    const camera = await Screenshot.of(stage.obs, 'camera')
    expect(camera.at(0.5, 0.5)[3]).toBe(255)
    for (const [x, y] of [
      [0.05, 0.05],
      [0.95, 0.05],
      [0.05, 0.95],
      [0.95, 0.95],
    ] as const)
      expect(camera.at(x, y)).toEqual([0, 0, 0, 0])
  })

  it('puts it into the program too', async () => {
    const { sceneItemId } = await stage.obs.call('GetSceneItemId', { sceneName: 'A', sourceName: 'camera' })
    const sceneItemTransform = { positionX: 0, positionY: 0, scaleX: 2, scaleY: 2 }
    await stage.obs.call('SetSceneItemTransform', { sceneName: 'A', sceneItemId, sceneItemTransform })
    await until(() => stage.framesOf(FILTER) > 100, 'frames stopped')
    const scene = await Screenshot.of(stage.obs, 'A', 640, 360)
    expect(scene.at(0.5, 0.5)[3]).toBe(255)
    for (const [x, y] of [
      [0.05, 0.05],
      [0.95, 0.05],
      [0.05, 0.95],
      [0.95, 0.95],
    ] as const)
      expect(scene.at(x, y)[3]).toBe(0)
  })

  it('opens its properties and closes them', async () => {
    await stage.obs.call('OpenInputFiltersDialog', { inputName: 'camera' })
    const dialog = async () => (await stage.obs.display.windows()).find(({ title }) => title.includes("'camera'"))
    await expect.poll(dialog, { timeout: 5000 }).toBeDefined()
    await stage.obs.display.close((await dialog())!)
    await expect.poll(dialog, { timeout: 5000 }).toBeUndefined()
    const frames = stage.framesOf(FILTER)
    await until(() => stage.framesOf(FILTER) > frames + 10, 'frames stopped after the properties')
  })

  it('takes settings from OBS and tells the sidecar', async () => {
    await stage.obs.call('SetSourceFilterSettings', {
      sourceName: 'camera',
      filterName: FILTER,
      filterSettings: SETTINGS,
    })
    await expect.poll(settingsAtSidecar).toMatchObject(SETTINGS)
  })

  it('takes settings from the sidecar, and OBS has them', async () => {
    stage.sidecar.open[0].channel.set({ view: 'alpha', max_delay_ms: 200 })
    await expect.poll(() => settingsInObs()).toMatchObject({ ...SETTINGS, view: 'alpha', max_delay_ms: 200 })
    stage.sidecar.open[0].channel.set({ view: 'result' })
    await expect.poll(() => settingsInObs()).toMatchObject({ view: 'result' })
  })

  it('resets by its hotkey, and changes the view by another', async () => {
    const { hotkeys } = await stage.obs.call('GetHotkeyList')
    expect(hotkeys).toEqual(
      expect.arrayContaining(['reset', 'cover', 'next_view'].map((name) => `mattebox.${id}.${name}`)),
    )
    await hotkey('reset')
    await until(() => stage.resetsOf(FILTER).some(({ reason }) => reason === 'asked'), 'no reset was told')
    await hotkey('next_view')
    await expect.poll(settingsAtSidecar).toMatchObject({ view: 'alpha' })
    for (const view of ['foreground', 'result']) {
      await hotkey('next_view')
      await expect.poll(settingsAtSidecar).toMatchObject({ view })
    }
  })

  it('covers by its hotkey', async () => {
    const { covered } = await stage.statsOf(FILTER)
    await hotkey('cover')
    expect((await stage.statsOf(FILTER)).covered).toBeGreaterThan(covered + 10)
    await hotkey('cover')
  })

  it('takes another name', async () => {
    const rename = (filterName: string, newFilterName: string): Promise<unknown> =>
      stage.obs.call('SetSourceFilterName', { sourceName: 'camera', filterName, newFilterName })
    await rename(FILTER, 'Other')
    await until(() => stage.idsOf('Other').includes(id), 'the new name was not told')
    await rename('Other', FILTER)
    await until(() => stage.idsOf(FILTER).includes(id), 'the old name was not told')
  })

  it('gets an id of its own where it is pasted on another source, with the settings', async () => {
    await stage.addCamera('A', 'second')
    await stage.addFilter('second', 'Pasted', (await settingsInObs()) as typeof SETTINGS)
    const [pasted] = stage.idsOf('Pasted')
    expect(pasted).toMatch(/^[0-9a-f]{16}$/)
    expect(pasted).not.toBe(id)
    await expect.poll(settingsAtSidecar).toMatchObject(SETTINGS)
    await stage.obs.call('RemoveInput', { inputName: 'second' })
  })

  it('keeps id and settings when its collection is left and loaded again', async () => {
    await stage.obs.call('CreateSceneCollection', { sceneCollectionName: 'U' })
    await expect.poll(() => stage.sidecar.open).toHaveLength(0)
    await stage.obs.call('SetCurrentSceneCollection', { sceneCollectionName: 'T' })
    await expect.poll(() => stage.sidecar.open, { timeout: 5000 }).toHaveLength(1)
    expect(stage.sidecar.open[0].channel.hello.filterId).toBe(id)
    await expect.poll(settingsAtSidecar).toMatchObject({ ...SETTINGS, view: 'result', max_delay_ms: 200 })
    expect(await settingsInObs()).toMatchObject({ ...SETTINGS, view: 'result', max_delay_ms: 200 })
  })

  it("is another filter, and says so, in studio mode's duplicate of a scene that it is on", async () => {
    await stage.addFilter('B', 'On a scene', {})
    await stage.obs.call('SetStudioModeEnabled', { studioModeEnabled: true })
    await stage.preview('B')
    await stage.obs.call('TriggerStudioModeTransition')
    await until(() => stage.idsOf('On a scene').length > 1, "the duplicate's filter did not connect")
    expect(new Set(stage.idsOf('On a scene')).size).toBe(stage.idsOf('On a scene').length)
    const [original, ...duplicates] = stage.sidecar.connections
      .map(({ channel }) => channel.hello)
      .filter(({ filter }) => filter === 'On a scene')
    expect(original).toMatchObject({ private: false })
    for (const duplicate of duplicates) expect(duplicate).toMatchObject({ private: true })
  })

  it('lets OBS leave at once, with nothing lost', async () => {
    const asked = performance.now()
    const exit = await stage.obs.leave()
    expect(exit).toMatchObject({ clean: true, code: 0 })
    expect(performance.now() - asked).toBeLessThan(5000)
    // OBS's own sources lose one or two; a filter that loses something per frame or per connection is over it.
    expect(exit.leaks).toBeLessThan(6)
    expect(stage.sidecar.open).toEqual([])
  })
}
