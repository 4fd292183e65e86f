/**
 * The page of sources in a real Chromium, before `mattebox start` with real inference and filters on the real channel.
 * Seen red:
 *
 * - a slider that sends while it is dragged: `isRebuild` that answers false (“sends what rebuilds the network …”: nine
 *   changes before it was let go)
 * - regions: `onPointerUp` that does not change (“drags a corner …”: Undo took the whole region away); corners without
 *   `tabindex`, and `onKey` without the arrows (“draws a region by mouse, moves its corner by keyboard …”)
 * - a preset for another source of which nothing is said; a page that waits for a stopped mattebox for ever
 * - the red warning: `Alerts` without `shown`
 * - the picture that follows: one that never finds the large one away
 * - undo: `told` that takes no change for somebody else's (“refuses to undo …”), and presses of a key that belong to no
 *   run (“draws a region by mouse, moves its corner …”: one press of five was taken back)
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, afterEach, describe, expect, it } from 'vitest'
import { MOST_POINTS, MOST_REGIONS } from '../../../src/settings/region-limits.ts'
import { faults } from './faults.ts'
import { FilmingFilter } from './filming-filter.ts'
import { madeUpModel } from './made-up-model.ts'
import { compiledWithPage, launchBrowser, letIn, Panel } from './try-stage.ts'

const ID = '00000000000000aa'
const OTHER = '00000000000000bb'

const folder = mkdtempSync(join(tmpdir(), 'mattebox-sources-'))
let program: Awaited<ReturnType<typeof compiledWithPage>>
let browser: Browser
let panel: Panel
let remembered: Awaited<ReturnType<typeof letIn>>
let camera: FilmingFilter

beforeAll(async () => {
  program = await compiledWithPage()
  browser = await launchBrowser()
  const model = join(folder, 'made-up.safetensors')
  writeFileSync(model, madeUpModel())
  panel = await Panel.start(program.path, model)
  remembered = await letIn(browser, panel)
}, 240_000)
afterAll(async () => {
  await browser.close()
  await panel[Symbol.asyncDispose]()
  program.remove()
  rmSync(folder, { recursive: true })
})
beforeEach(async () => {
  camera = await FilmingFilter.connect(panel.socket, { filterId: ID, source: 'Camera', filter: 'Matte' })
  // The panel remembers the settings of the test before until this filter has said its own.
  await untilThePanelKnowsTheSettings()
})
afterEach(async () => {
  // A filter that leaves before it has said what it took on is asked again when it is back: in the next test, that is.
  await untilThePanelKnowsTheSettings()
  await Promise.all(browser.contexts().map((context) => context.close()))
  await camera[Symbol.asyncDispose]()
})

async function untilThePanelKnowsTheSettings(): Promise<void> {
  const context = await browser.newContext({ storageState: remembered, baseURL: new URL(panel.address).origin })
  const told = async (): Promise<unknown> => (await context.request.get(`/api/sources/${ID}`)).json()
  await expect.poll(told).toMatchObject({ connected: true, settings: camera.settings })
  await context.close()
}

async function open(path = `sources/${ID}`, options: BrowserContextOptions = {}): Promise<Page> {
  const context = await browser.newContext({
    storageState: remembered,
    viewport: { width: 1280, height: 900 },
    ...options,
  })
  const page = await context.newPage()
  page.setDefaultTimeout(15_000)
  page.on('pageerror', (error) => expect.soft(error.message).toBe('no error in the page'))
  await page.goto(`${new URL(panel.address).origin}/#/${path}`)
  return page
}

const slider = (page: Page, name: string) => page.getByRole('slider', { name, exact: true })

/** Drags a slider's thumb and holds it. */
async function grab(page: Page, name: string, from: number, to: number): Promise<void> {
  await slider(page, name).scrollIntoViewIfNeeded()
  const box = (await slider(page, name).boundingBox())!
  const y = box.y + box.height / 2
  // The thumb's middle goes from half a thumb to the width less half a thumb.
  const at = (share: number): number => box.x + 10 + share * (box.width - 20)
  await page.mouse.move(at(from), y)
  await page.mouse.down()
  for (let step = 1; step <= 10; step++) {
    await page.mouse.move(at(from + ((to - from) * step) / 10), y)
    await page.waitForTimeout(30)
  }
}

