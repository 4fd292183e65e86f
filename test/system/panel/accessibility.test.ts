/**
 * Every page of the panel against WCAG 2.2 AA (axe), wide and as a dock, light and dark: 0 faults, and nothing to be
 * scrolled sideways. Before `mattebox start` itself in the states that it has without an OBS; before the real panel
 * server with a stand-in for OBS in those that need one. The same checks were red with the loudest notice's text in the
 * page's colour (contrast 2.35), with radio buttons that had no place of their own (105 pixels too wide as a dock), and
 * with a button that took the main one's colours when it had the focus (contrast 4.39, dark, after a filter was removed).
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ObsFilter, ObsVideoSource, ObsView } from '../../../src/api/index.ts'
import { report, type Told } from '../../sidecar/main/told.ts'
import { faults } from './faults.ts'
import { FilmingFilter } from './filming-filter.ts'
import { madeUpModel } from './made-up-model.ts'
import { builtPage, PagesStage } from './pages-stage.ts'
import { compiledWithPage, launchBrowser, letIn, Panel } from './try-stage.ts'

const WIDTHS = [1280, 300]
const THEMES = ['light', 'dark'] as const
const PAGES = ['sources', 'try', 'obs', 'engine', 'figures']
const ID = '00000000000000aa'

let browser: Browser

beforeAll(async () => {
  browser = await launchBrowser(undefined)
})
afterAll(() => browser.close())

/** Looks at a page as it is now, in every theme; and in every width, unless it was made for one. */
async function expectNoFaults(page: Page, widths = WIDTHS): Promise<void> {
  for (const width of widths) {
    await page.setViewportSize({ width, height: 600 })
    for (const colorScheme of THEMES) {
      // Else colours that are still fading are looked at.
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
      // Plots follow the width.
      await page.waitForTimeout(250)
      expect.soft(await faults(page), `${width} pixels, ${colorScheme}`).toEqual([])
    }
  }
}

/** Looks at a page as it comes. */
async function expectOpensWithoutFaults(page: Page): Promise<void> {
  await page.locator('h1').first().waitFor()
  // Plots are drawn once a second, pictures five times.
  await page.waitForTimeout(1200)
  await expectNoFaults(page)
  await page.context().close()
}

describe('the panel of mattebox start', () => {
  const folder = mkdtempSync(join(tmpdir(), 'mattebox-axe-'))
  let program: Awaited<ReturnType<typeof compiledWithPage>>

  beforeAll(async () => {
    program = await compiledWithPage()
  }, 180_000)
  afterAll(() => {
    program.remove()
    rmSync(folder, { recursive: true })
  })

  /** The code of a start lets one browser in: what that remembers serves for every page. */
  async function opener(panel: Panel): Promise<(name: string) => Promise<Page>> {
    const storageState = await letIn(browser, panel)
    return async (name) => {
      const context = await browser.newContext({ storageState })
      const page = await context.newPage()
      page.on('pageerror', (error) => expect.soft(error.message).toBe('no error in the page'))
      await page.goto(`${new URL(panel.address).origin}/#/${name}`)
      return page
    }
  }

  describe('without a model and without an OBS', () => {
    let panel: Panel
    let open: Awaited<ReturnType<typeof opener>>
    beforeAll(async () => {
      panel = await Panel.start(program.path, undefined)
      open = await opener(panel)
    }, 60_000)
    afterAll(() => panel[Symbol.asyncDispose]())

    it.each(PAGES)('has no fault on the page %s', async (name) => {
      await expectOpensWithoutFaults(await open(name))
    })
  })

  describe('with a filter that is connected', () => {
    let panel: Panel
    let filter: FilmingFilter
    let open: Awaited<ReturnType<typeof opener>>
    beforeAll(async () => {
      const model = join(folder, 'model.safetensors')
      writeFileSync(model, madeUpModel())
      panel = await Panel.start(program.path, model)
      open = await opener(panel)
      filter = await FilmingFilter.connect(panel.socket, { filterId: ID, source: 'Camera', filter: 'Matte' })
      // The room may be seen: the loudest alert is there too.
      await filter.set({ when_unavailable: 'show' })
    }, 60_000)
    afterAll(async () => {
      await filter[Symbol.asyncDispose]()
      await panel[Symbol.asyncDispose]()
    })

    it.each([...PAGES, `sources/${ID}`])('has no fault on the page %s', async (name) => {
      await expectOpensWithoutFaults(await open(name))
    })
  })

  it('has no fault when it is gone', async () => {
    const panel = await Panel.start(program.path, undefined)
    const page = await (await opener(panel))('obs')
    await page.locator('h1').waitFor()
    await panel[Symbol.asyncDispose]()
    await page.getByText('mattebox is not running', { exact: false }).waitFor()
    await expectNoFaults(page)
    await page.context().close()
  })
})

