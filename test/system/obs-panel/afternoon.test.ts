/**
 * An afternoon with the panel, from the first filter to the last: real OBS, `mattebox start` with the real network, and
 * its page in a real Chromium. The cases follow one another in one page, which is never loaded again.
 *
 * Seen red, in their order: with a sidecar at another socket; a ratio slider that changes nothing when it is let go;
 * scenes of a reset exchanged; a template that is applied without its regions; a sound's offset that is given back as 0;
 * no binding found for a scene (also after the restart); an OBS whose server is off taken
 * for away; a cookie that ends with the sidecar; tiles without a heading for each OBS; `removeFilter` that removes nothing.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, Locator, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { PanelState, SourceView } from '../../../src/api/index.ts'
import { lowResolution } from '../../../src/model/low-resolution.ts'
import { Screenshot } from '../../native/obs-studio/screenshot.ts'
import { describeWithSharedData } from '../../shared-data.ts'
import { HEIGHT, MovingClip, WIDTH } from '../obs-live/moving-clip.ts'
import { builtPlugin, cannotRunObs } from '../obs-studio/built-plugin.ts'
import { freePort, RestartableObs } from '../obs-studio/restartable-obs.ts'
import { compiledWithPage, launchBrowser, letIn, Panel, type Place } from '../panel/try-stage.ts'
import { filmedScenes } from './scenes.ts'

const CAMERA = 'Camera'
const FILTER = 'Mattebox background removal'
const GUEST_ID = '00000000000000bb'
/** The clip is slow: two cores draw for OBS and the browser, and run the network. */
const CLIP_FPS = 8
const PATIENCE_MS = 45_000