describe('the page of sources', () => {
  it('shows the live picture, its matte and the source, and how it is doing', async () => {
    const page = await open()
    const picture = page.locator('.stage canvas')
    const frame = () => picture.getAttribute('data-frame')
    await expect.poll(frame).not.toBeNull()
    const first = await frame()
    await expect.poll(frame).not.toBe(first)
    for (const [name, view] of [
      ['Alpha', 'alpha'],
      ['Source', 'source'],
      ['Result', 'result'],
    ]) {
      await page.getByRole('radio', { name, exact: true }).first().check()
      await expect.poll(() => picture.getAttribute('data-view')).toBe(view)
    }
    const card = page.getByRole('region', { name: 'Picture of Camera' })
    for (const text of ['30 fps', '66 ms', '41 ms', 'CPU', 'Matched', '96 × 48']) {
      await card.getByText(text, { exact: true }).waitFor()
    }
  })

  it('sends what rebuilds the network when the slider is let go, and the size follows', async () => {
    const page = await open()
    await slider(page, 'Ratio').waitFor()
    await grab(page, 'Ratio', 0, 0.05)
    expect(camera.sets).toEqual([])
    await page.mouse.up()
    await expect.poll(() => camera.settings.ratio).toBeGreaterThan(0.07)
    expect(camera.sets).toHaveLength(1)
    await page.getByRole('radio', { name: 'Own' }).waitFor()
    await expect.poll(() => page.locator('.figures').innerText()).not.toContain('96 × 48')
    // Measured at this size, once it has settled.
    await page.getByText(/^[\d.]+ ms a frame on this machine$/).waitFor()
    await page.getByRole('radio', { name: 'Portrait 0.25' }).check()
    await page.getByText(/≈ [\d.]+ ms a frame on this machine/).waitFor()
    await expect.poll(() => camera.settings.ratio).toBe(0.25)
  })

  it('sends the others while they are dragged, and takes the drag back as one step', async () => {
    const page = await open()
    await slider(page, 'Feather').waitFor()
    await grab(page, 'Feather', 0.5, 0.8)
    await expect.poll(() => camera.settings.feather).toBeGreaterThan(0)
    await page.mouse.up()
    await expect.poll(() => camera.settings.feather).toBeGreaterThan(4)
    await page.getByRole('button', { name: 'Undo' }).click()
    await expect.poll(() => camera.settings.feather).toBe(0)
    await expect.poll(() => page.getByRole('button', { name: 'Undo' }).isDisabled()).toBe(true)
  })

  it('goes on with a drag while the filter is away for a moment, and sets what was chosen meanwhile', async () => {
    const page = await open()
    await slider(page, 'Feather').waitFor()
    await grab(page, 'Feather', 0.5, 0.6)
    await expect.poll(() => camera.sets.length).toBeGreaterThan(0)
    const back = camera.changeOver()
    await page.waitForTimeout(300)
    await grab(page, 'Feather', 0.6, 0.8)
    await page.mouse.up()
    await back
    await expect.poll(() => camera.settings.feather).toBeGreaterThan(4)
    await page.getByRole('button', { name: 'Undo' }).click()
    await expect.poll(() => camera.settings.feather).toBe(0)
  })

  it('shows another page’s writes within a second, but for what is being dragged', async () => {
    const [page, other] = [await open(), await open()]
    await slider(other, 'Blur radius').waitFor()
    await grab(page, 'Blur radius', 24 / 64, 0.9)
    const held = await slider(page, 'Blur radius').inputValue()
    // Else the page's own write may still be on its way, and come after the filter's.
    await expect.poll(() => camera.settings.blur_radius).toBe(Number(held))
    const startMs = Date.now()
    await slider(other, 'Longest delay').fill('300')
    await expect.poll(() => slider(page, 'Longest delay').inputValue()).toBe('300')
    expect(Date.now() - startMs).toBeLessThan(1500)
    await camera.set({ blur_radius: 3, feather: 1 })
    await expect.poll(() => slider(other, 'Blur radius').inputValue()).toBe('3')
    // Told in the same breath: this page knows of both.
    await expect.poll(() => slider(page, 'Feather').inputValue()).toBe('1')
    expect(await slider(page, 'Blur radius').inputValue()).toBe(held)
    await page.mouse.up()
    // The last write wins, on both.
    await expect.poll(() => slider(other, 'Blur radius').inputValue()).toBe(held)
    expect(camera.settings.blur_radius).toBe(Number(held))
  })

  it('refuses to undo what was changed elsewhere since, and says so', async () => {
    const page = await open()
    // Typed, it is sent once; a slider that is let go may send once more, and that would be the last one.
    await page.getByRole('spinbutton', { name: 'Feather, px' }).fill('2')
    await page.keyboard.press('Enter')
    await expect.poll(() => camera.settings.feather).toBe(2)
    await camera.set({ feather: -1 })
    await expect.poll(() => slider(page, 'Feather').inputValue()).toBe('-1')
    await page.getByRole('button', { name: 'Undo' }).click()
    await page.getByRole('alert').getByText('“Feather”').waitFor()
    expect(camera.settings.feather).toBe(-1)
  })

  it('resets a setting, and all of them, to the defaults', async () => {
    const page = await open()
    await slider(page, 'Feather').fill('2')
    await slider(page, 'Longest delay').fill('200')
    await expect.poll(() => [camera.settings.feather, camera.settings.max_delay_ms]).toEqual([2, 200])
    await page.getByRole('button', { name: 'Reset Feather to its default' }).click()
    await expect.poll(() => camera.settings.feather).toBe(0)
    await page.getByRole('button', { name: 'Reset all' }).click()
    await expect.poll(() => [camera.settings.ratio, camera.settings.max_delay_ms]).toEqual([0, 150])
  })

  it('resets the state and covers, and shows what came of it', async () => {
    const page = await open()
    await page.getByRole('button', { name: 'Reset state now' }).click()
    await expect.poll(() => camera.resets.asked).toBe(1)
    await page.getByText('asked for').first().waitFor()
    await page.getByRole('button', { name: 'Cover', exact: true }).click()
    await expect.poll(() => camera.covered).toBe(true)
    await page.getByRole('button', { name: 'Uncover' }).click()
    await expect.poll(() => camera.covered).toBe(false)
  })

  it('says of a scene change when it was, and from where to where', async () => {
    const page = await open()
    await camera.goTo('Game')
    await page.locator('.source-more summary').filter({ hasText: 'resets' }).click()
    await page.getByText('Desk → Game').first().waitFor()
  })

  it('warns in red on every page that the room may be seen', async () => {
    const page = await open('engine')
    await camera.set({ when_unavailable: 'show' })
    const warning = page.locator('.alerts .notice-danger')
    await warning.getByText('Your room may be seen: “Camera”.').waitFor()
    expect(
      await page.evaluate("getComputedStyle(document.querySelector('.alerts .notice-danger')).backgroundColor"),
    ).toBe('rgb(180, 29, 37)')
  })

  it(
    'says that mattebox does not answer where it is stopped, and is back when it goes on',
    { timeout: 60_000 },
    async () => {
      const page = await open('engine')
      await page.getByRole('heading', { name: 'In use' }).waitFor()
      const away = page.getByText('mattebox is not running.')
      panel.child.kill('SIGSTOP')
      try {
        await away.waitFor({ timeout: 25_000 })
      } finally {
        panel.child.kill('SIGCONT')
      }
      await away.waitFor({ state: 'detached' })
    },
  )

  it('takes the corners of a region where they are tapped, before the size of the picture was observed', async () => {
    const page = await open()
    await page.addInitScript('ResizeObserver.prototype.observe = () => {}')
    await page.reload()
    await page.getByRole('button', { name: 'Draw keep out' }).click()
    const box = (await page.locator('.stage svg').boundingBox())!
    for (const [x, y] of [
      [0.1, 0.1],
      [0.4, 0.1],
      [0.4, 0.6],
    ]) {
      await page.mouse.click(box.x + x * box.width, box.y + y * box.height)
    }
    await page.getByRole('button', { name: 'Done' }).click()
    await expect.poll(() => camera.settings.regions[0]?.points.length).toBe(3)
  })

  it('draws a region by mouse, moves its corner by keyboard, and deletes it', async () => {
    const page = await open()
    await page.getByRole('button', { name: 'Draw keep out' }).click()
    const box = (await page.locator('.stage svg').boundingBox())!
    // A double click ends nothing that is no polygon yet, and counts as one corner.
    await page.mouse.dblclick(box.x + 0.1 * box.width, box.y + 0.1 * box.height)
    for (const [x, y] of [
      [0.4, 0.1],
      [0.4, 0.6],
      [0.1, 0.6],
      [0.1, 0.1],
    ]) {
      await page.mouse.click(box.x + x * box.width, box.y + y * box.height)
    }
    await expect.poll(() => camera.settings.regions.length).toBe(1)
    expect(camera.settings.regions[0].kind).toBe('keep_out')
    expect(camera.settings.regions[0].points).toHaveLength(4)
    expect(camera.settings.regions[0].points[2].y).toBeCloseTo(0.6, 1)

    const corners = page.locator('.corner')
    await corners.nth(0).focus()
    await page.keyboard.press('Shift+ArrowRight')
    await expect.poll(() => camera.settings.regions[0].points[0].x).toBeCloseTo(0.15, 2)
    await page.waitForTimeout(1100)
    for (let press = 0; press < 5; press++) await page.keyboard.press('ArrowDown', { delay: 50 })
    await expect.poll(() => camera.settings.regions[0].points[0].y).toBeCloseTo(0.125, 2)
    // A run of presses is one step.
    await page.getByRole('button', { name: 'Undo' }).click()
    await expect.poll(() => camera.settings.regions[0].points[0].y).toBeCloseTo(0.1, 2)
    expect(camera.settings.regions[0].points[0].x).toBeCloseTo(0.15, 2)
    await corners.nth(0).focus()
    await page.keyboard.press('Insert')
    await expect.poll(() => camera.settings.regions[0].points.length).toBe(5)
    await page.keyboard.press('Delete')
    await expect.poll(() => camera.settings.regions[0].points.length).toBe(4)
    await page.keyboard.press('Escape')
    await expect.poll(() => corners.count()).toBe(0)

    await page.getByLabel('Kind of region 1').selectOption('keep')
    await expect.poll(() => camera.settings.regions[0].kind).toBe('keep')
    await page.getByRole('button', { name: 'Remove region 1' }).click()
    await expect.poll(() => camera.settings.regions).toEqual([])
  })

  it('drags a corner and the whole, and adds a region by keyboard alone', async () => {
    const page = await open()
    await page.getByRole('button', { name: 'Draw keep', exact: true }).press('Enter')
    await expect.poll(() => camera.settings.regions.length).toBe(1)
    await expect.poll(() => page.locator('.corner').first().and(page.locator(':focus')).count()).toBe(1)
    const before = camera.settings.regions[0].points
    const box = (await page.locator('.stage svg').boundingBox())!
    const drag = async (from: { x: number; y: number }, dx: number, dy: number): Promise<void> => {
      await page.mouse.move(box.x + from.x * box.width, box.y + from.y * box.height)
      await page.mouse.down()
      await page.mouse.move(box.x + (from.x + dx) * box.width, box.y + (from.y + dy) * box.height, { steps: 5 })
      await page.mouse.up()
    }
    await drag(before[0], -0.1, -0.05)
    await expect.poll(() => camera.settings.regions[0].points[0].x).toBeCloseTo(before[0].x - 0.1, 2)
    await drag({ x: 0.5, y: 0.5 }, 0.2, 0)
    await expect.poll(() => camera.settings.regions[0].points[2].x).toBeCloseTo(before[2].x + 0.2, 2)
    await page.getByRole('button', { name: 'Undo' }).click()
    await expect.poll(() => camera.settings.regions[0].points[2].x).toBeCloseTo(before[2].x, 2)
  })

  it('says how many regions and corners there can be where no more can be added', async () => {
    const round = Array.from({ length: MOST_POINTS }, (_, i) => (2 * Math.PI * i) / MOST_POINTS)
    const points = round.map((angle) => ({ x: 0.5 + 0.4 * Math.cos(angle), y: 0.5 + 0.4 * Math.sin(angle) }))
    await camera.set({ regions: Array.from({ length: MOST_REGIONS }, () => ({ kind: 'keep' as const, points })) })
    const page = await open()
    await page.getByText('A source has at most 16 regions: remove one to draw another.').waitFor()
    expect(await page.getByRole('button', { name: 'Draw keep', exact: true }).isDisabled()).toBe(true)
    await page.locator('.region-name').first().click()
    await page.getByText('A region has at most 64 corners: no other can be added.').waitFor()
  })

  it('keeps the picture in sight above the settings of a narrow page', async () => {
    const page = await open(undefined, { viewport: { width: 360, height: 740 } })
    await page.locator('.stage canvas').waitFor()
    const following = page.locator('.following canvas')
    expect(await following.count()).toBe(0)
    await slider(page, 'Longest delay').scrollIntoViewIfNeeded()
    const frame = () => following.getAttribute('data-frame')
    await expect.poll(frame).not.toBeNull()
    const first = await frame()
    await expect.poll(frame).not.toBe(first)
    const box = (await following.boundingBox())!
    expect(box.y).toBeGreaterThan(0)
    expect(box.y + box.height).toBeLessThan(740 / 4)
    await page.evaluate('scrollTo(0, 0)')
    await expect.poll(() => following.count()).toBe(0)
  })

  it('draws a region by touch', async () => {
    const page = await open(undefined, { hasTouch: true, viewport: { width: 360, height: 740 } })
    await page.getByRole('button', { name: 'Draw keep out' }).tap()
    await page.locator('.stage').scrollIntoViewIfNeeded()
    const box = (await page.locator('.stage svg').boundingBox())!
    for (const [x, y] of [
      [0.2, 0.2],
      [0.7, 0.2],
      [0.5, 0.8],
    ]) {
      await page.touchscreen.tap(box.x + x * box.width, box.y + y * box.height)
    }
    await page.getByRole('button', { name: 'Done' }).tap()
    await expect.poll(() => camera.settings.regions.at(0)?.points.length).toBe(3)
  })

  it('saves, applies, exports, imports, binds and deletes presets', async () => {
    const page = await open()
    await slider(page, 'Feather').fill('3')
    await expect.poll(() => camera.settings.feather).toBe(3)
    await page.getByRole('button', { name: 'Save …' }).click()
    await page.getByRole('textbox', { name: 'Name' }).fill('Soft edge')
    await page.getByRole('dialog').getByLabel('Downsample ratio').uncheck()
    await page.getByRole('button', { name: 'Save', exact: true }).click()

    await page.getByRole('button', { name: 'Reset all' }).click()
    await expect.poll(() => camera.settings.feather).toBe(0)
    await page.getByRole('button', { name: 'Apply the preset Soft edge' }).click()
    await expect.poll(() => [camera.settings.feather, camera.settings.ratio]).toEqual([3, 0])
    await page.getByRole('button', { name: 'Undo' }).click()
    await expect.poll(() => camera.settings.feather).toBe(0)

    const offered = page.waitForEvent('download')
    await page.getByRole('button', { name: 'Export the preset Soft edge' }).click()
    const file = await (await offered).path()
    const text = readFileSync(file, 'utf8')
    const buffer = Buffer.from(text.replace('Soft edge', 'From a file'))
    await page
      .getByLabel('File of a preset')
      .setInputFiles({ name: 'preset.json', mimeType: 'application/json', buffer })
    await page.getByRole('button', { name: 'Apply the preset From a file' }).waitFor()
    const wrong = { name: 'wrong.json', mimeType: 'application/json', buffer: Buffer.from('{}') }
    await page.getByLabel('File of a preset').setInputFiles(wrong)
    await page.getByRole('alert').getByText('This file holds no preset of mattebox.').waitFor()

    await page.getByLabel('Scene', { exact: true }).fill('Stage')
    await page.getByLabel('Preset', { exact: true }).selectOption('Soft edge')
    await page.getByRole('button', { name: 'Bind' }).click()
    await page.getByText('Stage → Soft edge').waitFor()
    await camera.goTo('Stage')
    await expect.poll(() => camera.settings.feather).toBe(3)
    await page.getByRole('button', { name: 'Remove the binding of Stage' }).click()

    for (const name of ['Soft edge', 'From a file']) {
      await page.getByRole('button', { name: `Remove the preset ${name}` }).click()
    }
    await page.getByText('None yet. A preset').waitFor()
  })

  it('shows two OBS apart, and applies a preset to another source', async () => {
    await using guest = await FilmingFilter.connect(panel.socket, {
      filterId: OTHER,
      source: 'Guest',
      filter: 'Matte',
      pid: 4712,
    })
    const page = await open()
    await page.getByRole('heading', { name: /OBS 29.0.2 · process 4711/ }).waitFor()
    await page.getByRole('heading', { name: /OBS 29.0.2 · process 4712/ }).waitFor()
    await slider(page, 'Feather').fill('3')
    await expect.poll(() => camera.settings.feather).toBe(3)
    await page.getByRole('button', { name: 'Save …' }).click()
    await page.getByRole('textbox', { name: 'Name' }).fill('Same')
    await page.getByRole('button', { name: 'Save', exact: true }).click()
    await page.getByLabel('Apply to').selectOption({ label: 'Guest / Matte' })
    await page.getByRole('button', { name: 'Apply the preset Same' }).click()
    await expect.poll(() => guest.settings.feather).toBe(3)
    await page.getByText('The preset “Same” is applied to “Guest”.').waitFor()
    const error = { code: 'SOURCE_AWAY', message: 'Guest has left.', mend: 'Wait for it.' }
    await page.route('**/api/sources/*/preset', (route) => route.fulfill({ status: 409, json: { error } }))
    await page.getByRole('button', { name: 'Apply the preset Same' }).click()
    await page.getByText('Guest has left.').waitFor()
    await page.getByRole('navigation', { name: 'All sources' }).getByText('Guest').click()
    await page.getByRole('region', { name: 'Picture of Guest' }).waitFor()
  })

  it.each([
    ['wide', 'light'],
    ['wide', 'dark'],
    ['dock', 'light'],
    ['dock', 'dark'],
  ] as const)('has no fault that axe finds, %s and %s', async (size, colorScheme) => {
    await camera.set({ feather: 2, when_unavailable: 'show', regions: REGIONS })
    const viewport = size === 'wide' ? { width: 1280, height: 900 } : { width: 300, height: 600 }
    const page = await open(undefined, { viewport, colorScheme })
    await page.getByRole('button', { name: 'Remove region 1' }).waitFor()
    await page.evaluate("document.querySelectorAll('details').forEach((one) => (one.open = true))")
    await page.locator('.region-name').click()
    expect(await faults(page)).toEqual([])
  })
})

const REGIONS = [
  {
    kind: 'keep' as const,
    points: [
      { x: 0.1, y: 0.1 },
      { x: 0.4, y: 0.1 },
      { x: 0.4, y: 0.4 },
    ],
  },
]
