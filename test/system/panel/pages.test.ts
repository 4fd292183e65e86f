/**
 * The pages OBS, Engine and Figures in a real Chromium, before the real panel server. Seen red:
 *
 * - OBS: an error that takes the place of “Undo”; `warningsOf` that answers nothing; alerts without its warnings; a dialog that leaves the focus on its ×; a
 *   removal without its dialog; `putBack` without the settings
 * - Engine: a refused value that stays in its field; settings that are sent to no address; an upload without the header that no stranger can send
 * - Figures: a plot that is not given its data again; a pause that does nothing
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { toBinary } from '@bufbuild/protobuf'
import { ModelProtoSchema } from 'onnx-buf'
import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import type { ObsFilter, ObsVideoSource } from '../../../src/api/index.ts'
import { MatteboxError } from '../../../src/errors/index.ts'
import { breakingOff, FileServer, honest } from '../../download/file-server.ts'
import { randomWeights } from '../../model/random-weights.ts'
import { officialGraph } from '../../model/weights/official-graph.ts'
import { report, type Told } from '../../sidecar/main/told.ts'
import { madeUpModel } from './made-up-model.ts'
import { builtPage, PagesStage } from './pages-stage.ts'
import { launchBrowser } from './try-stage.ts'

const ID = '00000000000000aa'
const officialBytes = Buffer.from(toBinary(ModelProtoSchema, officialGraph(randomWeights(54))))
/** Of the filter that the stand-in for OBS adds. */
const ADDED = '00000000000000ff'

const OURS: ObsFilter = { name: 'Matte', kind: 'mattebox_filter', enabled: true, index: 1, filterId: ID }
const CROP: ObsFilter = { name: 'Crop', kind: 'crop_filter', enabled: true, index: 0, filterId: null }
const CAMERA: ObsVideoSource = {
  name: 'Camera',
  kind: 'v4l2_input',
  isCamera: true,
  scenes: ['Desk'],
  filters: [CROP, OURS],
}
const PHONE: ObsVideoSource = { ...CAMERA, name: 'Phone', filters: [] }

/** A filter that is connected, as inference reports it. */
function filter(filterId: string, received = 100) {
  const found = report(filterId, { received })
  return { ...found, hello: { ...found.hello, source: 'Camera', filter: 'Matte' } }
}

let browser: Browser
let built: Awaited<ReturnType<typeof builtPage>>
let open: PagesStage | undefined

beforeAll(async () => {
  built = await builtPage()
  browser = await launchBrowser(undefined)
}, 120_000)
afterEach(async () => {
  await open?.[Symbol.asyncDispose]()
  open = undefined
})
afterAll(async () => {
  await browser.close()
  built.remove()
})

async function start(told: Told = {}): Promise<PagesStage> {
  open = await PagesStage.open(browser, built.folder, told)
  return open
}

const shown = (page: Page, text: string | RegExp) => page.getByText(text).first().waitFor()
const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true })

