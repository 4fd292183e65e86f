/**
 * What a newcomer waits for: the page, as it travels, and the first matte of the clip that ships. Seen red: with the
 * answers' compression taken out of http-app.ts.
 */
import type { Browser } from 'playwright-core'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { describeWithSharedData } from '../../shared-data.ts'
import { compiledWithPage, launchBrowser, letIn, Panel } from './try-stage.ts'

/** HTML, scripts, styles and fonts, as transferred. */
const LARGEST_BYTES = 300_000
/** From the start of mattebox to the first matte, on any machine. */
const SOON_S = 60

describeWithSharedData('the first visit', (shared) => {
  let program: Awaited<ReturnType<typeof compiledWithPage>>
  let browser: Browser
  beforeAll(async () => {
    program = await compiledWithPage()
    browser = await launchBrowser()
  }, 180_000)
  afterAll(async () => {
    await browser.close()
    program.remove()
  })

  it('loads less than 300 KB, and shows the first matte within a minute of the start', async () => {
    const began = performance.now()
    await using panel = await Panel.start(program.path, join(shared, 'weights', 'rvm-standin.safetensors'))
    const context = await browser.newContext({ storageState: await letIn(browser, panel) })
    const page = await context.newPage()
    const network = await context.newCDPSession(page)
    await network.send('Network.enable')
    let bytes = 0
    network.on('Network.loadingFinished', ({ encodedDataLength }) => (bytes += encodedDataLength))
    await page.goto(new URL(panel.address).origin, { waitUntil: 'networkidle' })
    await page.getByRole('link', { name: 'Try it' }).waitFor()
    const loaded = bytes
    expect(loaded).toBeGreaterThan(10_000)
    expect(loaded).toBeLessThan(LARGEST_BYTES)
    await page.getByRole('link', { name: 'Try it' }).click()
    await page.getByRole('button', { name: 'Demo clip' }).click()
    // The canvas is shown once a matte is.
    await page.locator('.try-canvas').waitFor({ timeout: 90_000 })
    const seconds = (performance.now() - began) / 1000
    expect(seconds).toBeLessThan(SOON_S)
    console.log(`${Math.round(loaded / 1000)} KB; the first matte ${seconds.toFixed(1)} s after the start`)
    await context.close()
  }, 120_000)
})