describe.skipIf(cannotRunObs())('an afternoon with the panel', { timeout: 180_000 }, () => {
  describeWithSharedData('and OBS', (shared) => {
    const model = join(shared, 'weights', 'rvm-standin.safetensors')
    const folder = mkdtempSync(join(tmpdir(), 'mattebox-afternoon-'))
    const clip = join(folder, 'camera.nut')
    let program: Awaited<ReturnType<typeof compiledWithPage>>
    let obs: RestartableObs
    let guest: RestartableObs | undefined
    let place: Place
    let panel: Panel
    let browser: Browser
    let page: Page
    /** Of the filter that the first case adds. */
    let id = ''

    beforeAll(async () => {
      program = await compiledWithPage()
      using moving = await MovingClip.open(shared)
      moving.writeVideo(clip, CLIP_FPS)
      const collection = filmedScenes({ scenes: ['Desk', 'Game'], camera: CAMERA, clip })
      obs = await RestartableObs.create({ plugin: builtPlugin, collection })
      // Where the plugin looks for it in this home.
      const socket = obs.home.path('.local/state/mattebox/channel.sock')
      place = { home: obs.home.folder, socket, port: await freePort() }
      panel = await Panel.start(program.path, model, place)
      browser = await launchBrowser()
      const context = await browser.newContext({ storageState: await letIn(browser, panel) })
      page = await context.newPage()
      page.setDefaultTimeout(PATIENCE_MS)
      page.on('pageerror', (error) => expect.soft(error.message).toBe('no error in the page'))
      await page.goto(new URL(panel.address).origin)
      await obs.start()
    }, 240_000)
    afterAll(async () => {
      await browser.close()
      await panel[Symbol.asyncDispose]()
      await guest?.[Symbol.asyncDispose]()
      await obs[Symbol.asyncDispose]()
      program.remove()
      rmSync(folder, { recursive: true, force: true })
    })

    const settled = (read: () => unknown) => expect.poll(read, { timeout: PATIENCE_MS, interval: 100 })
    const slider = (name: string): Locator => page.getByRole('slider', { name, exact: true })
    const radio = (name: string): Locator => page.getByRole('radio', { name, exact: true })
    const button = (name: string): Locator => page.getByRole('button', { name, exact: true })
    const card = (name: string): Locator => page.getByRole('article', { name, exact: true })
    const figures = (): Promise<string> => page.locator('.figures').innerText()
    const go = (to: 'Sources' | 'OBS'): Promise<void> =>
      page.getByRole('navigation', { name: 'mattebox' }).getByRole('link', { name: to, exact: true }).click()
    const count = async (reason: string): Promise<number> => {
      const line = page.locator('.count-list li').filter({ hasText: reason })
      return (await line.count()) === 0 ? 0 : Number(await line.locator('strong').innerText())
    }
    const framesShown = async (): Promise<number> =>
      Number(/^(\d+) frames shown/.exec(await page.getByText('frames shown with a matte').innerText())![1])
    /** An OBS that was started anew counts anew. */
    async function framesPass(frames = 5): Promise<void> {
      let [last, passed] = [await framesShown(), 0]
      const more = async (): Promise<number> => {
        const now = await framesShown()
        passed += Math.max(0, now - last)
        last = now
        return passed
      }
      await settled(more).toBeGreaterThan(frames)
    }

    /** What scripts are told of the filter. */
    async function told(filterId = id): Promise<SourceView | undefined> {
      const answer = await page.request.get(`${new URL(panel.address).origin}/api/state`)
      return ((await answer.json()) as PanelState).sources.find((source) => source.id === filterId)
    }
    const inObs = async (): Promise<Record<string, unknown>> =>
      (await obs.call('GetSourceFilter', { sourceName: CAMERA, filterName: FILTER })).filterSettings
    const cutTo = (sceneName: string): Promise<unknown> => obs.call('SetCurrentProgramScene', { sceneName })
    /** How much of the camera's picture in OBS is taken out, 0..1. */
    async function takenOut(): Promise<number> {
      const { rgba } = await Screenshot.of(obs, CAMERA)
      let clear = 0
      for (let at = 3; at < rgba.length; at += 4) if (rgba[at] < 16) clear++
      return (4 * clear) / rgba.length
    }
    /** Whether the camera's picture in OBS is opaque there, in 0..1 of its sides. */
    const isShown = async (across: number, down: number): Promise<boolean> =>
      (await Screenshot.of(obs, CAMERA)).at(across, down)[3] > 250
    function sizeAt(ratio: number): string {
      const { width, height } = lowResolution(WIDTH, HEIGHT, ratio)
      return `${width} × ${height}`
    }

    it('adds the filter to a source, which appears, is connected and matted', async () => {
      await go('OBS')
      await card('Connection').getByText('Connected', { exact: true }).waitFor()
      await button(`Add the filter to ${CAMERA}`).click()
      await page.getByRole('dialog').getByRole('button', { name: 'Add', exact: true }).click()
      await page.getByText(`“${CAMERA}” has the filter now.`).waitFor()
      await page.getByRole('link', { name: 'Go to its settings' }).click()
      id = /[0-9a-f]{16}$/.exec(page.url())![0]
      expect(await inObs()).toMatchObject({ filter_id: id })

      const picture = page.getByRole('region', { name: `Picture of ${CAMERA}` })
      await picture.getByText('Connected', { exact: true }).waitFor()
      await picture.getByText('CPU', { exact: true }).waitFor()
      await framesPass()
      await settled(() => picture.locator('canvas').getAttribute('data-frame')).not.toBeNull()
      expect(await figures()).toContain(sizeAt(0))
      await settled(takenOut).toBeGreaterThan(0.2)
      expect(await takenOut()).toBeLessThan(0.99)
    })

    it('changes the ratio by a mark and by the slider; what the network sees follows, and OBS keeps it', async () => {
      await radio('Portrait 0.375').check()
      await settled(figures).toContain(sizeAt(0.375))
      await settled(async () => (await inObs())['ratio']).toBe(0.375)

      await slider('Ratio').scrollIntoViewIfNeeded()
      const { x, y, width, height } = (await slider('Ratio').boundingBox())!
      await page.mouse.move(x + 0.35 * width, y + height / 2)
      await page.mouse.down()
      await page.mouse.move(x + 0.22 * width, y + height / 2, { steps: 5 })
      const chosen = Number(await slider('Ratio').inputValue())
      await page.mouse.up()
      expect(chosen).toBeGreaterThan(0.2)
      expect(chosen).toBeLessThan(0.34)
      await settled(figures).toContain(sizeAt(chosen))
      await settled(async () => (await inObs())['ratio']).toBeCloseTo(chosen, 5)
      await framesPass()
    })

    it('shows a reset for each change of scene, with the scenes’ names, and none where the filter is told so', async () => {
      expect(await count('scene change')).toBe(0)
      await cutTo('Game')
      await settled(() => count('scene change')).toBe(1)
      await page.getByText(/^The last \d+ resets$/).click()
      const line = page.locator('.resets li').filter({ hasText: 'scene change' })
      await line.filter({ hasText: 'Desk → Game' }).waitFor()

      await radio('Never').check()
      await settled(async () => (await inObs())['reset_on_scene_change']).toBe('never')
      await cutTo('Desk')
      await settled(async () => (await told())?.scene).toBe('Desk')
      await framesPass(30)
      expect(await count('scene change')).toBe(1)

      await radio('Always').check()
      await settled(async () => (await told())?.settings?.reset_on_scene_change).toBe('always')
      await cutTo('Game')
      await settled(() => count('scene change')).toBe(2)
      await cutTo('Desk')
      await settled(() => count('scene change')).toBe(3)
      await line.filter({ hasText: 'Game → Desk' }).waitFor()
    })

    it('draws a region, which cuts the picture in OBS, and keeps it as a template', async () => {
      await button('Draw keep').click()
      const picture = page.locator('.stage svg')
      const { width, height } = (await picture.boundingBox())!
      for (const [across, down] of [
        [0.02, 0.02],
        [0.3, 0.02],
        [0.3, 0.3],
        [0.02, 0.3],
      ]) {
        await picture.click({ position: { x: across * width, y: down * height } })
      }
      await button('Done').click()
      const regions = async (): Promise<unknown> => (await inObs())['regions']
      await settled(regions).toMatchObject([{ kind: 'keep' }])
      // What is kept; OBS has the settings before the picture that is drawn with them.
      await settled(() => isShown(0.15, 0.15)).toBe(true)

      await page.getByText('Templates', { exact: true }).click()
      await button('Save these regions as a template').click()
      const dialog = page.getByRole('dialog')
      await dialog.getByRole('textbox', { name: 'Name' }).fill('Corner')
      await dialog.getByRole('button', { name: 'Save', exact: true }).click()
      await button('Remove region 1').click()
      await settled(regions).toEqual([])
      await settled(() => isShown(0.15, 0.15)).toBe(false)
      await button('Apply the template Corner').click()
      await settled(regions).toMatchObject([{ kind: 'keep' }])
      await settled(() => isShown(0.15, 0.15)).toBe(true)
      await button('Remove region 1').click()
      await settled(regions).toEqual([])
    })

    it('adds the delay to the sound of an input, keeps its own offset, and gives it back', async () => {
      const offset = async (): Promise<number> =>
        (await obs.call('GetInputAudioSyncOffset', { inputName: CAMERA }))['inputAudioSyncOffset']
      await obs.call('SetInputAudioSyncOffset', { inputName: CAMERA, inputAudioSyncOffset: 40 })
      // On a busy machine the matte is too late for less: then it is the newest that is shown, and nothing is delayed.
      await slider('Longest delay').fill('500')
      await page.getByLabel('Audio input').selectOption(CAMERA)
      await page.getByRole('button', { name: /^Add the delay of [1-9]\d* ms$/ }).click()
      const added = page.getByText(/^Camera \d+ ms added to its own 40 ms\./)
      const ms = Number(/(\d+) ms/.exec(await added.innerText())![1])
      expect(ms).toBeGreaterThan(0)
      await settled(offset).toBe(40 + ms)
      await button('Give its own back').click()
      await settled(offset).toBe(40)
      await added.waitFor({ state: 'detached' })

      await page.getByRole('button', { name: /^Add the delay of [1-9]\d* ms$/ }).click()
      await added.waitFor()
      await obs.call('SetInputAudioSyncOffset', { inputName: CAMERA, inputAudioSyncOffset: 500 })
      await button('Give its own back').click()
      await page.getByText('The offset of “Camera” was changed in OBS since: it stays as it is.').waitFor()
      expect(await offset()).toBe(500)
    })

    it('takes on the preset that is bound to a scene', async () => {
      await slider('Feather').fill('3')
      await settled(async () => (await inObs())['feather']).toBe(3)
      await button('Save …').click()
      const dialog = page.getByRole('dialog')
      await dialog.getByRole('textbox', { name: 'Name' }).fill('Soft')
      await dialog.getByLabel('Downsample ratio').uncheck()
      await dialog.getByRole('button', { name: 'Save', exact: true }).click()
      await button('Reset Feather to its default').click()
      await settled(async () => (await inObs())['feather']).toBe(0)

      await page.getByLabel('Scene', { exact: true }).fill('Game')
      await page.getByLabel('Preset', { exact: true }).selectOption('Soft')
      await button('Bind').click()
      await page.getByText('Game → Soft').waitFor()
      await cutTo('Game')
      await settled(async () => (await inObs())['feather']).toBe(3)
      await settled(() => slider('Feather').inputValue()).toBe('3')
      await cutTo('Desk')
      await settled(async () => (await told())?.scene).toBe('Desk')
    })

    it('sets the same with OBS’s WebSocket switched off, and says how to switch it on', async () => {
      await obs.leave()
      await obs.setServer(false)
      await obs.start({ hasServer: false })
      await go('OBS')
      const connection = card('Connection')
      await connection.getByText('WebSocket is off', { exact: true }).waitFor()
      await connection.getByText('Tick “Enable WebSocket server”.').waitFor()
      await card('Filters that are connected')
        .getByRole('link', { name: `Settings of ${CAMERA}` })
        .click()
      expect(page.url()).toContain(id)

      await framesPass()
      await radio('Portrait 0.375').check()
      await settled(figures).toContain(sizeAt(0.375))
      await slider('Feather').fill('-2')
      await settled(async () => (await told())?.settings?.feather).toBe(-2)
      const asked = await count('asked for')
      await button('Reset state now').click()
      await settled(() => count('asked for')).toBe(asked + 1)
      await button('Cover').click()
      await button('Uncover').click()
      await button('Cover').waitFor()
    })

    it('is all back, under the same id, when OBS and mattebox were restarted', async () => {
      const before = (await told())!.settings
      expect(before).toMatchObject({ ratio: 0.375, feather: -2 })
      await Promise.all([obs.leave(), panel[Symbol.asyncDispose]()])
      await page.getByText('mattebox is not running.').waitFor()
      await obs.setServer(true)
      const [started] = await Promise.all([Panel.start(program.path, model, place), obs.start()])
      panel = started
      await page.getByText('mattebox is not running.').waitFor({ state: 'detached' })
      await settled(async () => (await told())?.obs.pid).toBe(obs.pid)

      const picture = page.getByRole('region', { name: `Picture of ${CAMERA}` })
      await picture.getByText('Connected', { exact: true }).waitFor()
      await framesPass()
      expect((await told())!.settings).toEqual(before)
      expect(await inObs()).toMatchObject({ filter_id: id, ratio: 0.375, feather: -2 })
      expect(await figures()).toContain(sizeAt(0.375))
      await settled(takenOut).toBeGreaterThan(0.2)
      await button('Apply the preset Soft').waitFor()
      await cutTo('Game')
      await settled(async () => (await inObs())['feather']).toBe(3)
    })

    it('shows two OBS, and sets each apart', async () => {
      const filter = { filter_id: GUEST_ID, ratio: 0.2 }
      const collection = filmedScenes({ scenes: ['Sofa'], camera: 'Guest', clip, filter })
      const launcher = () => ['env', `MATTEBOX_SOCKET=${panel.socket}`, 'obs'] as const
      guest = await RestartableObs.create({ plugin: builtPlugin, collection, launcher })
      await guest.start()
      const all = page.getByRole('navigation', { name: 'All sources' })
      for (const { pid } of [obs, guest])
        await all.getByRole('heading', { name: new RegExp(`^OBS \\S+ · process ${pid}$`) }).waitFor()
      await all.getByText('Guest').click()
      await page.getByRole('region', { name: 'Picture of Guest' }).getByText('Connected', { exact: true }).waitFor()
      await framesPass()
      await slider('Feather').fill('1')
      await settled(async () => (await told(GUEST_ID))?.settings?.feather).toBe(1)
      expect((await told())?.settings?.feather).toBe(3)

      await go('OBS')
      await page.getByText('More than one OBS is running.').waitFor()
      await card('Filters in another OBS').getByRole('link', { name: 'Settings of Guest' }).waitFor()
      await guest.kill()
      await page.getByText('More than one OBS is running.').waitFor({ state: 'detached' })
    })

    it('removes the filter, and says that the room is shown', async () => {
      await go('OBS')
      await button(`Remove ${FILTER}`).click()
      await page.getByRole('dialog').getByRole('button', { name: 'Remove', exact: true }).click()
      await page.getByText(`“${FILTER}” was removed from “${CAMERA}”: its room is shown.`).waitFor()
      expect((await obs.call('GetSourceFilterList', { sourceName: CAMERA })).filters).toEqual([])
      await button(`Add the filter to ${CAMERA}`).waitFor()
      await settled(async () => (await told())?.connected).toBe(false)
      expect(await takenOut()).toBe(0)
    })
  })
})