describe('the page OBS', () => {
  it('says how to switch OBS’s WebSocket server on, and that the rest works without it', async () => {
    const stage = await start({ always: { sources: [filter(ID)] } })
    stage.showObs({ state: 'off', sources: null, hasPlugin: null, version: null })
    const page = await stage.page('obs')
    await shown(page, 'WebSocket is off')
    await shown(page, 'Open the menu Tools → WebSocket Server Settings.')
    await shown(page, 'Tick “Enable WebSocket server”.')
    await shown(page, /Everything else works without it/)
    expect(await page.getByRole('link', { name: 'Settings of Camera' }).getAttribute('href')).toBe(`#/sources/${ID}`)
    stage.showObs({ state: 'connected', sources: [CAMERA], hasPlugin: true, version: '29.0.2' })
    await shown(page, '29.0.2')
    expect(await page.getByText(/Everything else works without it/).count()).toBe(0)
  })

  it('logs in with a password, and says what OBS has against it', async () => {
    const stage = await start()
    const error = { code: 'OBS_PASSWORD', message: 'OBS wants a password.', mend: 'Give it.' }
    stage.showObs({ state: 'password', sources: null, hasPlugin: null, error })
    stage.stage.obs.failure = new MatteboxError('OBS_PASSWORD', 'OBS refused that password.', 'Give another one.')
    const page = await stage.page('obs')
    await page.getByLabel('Password of OBS’s WebSocket').fill('wrong')
    await button(page, 'Connect').click()
    await shown(page, 'OBS refused that password.')
    await shown(page, 'Give another one.')
    stage.stage.obs.failure = undefined
    await page.getByLabel('Password of OBS’s WebSocket').fill('right')
    await page.keyboard.press('Enter')
    await expect.poll(() => stage.stage.obs.asked).toEqual([{ login: { password: 'right' } }])
  })

  it('names the command where the plugin is missing, warns that the room is shown, and offers no “Add”', async () => {
    const stage = await start()
    stage.showObs({ sources: [CAMERA, PHONE], hasPlugin: false })
    const page = await stage.page('obs')
    await shown(page, 'Not installed')
    await shown(page, 'node mattebox.js obs install')
    await shown(page, 'The room is shown: OBS does not know the filter “Matte” on “Camera”.')
    expect(await button(page, 'Add the filter to Phone').isDisabled()).toBe(true)
  })

  it('adds the filter to a camera by keyboard alone, and links to its settings', async () => {
    const stage = await start()
    stage.showObs({ sources: [CAMERA, PHONE] })
    const page = await stage.page('obs')
    await button(page, 'Add the filter to Phone').focus()
    await page.keyboard.press('Enter')
    await page.getByRole('dialog').waitFor()
    await page.keyboard.press('Control+A')
    await page.keyboard.type('Out with it')
    await page.keyboard.press('Enter')
    const link = page.getByRole('link', { name: 'Go to its settings' })
    await link.waitFor()
    expect(stage.stage.obs.asked).toEqual([{ added: { source: 'Phone', name: 'Out with it' } }])
    expect(await link.getAttribute('href')).toBe(`#/sources/${ADDED}`)
    expect(await page.getByRole('dialog').count()).toBe(0)
    // The focus goes back after the next paint, as Preact cleans effects up.
    await expect.poll(() => page.evaluate('document.activeElement.ariaLabel')).toBe('Add the filter to Phone')
  })

  it('shows filters in their order, moves ours, and switches it on with a loud warning while it is off', async () => {
    const stage = await start()
    const off = { ...OURS, enabled: false }
    stage.showObs({ sources: [{ ...CAMERA, filters: [CROP, off] }] })
    const page = await stage.page('obs')
    await shown(page, 'The room is shown: the filter “Matte” on “Camera” is switched off.')
    const rows = page.getByRole('list', { name: 'Filters of Camera, in the order in which OBS applies them' })
    expect(await rows.getByRole('listitem').allInnerTexts()).toEqual([
      expect.stringContaining('Crop'),
      expect.stringContaining('Matte'),
    ])
    expect(await button(page, 'Move Matte down').isDisabled()).toBe(true)
    await button(page, 'Move Matte up').click()
    await expect.poll(() => stage.stage.obs.asked.length).toBe(1)
    // A press is ignored until the page, too, knows that the change before is done.
    await expect.poll(() => button(page, 'Enable Matte').getAttribute('aria-busy')).toBeNull()
    await button(page, 'Enable Matte').click()
    await expect
      .poll(() => stage.stage.obs.asked)
      .toEqual([
        { changed: { source: 'Camera', filter: 'Matte', index: 0 } },
        { changed: { source: 'Camera', filter: 'Matte', enabled: true } },
      ])
    stage.showObs({ sources: [CAMERA] })
    await expect.poll(() => page.getByText('The room is shown', { exact: false }).count()).toBe(0)
  })

  it.each(['sources', 'try', 'obs', 'engine', 'figures'])('warns in red on the page %s, too', async (name) => {
    const stage = await start()
    const page = await stage.page(name)
    const warning = page.locator('.alerts .notice-danger')
    const look = "getComputedStyle(document.querySelector('.alerts .notice-danger')).backgroundColor"
    await page.locator('main').waitFor()
    expect(await warning.count()).toBe(0)
    stage.showObs({ sources: [{ ...CAMERA, filters: [CROP, { ...OURS, enabled: false }] }] })
    await warning.getByText('The room is shown: the filter “Matte” on “Camera” is switched off.').waitFor()
    expect(await page.evaluate(look)).toBe('rgb(180, 29, 37)')
    expect(await page.getByText('The room is shown', { exact: false }).count()).toBe(1)
    stage.showObs({ sources: [CAMERA], hasPlugin: false })
    await warning.getByText('The room is shown: OBS does not know the filter “Matte” on “Camera”.').waitFor()
    if (name !== 'obs') await warning.getByRole('link', { name: 'To OBS' }).click()
    await page.getByRole('heading', { name: 'OBS', exact: true }).waitFor()
    stage.showObs({ sources: [CAMERA], hasPlugin: true })
    await expect.poll(() => warning.count()).toBe(0)
  })

  it('asks before it removes a filter, and puts it back as it was', async () => {
    const before = { ...filter(ID), settings: { ...filter(ID).settings!, ratio: 0.4, feather: 2 } }
    const stage = await start({ always: { sources: [before, filter(ADDED)] } })
    stage.showObs({ sources: [CAMERA] })
    const { asked } = stage.stage.obs
    const page = await stage.page('obs')
    await button(page, 'Remove Matte').click()
    await page.getByRole('dialog').getByText('shows the room from then on', { exact: false }).waitFor()
    await page.keyboard.press('Escape')
    await expect.poll(() => page.getByRole('dialog').count()).toBe(0)
    expect(asked).toEqual([])
    await button(page, 'Remove Matte').click()
    await page.getByRole('dialog').getByRole('button', { name: 'Remove', exact: true }).click()
    await shown(page, '“Matte” was removed from “Camera”: its room is shown.')
    await button(page, 'Undo').click()
    await shown(page, '“Matte” is back, with its settings.')
    expect(asked).toEqual([
      { removed: { source: 'Camera', filter: 'Matte' } },
      { added: { source: 'Camera', name: 'Matte' } },
      { changed: { source: 'Camera', filter: 'Matte', index: 1, enabled: true } },
    ])
    // It is said to be back, too, where the filter has not answered within a second.
    const set = () => stage.stage.heard.find(({ kind }) => kind === 'set')
    await expect.poll(set).toMatchObject({ filterId: ADDED, changes: { ratio: 0.4, feather: 2 } })
  })

  it('keeps “Undo” where it failed, and goes on from there', async () => {
    const stage = await start({ always: { sources: [filter(ID), filter(ADDED)] } })
    stage.showObs({ sources: [CAMERA] })
    const { obs } = stage.stage
    const page = await stage.page('obs')
    await button(page, 'Remove Matte').click()
    await page.getByRole('dialog').getByRole('button', { name: 'Remove', exact: true }).click()
    await button(page, 'Undo').waitFor()
    await page.route('**/api/obs/filters', (route) =>
      route.request().method() === 'PATCH' ? route.abort() : route.continue(),
    )
    await button(page, 'Undo').click()
    await shown(page, 'mattebox does not answer.')
    await page.unroute('**/api/obs/filters')
    await button(page, 'Undo').click()
    await shown(page, '“Matte” is back, with its settings.')
    expect(obs.asked).toEqual([
      { removed: { source: 'Camera', filter: 'Matte' } },
      { added: { source: 'Camera', name: 'Matte' } },
      { changed: { source: 'Camera', filter: 'Matte', index: 1, enabled: true } },
    ])
  })

  it('tells two OBS apart, and warns of two filters on one source', async () => {
    const other = filter(ADDED)
    const elsewhere = { ...other, hello: { ...other.hello, source: 'Guest', pid: 99, obs: '31.0.0' } }
    const stage = await start({ always: { sources: [filter(ID), elsewhere] } })
    stage.showObs({
      sources: [{ ...CAMERA, filters: [CROP, OURS, { ...OURS, name: 'Again', index: 2, filterId: null }] }],
    })
    const page = await stage.page('obs')
    await shown(page, 'More than one OBS is running.')
    await shown(page, 'OBS 31.0.0 (process 99)')
    await shown(page, /“Camera” has two mattebox filters/)
  })
})

