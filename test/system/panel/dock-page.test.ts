/**
 * The page that `mattebox obs install` puts beside the filter, in real Chromium from the disk as OBS's dock loads it, and
 * the real panel server. Seen red: the panel asked without `no-cors`, no limit of time for an answer, one look only, a
 * command that is too long for the dock.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { chromium, type BrowserContext, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { dockPage } from '../../../src/obs/index.ts'
import { Served } from '../../sidecar/panel/served.ts'
import { chromiumPath } from './chromium.ts'

const START = 'node /home/somebody/a/rather/long/path/to/mattebox/dist/cli/main.js start'

let folder: string
let port: number
let browser: BrowserContext
let dock: Page

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mattebox-dock-'))
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  port = (server.address() as AddressInfo).port
  server.close()
  writeFileSync(join(folder, 'dock.html'), dockPage(port, START))
  browser = await chromium.launchPersistentContext(join(folder, 'profile'), {
    executablePath: chromiumPath!,
    args: ['--no-sandbox', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
    viewport: { width: 300, height: 600 },
  })
  dock = await browser.newPage()
})
afterAll(async () => {
  await browser.close()
  rmSync(folder, { recursive: true, force: true })
})

const load = (): Promise<unknown> => dock.goto(pathToFileURL(join(folder, 'dock.html')).href)
const panel = (): string => `http://127.0.0.1:${port}`

describe('the page for a dock', () => {
  it('says what to start while the panel is away, in a narrow dock', async () => {
    await load()
    await dock.waitForTimeout(1500)
    expect(dock.url()).toMatch(/^file:/)
    const text = await dock.innerText('body')
    expect(text).toContain('mattebox is not running.')
    expect(text).toContain(START)
    expect(text).toContain(panel())
    const look = <T>(what: string): Promise<T> => dock.evaluate<T>(what)
    expect(await look<number>('document.documentElement.scrollWidth')).toBeLessThanOrEqual(300)
    expect(await look<number>('document.documentElement.scrollHeight')).toBeLessThanOrEqual(600)
    expect(await look<string>('getComputedStyle(document.body).backgroundColor')).toBe('rgb(20, 23, 28)')
  })

  it('waits on where something takes the connection and says nothing', async () => {
    const mute = createServer((socket) => socket.on('error', () => undefined))
    mute.listen(port, '127.0.0.1')
    await once(mute, 'connection')
    mute.close()
    expect(dock.url()).toMatch(/^file:/)
  })

  it('makes way for the panel when that is there, which asks a dock that it does not know', async () => {
    await using served = await Served.open({ port })
    await dock.waitForURL(`${panel()}/`, { timeout: 10_000 })
    expect(await dock.innerText('body')).toContain('is not known to mattebox')
    await dock.getByLabel('paste that address').fill(`${panel()}/?code=${served.server.newCode()}`)
    await dock.getByRole('button', { name: 'Enter' }).click()
    await expect.poll(() => dock.title()).toBe('the panel')
    // Chromium keeps a cookie of SameSite=Strict back where a page on the disk leads to the panel.
    await load()
    await expect.poll(() => dock.title()).toBe('the panel')
    expect(dock.url()).toBe(`${panel()}/`)
  })
})
