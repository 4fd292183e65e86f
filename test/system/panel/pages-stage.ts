/** The real panel server with its rows and a built page, over stand-ins for inference and OBS, before a real Chromium. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { BrowserContext, Browser, BrowserContextOptions, Page } from 'playwright-core'
import { expect } from 'vitest'
import { build } from 'vite'
import type { ObsView } from '../../../src/api/index.ts'
import { PanelServer } from '../../../src/sidecar/panel/panel-server.ts'
import { PanelStage } from '../../sidecar/panel/panel-stage.ts'
import type { Told } from '../../sidecar/main/told.ts'

const ui = join(import.meta.dirname, '..', '..', '..', 'src', 'ui')

/** The page, from the sources as they are; to be removed at the end. */
export async function builtPage(): Promise<{ readonly folder: string; remove(): void }> {
  const folder = mkdtempSync(join(tmpdir(), 'mattebox-ui-'))
  await build({
    root: ui,
    configFile: join(ui, 'vite.config.ts'),
    logLevel: 'error',
    build: { outDir: folder, emptyOutDir: true },
  })
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) }
}

export class PagesStage implements AsyncDisposable {
  #telling: NodeJS.Timeout | undefined

  private constructor(
    readonly stage: PanelStage,
    readonly server: PanelServer,
    private readonly browser: Browser,
  ) {}

  /** @param folder - of the built page */
  static async open(browser: Browser, folder: string, told: Told = {}): Promise<PagesStage> {
    const stage = await PanelStage.open(told)
    const { sidecar, states, rows, secret, log } = stage
    const options = { sidecar, states, routes: rows, port: 0, listen: '127.0.0.1', secret, ui: folder, log }
    return new PagesStage(stage, await PanelServer.open(options), browser)
  }

  /** As the real inference process does once a second: the state is told though nothing has changed. */
  keepTelling(): void {
    this.#telling = setInterval(() => this.showObs({}), 250)
  }

  /** What OBS is to look like from now on. */
  showObs(changes: Partial<ObsView>): void {
    const { obs } = this.stage
    obs.view = { ...obs.view, ...changes }
    obs.emit('change')
  }

  /** One page of the panel, in a browser that was let in; a fault in the page fails the test. */
  async page(hash: string, options: BrowserContextOptions = {}): Promise<Page> {
    const context: BrowserContext = await this.browser.newContext({
      viewport: { width: 1100, height: 900 },
      ...options,
    })
    const { port } = this.server
    const value = this.stage.secret.cookie(port)!
    await context.addCookies([{ name: `mattebox-${port}`, value, domain: '127.0.0.1', path: '/' }])
    const page = await context.newPage()
    page.setDefaultTimeout(30_000)
    page.on('pageerror', (error) => expect.soft(error.message).toBe('no error in the page'))
    await page.goto(`http://127.0.0.1:${port}/#/${hash}`)
    return page
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#telling)
    await Promise.all(this.browser.contexts().map((context) => context.close()))
    await this.server.close()
    await this.stage[Symbol.asyncDispose]()
  }
}
