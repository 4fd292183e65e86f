/**
 * Takes the pictures of the panel in docs/guide.md: a real Chromium before `mattebox start`, which serves the real OBS
 * with the demo clip: `npm run pictures` (needs a model: MATTEBOX_MODEL). No test of anything; skipped otherwise.
 */
import { execFileSync } from 'node:child_process'
import { copyFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { BrowserContextOptions, Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { ObsStudio } from '../../native/obs-studio/obs-studio.ts'
import { builtPlugin } from '../obs-studio/built-plugin.ts'
import { compiledWithPage, launchBrowser, letIn, Panel } from '../panel/try-stage.ts'

const model = process.env['MATTEBOX_MODEL']
const PICTURES = 'docs/pictures'
const FILTER = 'Mattebox background removal'

const LOOKS: Readonly<Record<string, BrowserContextOptions>> = {
  wide: { viewport: { width: 1280, height: 800 }, colorScheme: 'light' },
  dock: { viewport: { width: 300, height: 600 }, colorScheme: 'dark' },
}
/** Corners of a region, in 0..1 of the source. */
const DOOR = [
  { x: 0.72, y: 0.08 },
  { x: 0.96, y: 0.08 },
  { x: 0.96, y: 0.78 },
  { x: 0.76, y: 0.78 },
]
/** What the plots of the figures need to have a shape. */
const RECORDED_MS = 75_000

describe.skipIf(model === undefined)('pictures of the panel', { timeout: 400_000 }, () => {
  it('are taken', async () => {
    const program = await compiledWithPage()
    await using obs = await ObsStudio.start({ plugin: builtPlugin, prepare: (home) => clips(home.path('')) })
    const home = obs.home.folder
    const env = { PATH: process.env['PATH'], HOME: home }
    const mattebox = (...words: string[]): string =>
      execFileSync(process.execPath, [program.path, ...words], { env, encoding: 'utf8' })
    mattebox('models', 'import', resolve(model!), '--name', 'default')
    await using panel = await Panel.start(program.path, undefined, {
      home,
      socket: obs.home.path('.local/state/mattebox/channel.sock'),
    })
    await using browser = await launchBrowser()
    const storageState = await letIn(browser, panel)
    const { origin } = new URL(panel.address)
    const open = async (hash: string, look: BrowserContextOptions): Promise<Page> => {
      const page = await (await browser.newContext({ storageState, ...look })).newPage()
      await page.goto(`${origin}/#/${hash}`)
      await page.locator('h1').waitFor()
      return page
    }
    const take = async (name: string, hash: string, show: (page: Page) => Promise<unknown>): Promise<void> => {
      for (const [look, options] of Object.entries(LOOKS)) {
        const page = await open(hash, options)
        await show(page)
        await shoot(page, `panel-${name}-${look}`)
        await page.context().close()
      }
    }

    // While OBS shows no filter: sources in OBS go first.
    await take('try', 'try', async (page) => {
      await page.getByRole('button', { name: 'Demo clip' }).click()
      await page.getByRole('radio', { name: 'Colour' }).check()
      await page.locator('.try-canvas:not([hidden])').waitFor()
      await sleep(6000)
      await page.evaluate('scrollTo(0, 0)')
    })
    await furnish(obs)
    const figures = await Promise.all(
      Object.entries(LOOKS).map(async ([look, options]) => ({ look, page: await open('figures', options) })),
    )
    const recordedAt = performance.now() + RECORDED_MS
    const call = caller(origin, mattebox('token').trim())
    const camera = (): Promise<unknown> => call('GET', 'sources/find?source=Camera').catch(() => undefined)
    await expect.poll(camera, { timeout: 20_000 }).toBeDefined()
    const { id } = (await camera()) as { id: string }
    for (const scene of ['Game', 'Desk']) {
      await sleep(3000)
      await obs.call('SetCurrentProgramScene', { sceneName: scene })
    }
    await take('sources', 'sources', async (page) => {
      await page.locator('.tile canvas[data-frame]').nth(1).waitFor()
      await inTime(page)
    })
    await call('PATCH', `sources/${id}/settings`, { regions: [{ kind: 'keep_out', points: DOOR }] })
    await call('PUT', 'presets/Evening', { settings: { ratio: 0.5, feather: 1 } })
    await call('PUT', 'presets/Full%20body', { settings: { ratio: 0.4 } })
    await call('PUT', 'bindings', { scene: 'Game', filterId: id, preset: 'Full body' })
    const scrolled = (wide: string, dock: string) => async (page: Page) => {
      await page.locator('.stage canvas[data-frame]').waitFor()
      await inTime(page)
      await page.getByText(/The last \d+ resets/).click()
      const place = page.viewportSize()!.width > 900 ? wide : dock
      await page.evaluate(`document.querySelector('${place}').scrollIntoView({ block: 'start' })`)
      await sleep(1000)
    }
    await take('source', `sources/${id}`, scrolled('.source-main', '.settings-groups'))
    await take('presets', `sources/${id}`, scrolled('.source-more', '.source-more'))
    await take('obs', 'obs', (page) => page.getByText('Cameras without the filter').waitFor())
    await take('engine', 'engine', (page) => page.getByText('Ready').waitFor())
    await sleep(Math.max(0, recordedAt - performance.now()))
    for (const { look, page } of figures) await shoot(page, `panel-figures-${look}`)
    program.remove()
  })
})

/** Two cameras that film the demo clip. */
function clips(folder: string): Promise<void> {
  copyFileSync('demo/astronaut.webm', `${folder}/camera.webm`)
  const slow = ['-vf', 'hflip,fps=12', '-c:v', 'libvpx-vp9', '-crf', '30', '-b:v', '0', '-deadline', 'realtime']
  execFileSync('ffmpeg', ['-v', 'error', '-i', 'demo/astronaut.webm', ...slow, '-an', `${folder}/guest.webm`])
  return Promise.resolve()
}

/** Scenes with two cameras that are matted, and one that waits for the filter. */
async function furnish(obs: ObsStudio): Promise<void> {
  await obs.call('SetSceneName', { sceneName: 'Scene', newSceneName: 'Desk' })
  await obs.call('SetSceneName', { sceneName: 'A', newSceneName: 'Game' })
  const sceneName = 'Desk'
  for (const [inputName, file] of [
    ['Camera', 'camera.webm'],
    ['Guest', 'guest.webm'],
  ]) {
    await obs.call('CreateInput', {
      sceneName,
      inputName,
      inputKind: 'ffmpeg_source',
      inputSettings: { local_file: obs.home.path(file), is_local_file: true, looping: true },
    })
    await obs.call('CreateSourceFilter', {
      sourceName: inputName,
      filterName: FILTER,
      filterKind: 'mattebox_filter',
      // Two cores without a GPU draw OBS as well.
      filterSettings: { ratio: 0.375, max_delay_ms: 500 },
    })
  }
  await obs.call('CreateSceneItem', { sceneName: 'Game', sourceName: 'Camera' })
  await obs.call('CreateInput', { sceneName, inputName: 'Document camera', inputKind: 'v4l2_input' })
}

/** The panel's API, as scripts use it. */
function caller(origin: string, token: string) {
  const headers = { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' }
  return async (method: string, path: string, body?: unknown): Promise<unknown> => {
    const answer = await fetch(`${origin}/api/${path}`, { method, headers, body: JSON.stringify(body) })
    if (!answer.ok) throw new Error(`${method} ${path}: ${await answer.text()}`)
    return answer.json()
  }
}

/** Waits until the page has no warning that mattes come late: two cores draw OBS, Chromium and mattes here. */
async function inTime(page: Page): Promise<void> {
  await sleep(2500)
  const warning = page.getByText('each frame is shown at once')
  await warning.waitFor({ state: 'hidden', timeout: 20_000 }).catch(() => undefined)
}

/** A picture of what the window shows, of 256 colours: photographs would make it large. */
async function shoot(page: Page, name: string): Promise<void> {
  // Where the machine is busy, Chromium gives up now and then.
  const png = await page.screenshot().catch(() => page.screenshot())
  const palette = 'split[a][b];[a]palettegen=stats_mode=full[p];[b][p]paletteuse=dither=bayer:bayer_scale=4'
  const path = `${PICTURES}/${name}.png`
  const args = ['-v', 'error', '-y', '-f', 'png_pipe', '-i', 'pipe:0', '-vf', palette, '-frames:v', '1', path]
  execFileSync('ffmpeg', args, { input: png })
}