describe('the page Engine', () => {
  it('shows what runs, and takes on settings that every open page then has', async () => {
    const stage = await start()
    const [page, other] = [await stage.page('engine'), await stage.page('engine')]
    await shown(page, 'stand-in')
    await page.getByRole('spinbutton', { name: 'Threads' }).fill('3')
    await page.keyboard.press('Enter')
    await expect.poll(() => stage.stage.sidecar.state.settings.threads).toBe(3)
    await expect.poll(() => other.getByRole('spinbutton', { name: 'Threads' }).inputValue()).toBe('3')
    await page.getByRole('textbox', { name: 'Device' }).fill('1')
    await page.keyboard.press('Enter')
    await expect.poll(() => stage.stage.sidecar.state.settings.device).toBe('1')
    await page.getByRole('spinbutton', { name: 'Port' }).fill('4999')
    await page.keyboard.press('Enter')
    await expect.poll(() => stage.stage.sidecar.state.settings.port).toBe(4999)
  })

  it('keeps what is typed before a field is first painted', async () => {
    const stage = await start()
    const page = await stage.page('obs')
    await page.evaluate(`new MutationObserver((_, observer) => {
      const field = [...document.querySelectorAll('label')].find((label) => label.textContent === 'Port')?.control
      if (!field) return
      observer.disconnect()
      field.value = '4999'
      field.dispatchEvent(new Event('input', { bubbles: true }))
    }).observe(document.body, { subtree: true, childList: true })`)
    await page.getByRole('link', { name: 'Engine' }).click()
    const port = page.getByRole('spinbutton', { name: 'Port' })
    await port.waitFor()
    await page.evaluate('new Promise((done) => requestAnimationFrame(() => setTimeout(done, 100)))')
    expect(await port.inputValue()).toBe('4999')
  })

  it('says what is wrong with a value, and keeps what was', async () => {
    const stage = await start()
    const page = await stage.page('engine')
    const port = page.getByRole('spinbutton', { name: 'Port' })
    await port.fill('70000')
    await page.keyboard.press('Enter')
    await page.getByRole('alert').waitFor()
    await expect.poll(() => port.inputValue()).toBe('4477')
    await port.fill('')
    await page.keyboard.press('Enter')
    await expect.poll(() => port.inputValue()).toBe('4477')
    expect(stage.stage.sidecar.state.settings.port).toBe(4477)
  })

  it('says why a provider failed while live, and tries it again', async () => {
    const stage = await start({ cuda: { failAfterMs: 400, failed: 'The GPU fell over.' } })
    const page = await stage.page('engine')
    await shown(page, 'Failed while live')
    await shown(page, /The GPU fell over/)
    const before = stage.stage.starts.length
    await button(page, 'Try again').click()
    await expect.poll(() => stage.stage.starts.slice(before).map(({ provider }) => provider)).toContain('cuda')
  })

  it('imports a model with its progress, uses it, and deletes one that is not in use', async () => {
    const stage = await start()
    const page = await stage.page('engine')
    await shown(page, 'No model is installed: nothing is matted.')
    await shown(page, stage.stage.models.folder)
    await stage.stage.ask('PATCH', '/api/engine', { model: '/elsewhere/mine.safetensors' })
    await shown(page, '/elsewhere/mine.safetensors')
    expect(await page.getByText('No model is installed').count()).toBe(0)
    await button(page, 'Leave the choice to mattebox').click()
    await shown(page, 'No model is installed: nothing is matted.')
    const file = join(stage.stage.folder, 'my weights.safetensors')
    writeFileSync(file, madeUpModel())
    await watchProgress(page)
    for (const name of ['one', 'two']) {
      await page.getByLabel('File', { exact: true }).setInputFiles(file)
      expect(await page.getByRole('textbox', { name: 'Name' }).inputValue()).toBe('my-weights')
      await page.getByRole('textbox', { name: 'Name' }).fill(name)
      await button(page, 'Import').click()
      await shown(page, `“${name}” is installed.`)
    }
    expect(await page.evaluate('window.progressSeen')).toBe(true)
    await shown(page, /licence CC0-1.0/)
    await button(page, 'Use two').click()
    await expect.poll(() => stage.stage.sidecar.state.settings.model).toBe('two')
    await button(page, 'Delete one').click()
    await page.getByRole('dialog').getByRole('button', { name: 'Delete', exact: true }).click()
    await expect.poll(() => stage.stage.models.models.map(({ name }) => name)).toEqual(['two'])
    await expect.poll(() => button(page, 'Delete one').count()).toBe(0)
  })

  it('fetches the official model: licence before, progress, a stop, why it failed, and what to do by hand', async () => {
    using server = await FileServer.serving(officialBytes, breakingOff(3_000_000, 'stalls'))
    const stage = await start()
    const file = server.file('rvm.onnx')
    const listed = { name: 'rvm-mobilenetv3', precision: 'fp32', licence: 'GPL-3.0', ...file }
    const catalog = async (changes: object) => {
      const path = join(stage.stage.folder, 'catalog.json')
      writeFileSync(path, JSON.stringify({ models: [{ ...listed, ...changes }] }))
      vi.stubEnv('MATTEBOX_CATALOG', path)
      await stage.stage.modelGetter.look()
    }
    await catalog({})
    const page = await stage.page('engine')
    await shown(page, /you accept its licence, GPL-3\.0/)
    await page.getByText('Without a network here, by hand').click()
    await shown(page, `${file.bytes} bytes, sha256 ${file.sha256}`)
    await button(page, 'Fetch and install').click()
    await shown(page, /^[1-9][\d.]* MB of 15\.0 MB$/)
    await button(page, 'Cancel').click()
    await button(page, 'Fetch and install').waitFor()
    server.behaviours.splice(0, 1, honest())

    await catalog({ sha256: '0'.repeat(64) })
    await button(page, 'Fetch and install').click()
    await page.getByRole('alert').getByText('is not rvm.onnx: its sha256 is', { exact: false }).waitFor()
    await shown(page, /put it into .*downloads as rvm\.onnx/)
    await catalog({})
    await button(page, 'Try again').click()
    await shown(page, 'rvm-mobilenetv3 is installed.')
    await button(page, 'Use rvm-mobilenetv3').waitFor()
    vi.unstubAllEnvs()
  })

  it('refuses a file that is no model, one that is too large, and a name that is taken, each with its mend', async () => {
    const stage = await start()
    const page = await stage.page('engine')
    const send = async (name: string, bytes: Buffer) => {
      await page
        .getByLabel('File', { exact: true })
        .setInputFiles({ name, mimeType: 'application/octet-stream', buffer: bytes })
    }
    await send('broken.safetensors', Buffer.from('no model'))
    await button(page, 'Import').click()
    await page.getByRole('alert').getByText('broken', { exact: false }).waitFor()
    expect(stage.stage.models.models).toEqual([])
    const large = join(stage.stage.folder, 'large.onnx')
    writeFileSync(large, Buffer.alloc(64 * 1024 * 1024 + 1))
    await page.getByLabel('File', { exact: true }).setInputFiles(large)
    await shown(page, /a model file at most 64 MiB/)
    expect(await button(page, 'Import').count()).toBe(0)
    const good = Buffer.from(madeUpModel('fp16'))
    await send('taken.safetensors', good)
    await button(page, 'Import').click()
    await shown(page, '“taken” is installed.')
    await send('taken.safetensors', good)
    await button(page, 'Import').click()
    await shown(page, 'A model is called taken already.')
    await button(page, 'Replace taken').click()
    await shown(page, '“taken” is installed.')
  })
})

