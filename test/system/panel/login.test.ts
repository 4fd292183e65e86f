/**
 * How a real browser is let in, and stays. Seen red: with a redirect in place of the page that goes on by itself (the
 * link from another page arrives as a stranger), without the script of the strangers' page, and with a cookie that ends
 * with the browser's session.
 */
import { writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { once } from 'node:events'
import { join } from 'node:path'
import { chromium, type BrowserContext, type Page } from 'playwright-core'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { PanelSecret } from '../../../src/sidecar/panel/panel-secret.ts'
import { Served } from '../../sidecar/panel/served.ts'
import { chromiumPath } from './chromium.ts'

let panel: Served
let context: BrowserContext
const faults: string[] = []

/** A browser with a folder of its own, as a user's is. */
async function browser(): Promise<BrowserContext> {
  const opened = await chromium.launchPersistentContext(join(panel.folder, 'browser'), {
    executablePath: chromiumPath!,
    args: ['--no-sandbox', '--disable-background-networking', '--disable-component-update', '--no-first-run'],
  })
  return opened
}

async function newPage(): Promise<Page> {
  const page = await context.newPage()
  page.on('console', (message) => {
    if (message.type() === 'error' && !message.text().includes('401')) faults.push(message.text())
  })
  return page
}

beforeEach(async () => {
  panel = await Served.open()
  // A page that says whether its script ran and its WebSocket opened.
  writeFileSync(
    join(panel.ui, 'index.html'),
    '<!doctype html><title>the panel</title><link rel="icon" href="data:,"><script type="module" crossorigin src="./assets/index-abc123.js"></script>',
  )
  writeFileSync(
    join(panel.ui, 'assets', 'index-abc123.js'),
    `const socket = new WebSocket(new URL('/api/live', location.href.replace(/^http/, 'ws')))
     socket.onmessage = ({ data }) => { document.title = 'told ' + JSON.parse(data).state.version }`,
  )
  context = await browser()
  faults.length = 0
})
afterEach(async () => {
  await context.close()
  await panel[Symbol.asyncDispose]()
})

// The page goes on by itself meanwhile, and its policy lets nobody wait inside of it.
const isIn = (page: Page) =>
  expect.poll(() => page.title().catch(() => 'on its way'), { timeout: 15_000 }).toBe('told 1.2.3')
const withCode = (): string => `${panel.server.address}?code=${panel.server.newCode()}`

it('is let in by a code, which leaves the address, and stays in over restarts of the panel and of the browser', async () => {
  const page = await newPage()
  await page.goto(withCode())
  await isIn(page)
  expect(page.url()).toBe(panel.server.address)
  expect(await page.evaluate('document.cookie')).toBe('')
  // Going back does not lead to the code.
  expect(await page.evaluate('history.length')).toBe(2)

  const { port } = panel
  await panel.server.close()
  await panel.start({ port, secret: await PanelSecret.open(join(panel.folder, 'state')) })
  await page.reload()
  await isIn(page)

  await context.close()
  context = await browser()
  const later = await newPage()
  await later.goto(panel.server.address)
  await isIn(later)
  expect(faults).toEqual([])
})

it('is told how to get in where it is not known, and where its code was used', async () => {
  const page = await newPage()
  const answer = await page.goto(panel.server.address)
  expect([answer?.status(), await page.title()]).toEqual([401, 'mattebox: who is there?'])
  expect(await page.textContent('body')).toContain('mattebox start')
  const address = withCode()
  await page.goto(address)
  await isIn(page)
  await context.clearCookies()
  await page.goto(address)
  expect(await page.textContent('body')).toContain('has been used')
  expect(faults).toEqual([])
})

it('gets in by a link of another site’s page too, with a code or with its cookie, which such a link leaves behind', async () => {
  const other: Server = createServer((request, response) => {
    const to = new URL(request.url!, 'http://other').searchParams.get('to')!
    response.setHeader('Content-Type', 'text/html').end(`<a href="${to}">To the panel</a>`)
  }).listen(0, '127.0.0.1')
  await once(other, 'listening')
  const { port } = other.address() as { port: number }
  // Another name is another site.
  const link = async (to: string): Promise<Page> => {
    const page = await newPage()
    await page.goto(`http://localhost:${port}/?to=${encodeURIComponent(to)}`)
    await page.click('a')
    return page
  }
  await isIn(await link(withCode()))
  await isIn(await link(panel.server.address))
  const deep = await link(`${panel.server.address}#/try`)
  await isIn(deep)
  expect(await deep.evaluate('location.hash')).toBe('#/try')
  other.close()
  expect(faults).toEqual([])
})

it('shows the panel in no frame, and lets no other page ask it', async () => {
  const page = await newPage()
  await page.goto(withCode())
  await isIn(page)
  const other = createServer((_, response) => {
    response.setHeader('Content-Type', 'text/html').end('<!doctype html><title>other</title>')
  }).listen(0, '127.0.0.1')
  await once(other, 'listening')
  const { port } = other.address() as { port: number }
  // The same site, another port: the cookie comes along.
  await page.goto(`http://127.0.0.1:${port}/`)
  const asked = await page.evaluate(`(async () => {
    const panel = '${panel.server.address}'
    const tried = async (work) => { try { return await work() } catch { return 'refused' } }
    const body = { method: 'POST', credentials: 'include', body: '{}' }
    return [
      await tried(async () => (await fetch(panel + 'api/state', { credentials: 'include' })).status),
      await tried(async () => (await fetch(panel + 'api/state', { credentials: 'include', mode: 'no-cors' })).type),
      await tried(async () => (await fetch(panel + 'api/state', { ...body, headers: { 'X-Mattebox': '1' } })).status),
      await tried(() => new Promise((resolve, reject) => {
        const socket = new WebSocket(panel.replace('http', 'ws') + 'api/live')
        socket.onopen = () => resolve('open')
        socket.onerror = reject
      })),
      await tried(() => new Promise((resolve) => {
        const frame = document.createElement('iframe')
        frame.src = panel
        frame.onload = () => setTimeout(() => {
          let seen = 'blocked'
          try { seen = frame.contentDocument ? 'blocked' : 'other' } catch { seen = 'other' }
          resolve(seen)
        }, 300)
        document.body.append(frame)
      })),
      await tried(async () => (await fetch(panel + 'alive', { mode: 'no-cors' })).type),
    ]
  })()`)
  expect(asked).toEqual(['refused', 'refused', 'refused', 'refused', 'other', 'opaque'])
  const [, frame] = page.frames()
  expect(frame.url()).toContain('chrome-error')
  other.close()
})