describe('the panel beside an OBS', { timeout: 120_000 }, () => {
  const OURS: ObsFilter = { name: 'Matte', kind: 'mattebox_filter', enabled: true, index: 1, filterId: ID }
  const CROP: ObsFilter = { name: 'Crop', kind: 'crop_filter', enabled: false, index: 0, filterId: null }
  const CAMERA: ObsVideoSource = {
    name: 'Camera',
    kind: 'v4l2_input',
    isCamera: true,
    scenes: ['Desk', 'A scene with a name that is longer than a dock is wide'],
    filters: [CROP, OURS],
  }
  const PHONE: ObsVideoSource = { ...CAMERA, name: 'Phone', filters: [] }
  const GAME: ObsVideoSource = { ...PHONE, name: 'Game', kind: 'xcomposite_input', isCamera: false }
  const SOURCES = [CAMERA, PHONE, GAME]
  const ERROR = { code: 'OBS_PASSWORD', message: 'OBS wants a password.', mend: 'Give it: `npx mattebox obs`.' }
  const AWAY: Partial<ObsView> = { sources: null, audioInputs: null, hasPlugin: null, version: null }

  const filter = report(ID)
  const elsewhere = { ...report('00000000000000bb'), hello: { ...report('00000000000000bb').hello, pid: 99 } }
  let built: Awaited<ReturnType<typeof builtPage>>

  beforeAll(async () => {
    built = await builtPage()
  }, 120_000)
  afterAll(() => built.remove())

  async function expectStageHasNoFaults(
    name: string,
    { told = {}, obs = {} }: { told?: Told; obs?: Partial<ObsView> },
    show?: (page: Page, width: number) => Promise<unknown>,
  ): Promise<void> {
    await using stage = await PagesStage.open(browser, built.folder, told)
    stage.keepTelling()
    stage.showObs(obs)
    if (show === undefined) {
      await expectOpensWithoutFaults(await stage.page(name))
      return
    }
    // Where the mouse stays after a click is another place in another width.
    for (const width of WIDTHS) {
      const page = await stage.page(name, { viewport: { width, height: 600 } })
      await show(page, width)
      await expectNoFaults(page, [width])
      await page.context().close()
    }
  }

  const disabled = { ...CAMERA, filters: [CROP, { ...OURS, enabled: false }] }
  const twice = { ...CAMERA, filters: [CROP, OURS, { ...OURS, name: 'Again', index: 2, filterId: null }] }
  it.each<[string, Partial<ObsView>]>([
    ['while it looks for it', { ...AWAY, state: 'connecting' }],
    ['whose server is off', { ...AWAY, state: 'off' }],
    ['that wants a password', { ...AWAY, state: 'password', error: ERROR }],
    ['that is away', { ...AWAY, state: 'away', error: ERROR }],
    ['with cameras to add it to', { sources: SOURCES }],
    ['that lacks the plugin', { sources: SOURCES, hasPlugin: false }],
    ['whose filter is switched off', { sources: [disabled] }],
    ['with two filters on a source', { sources: [twice] }],
  ])('%s has no fault on the page OBS', async (_, obs) => {
    await expectStageHasNoFaults('obs', { told: { always: { sources: [filter, elsewhere] } }, obs })
  })

  it('has no fault while a filter is added, and after', async () => {
    await expectStageHasNoFaults('obs', { obs: { sources: SOURCES } }, async (page, width) => {
      await page.getByRole('button', { name: 'Add the filter to Phone' }).click()
      await page.getByRole('dialog').waitFor()
      await expectNoFaults(page, [width])
      await page.getByRole('dialog').getByRole('button', { name: 'Add', exact: true }).click()
      await page.getByText('“Phone” has the filter now.').waitFor()
    })
  })

  it('has no fault while a filter is removed, and after', async () => {
    await expectStageHasNoFaults('obs', { obs: { sources: SOURCES } }, async (page, width) => {
      await page.getByRole('button', { name: 'Remove Matte' }).click()
      await page.getByRole('dialog').waitFor()
      await expectNoFaults(page, [width])
      await page.getByRole('dialog').getByRole('button', { name: 'Remove', exact: true }).click()
      await page.getByRole('button', { name: 'Undo' }).waitFor()
    })
  })

  it('has no fault on the page Engine where a provider failed and a file is to be imported', async () => {
    const told: Told = { cuda: { failAfterMs: 300, failed: 'The GPU fell over.' } }
    await expectStageHasNoFaults('engine', { told }, async (page) => {
      await page.getByText('Failed while live').waitFor()
      const file = { name: 'broken.onnx', mimeType: 'application/octet-stream', buffer: Buffer.from('no model') }
      await page.getByLabel('File', { exact: true }).setInputFiles(file)
      await page.getByRole('button', { name: 'Import', exact: true }).click()
      await page.getByRole('alert').waitFor()
    })
  })

  it('has no fault on the page Figures with two sources, paused', async () => {
    await expectStageHasNoFaults('figures', { told: { always: { sources: [filter, elsewhere] } } }, async (page) => {
      await page.getByRole('table', { name: /^Latency/ }).waitFor()
      await page.getByRole('button', { name: 'Pause' }).click()
    })
  })
})