describe('the page Figures', () => {
  const told: Told = { always: { sources: [filter(ID, 100)], thenSources: [filter(ID, 100)] } }

  it('plots what the filters and processes report, with the values in tables', async () => {
    const stage = await start(told)
    stage.keepTelling()
    const page = await stage.page('figures')
    const latency = page.getByRole('table', { name: /^Latency, ms/ })
    await latency.waitFor()
    const cells = () =>
      latency
        .getByRole('row', { name: /Camera: capture → matte/ })
        .getByRole('cell')
        .allInnerTexts()
    await expect.poll(cells).toEqual(['40', '40', '40'])
    await expect
      .poll(() =>
        page
          .getByRole('table', { name: /^Memory/ })
          .getByRole('row')
          .count(),
      )
      .toBeGreaterThan(2)
    const plot = page.getByRole('img', { name: /^Plot: Latency/ })
    // It is put there after the next paint.
    await expect.poll(() => plot.locator('canvas').count()).toBe(1)
    await expect.poll(() => inked(page, 'Latency'), { message: 'the line is drawn' }).toBe(true)
  })

  it('keeps sampling on other pages, and stands still while paused', async () => {
    const stage = await start(told)
    stage.keepTelling()
    const page = await stage.page('engine')
    await shown(page, 'stand-in')
    await page.waitForTimeout(1500)
    await page.getByRole('link', { name: 'Figures' }).click()
    await page.getByRole('table', { name: /^Memory/ }).waitFor()
    const lines = async () => (await copied(page)).split('\r\n').length
    await button(page, 'Pause').click()
    const before = await lines()
    expect(before).toBeGreaterThan(5)
    await page.waitForTimeout(2500)
    expect(await lines()).toBe(before)
    await button(page, 'Pause').click()
    await expect.poll(lines).toBeGreaterThan(before + 5)
  })

  it('gives its samples as a CSV file', async () => {
    const stage = await start(told)
    stage.keepTelling()
    const page = await stage.page('figures')
    await page.getByRole('table', { name: /^Latency/ }).waitFor()
    const [download] = await Promise.all([page.waitForEvent('download'), button(page, 'Download CSV').click()])
    expect(download.suggestedFilename()).toMatch(/^mattebox-.*\.csv$/)
    const [head, ...rows] = readFileSync(await download.path(), 'utf8').split('\r\n')
    expect(head.split(',')).toEqual(
      expect.arrayContaining([
        'Time',
        'Latency: Camera: capture → matte',
        'Latency: Camera: capture → shown',
        'Frame rate: Camera: answered',
      ]),
    )
    const column = head.split(',').indexOf('Latency: Camera: capture → matte')
    expect(rows[0].split(',')[column]).toBe('40')
  })

  it('leads to the same figures for machines', async () => {
    const stage = await start(told)
    stage.keepTelling()
    const page = await stage.page('figures')
    await page.getByRole('link', { name: '/metrics', exact: true }).click()
    await page.waitForURL(/\/metrics$/)
    expect(await page.textContent('body')).toContain('mattebox_')
  })
})

/** The CSV as the button puts it on the clipboard, a moment after it is pressed. */
async function copied(page: Page): Promise<string> {
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
  await page.evaluate("navigator.clipboard.writeText('')")
  await page.getByRole('button', { name: 'Copy CSV to the clipboard' }).click()
  const read = () => page.evaluate<string>('navigator.clipboard.readText()')
  await expect.poll(read).not.toBe('')
  return read()
}

/** Notes whether a bar of progress was on the page at any time. */
async function watchProgress(page: Page): Promise<void> {
  await page.evaluate(`new MutationObserver(() => {
    if (document.querySelector('progress')) window.progressSeen = true
  }).observe(document.body, { childList: true, subtree: true })`)
}

/** Whether a plot has pixels in the first line's colour. */
function inked(page: Page, title: string): Promise<boolean> {
  return page.evaluate<boolean>(`{
    const canvas = document.querySelector('[role=img][aria-label^="Plot: ${title}"] canvas')
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height)
    const pixels = new Uint32Array(data.buffer)
    // #0072b2, opaque, as a little-endian word.
    pixels.includes(0xffb27200)
  }`)
}
