/**
 * Takes the pictures of the panel in docs/guide.md: a real Chromium before `mattebox start`, which serves the real OBS
 * with the demo clip: `npm run pictures` (needs a model: MATTEBOX_MODEL). No test of anything; skipped otherwise.
 */
import { execFileSync } from 'node:child_process'
import { copyFileSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { BrowserContextOptions, Page } from 'playwright-core'
import { describe, it } from 'vitest'
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
/** What each is to show besides its first screen. */
const PAGES: Readonly<Record<string, (page: Page) => Promise<unknown>>> = {
  sources: (page) => page.locator('.tile canvas[data-frame]').nth(1).waitFor(),
  source: (page) => page.locator('.source canvas[data-frame]').waitFor(),
  try: async (page) => {
    await page.getByRole('button', { name: 'Demo clip' }).click()
    await page.getByText('Colour', { exact: true }).click()
    await page.getByText('Waiting for the first matte').waitFor({ state: 'hidden' })
    await sleep(8000)
    await page.locator('.try-main').scrollIntoViewIfNeeded()
  },
  obs: (page) => page.getByText('Cameras without the filter').waitFor(),
  engine: (page) => page.getByText('Ready').waitFor(),
}
/** What the plots of the figures need to have a shape. */
const RECORDED_MS = 75_000

describe.skipIf(model === undefined)('pictures of the panel', { timeout: 400_000 }, () => {
  it('are taken', async () => {
    const program = await compiledWithPage()
    await using obs = await ObsStudio.start({ plugin: builtPlugin, prepare: (home) => clips(home.path('')) })
    const home = obs.home.folder
    execFileSync(process.execPath, [program.path, 'models', 'import', resolve(model!), '--name', 'default'], {
      env: { PATH: process.env['PATH'], HOME: home },
    })
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
    await furnish(obs)
    const figures = await Promise.all(Object.entries(LOOKS).map(async ([name, look]) => [name, await open('figures', look)] as const))
    const recordedAt = performance.now() + RECORDED_MS
    const id = await keep(figures[0][1])
    for (const scene of ['Game', 'Desk']) {
      await sleep(3000)
      await obs.call('SetCurrentProgramScene', { sceneName: scene })
    }
    for (const [name, show] of Object.entries(PAGES))
      for (const [look, options] of Object.entries(LOOKS)) {
        const page = await open(name === 'source' ? `sources/${id}` : name, options)
        await show(page)
        await sleep(2500)
        await shoot(page, `panel-${name}-${look}`)
        await page.context().close()
      }
    await sleep(Math.max(0, recordedAt - performance.now()))
    for (const [look, page] of figures) await shoot(page, `panel-figures-${look}`)
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
      filterSettings: { ratio: inputName === 'Camera' ? 0.4 : 0.25, max_delay_ms: 500 },
    })
  }
  await obs.call('CreateSceneItem', { sceneName: 'Game', sourceName: 'Camera' })
  await obs.call('CreateInput', { sceneName, inputName: 'Document camera', inputKind: 'v4l2_input' })
}

/** Puts a preset, its scene and a region in place, by the API. @returns the camera's id */
async function keep(page: Page): Promise<string> {
  return page.evaluate(async () => {
    const call = async (method: string, path: string, body?: unknown): Promise<unknown> => {
      const headers = { 'X-Mattebox': '1', 'Content-Type': 'application/json' }
      const answer = await fetch(path, { method, headers, body: body === undefined ? null : JSON.stringify(body) })
      if (!answer.ok) throw new Error(await answer.text())
      return answer.status === 204 ? null : await answer.json()
    }
    const find = async (): Promise<string | undefined> =>
      ((await call('GET', '/api/sources?source=Camera')) as { id: string; connected: boolean }[]).find((one) => one.connected)?.id
    let id = await find()
    for (; id === undefined; id = await find()) await new Promise((again) => setTimeout(again, 300))
    await call('PUT', '/api/presets/Game', { settings: { reset_on_scene_change: 'always', feather: 1 } })
    return id
  })
}

/** A picture of what the window shows, of 256 colours: photographs would make it large. */
async function shoot(page: Page, name: string): Promise<void> {
  const png = await page.screenshot()
  const palette = 'split[a][b];[a]palettegen=stats_mode=full[p];[b][p]paletteuse=dither=bayer:bayer_scale=4'
  const path = `${PICTURES}/${name}.png`
  const args = ['-v', 'error', '-y', '-f', 'png_pipe', '-i', 'pipe:0', '-vf', palette, '-frames:v', '1', path]
  execFileSync('ffmpeg', args, { input: png })
}
