/** `mattebox start` and a real Chromium before its page *Try it*, with a clip as the camera. */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { chromium, type Browser, type BrowserContext } from 'playwright-core'
import { build } from 'vite'
import { compiled } from '../../sidecar/inference/compiled.ts'
import { chromiumPath } from './chromium.ts'

const root = join(import.meta.dirname, '..', '..', '..')

/** The program with its page, from the sources as they are; to be removed at the end. */
export async function compiledWithPage(): Promise<{ readonly path: string; remove(): void }> {
  const program = compiled(
    'cli/main.ts',
    'sidecar/inference/inference-process.ts',
    'sidecar/inference/provider-probe-child.ts',
  )
  const outDir = join(dirname(dirname(program.path)), 'ui')
  const ui = join(root, 'src', 'ui')
  await build({ root: ui, configFile: join(ui, 'vite.config.ts'), logLevel: 'error', build: { outDir } })
  return program
}

export interface Place {
  /** Stays when the panel ends. */
  readonly home: string
  /** Where filters connect. */
  readonly socket: string
  /** The same one over restarts; default: one that is free. */
  readonly port?: number
  /** That run the network; default 2. */
  readonly threads?: number
}

/** A running mattebox, with a home of its own unless another place is named. */
export class Panel implements AsyncDisposable {
  private constructor(
    readonly child: ChildProcess,
    /** With a code, which lets one browser in. */
    readonly address: string,
    /** Where filters connect. */
    readonly socket: string,
    private readonly ownHome: string | undefined,
  ) {}

  /** @param model - path of its weights; undefined: it has none */
  static async start(program: string, model: string | undefined, place?: Place): Promise<Panel> {
    const ownHome = place ? undefined : mkdtempSync(join(tmpdir(), 'mattebox-panel-'))
    const home = place?.home ?? ownHome!
    const socket = place?.socket ?? join(home, 'channel.sock')
    const port = place?.port ?? (await freePort())
    const threads = String(place?.threads ?? 2)
    const args = ['--no-open', '--provider', 'cpu', '--threads', threads, '--port', String(port)]
    const named = model === undefined ? [] : ['--model', model]
    const env = { PATH: process.env['PATH'], HOME: home, MATTEBOX_SOCKET: socket }
    // In its own folder it names itself as it does in a clone.
    const cwd = dirname(dirname(dirname(program)))
    const child = spawn(process.execPath, [program, 'start', ...args, ...named], { env, cwd, stdio: 'pipe' })
    let said = ''
    const address = await new Promise<string>((resolve, reject) => {
      const hear = (text: Buffer): void => {
        said += text.toString()
        const found = /Panel: (http\S+)/.exec(said)
        if (found) resolve(found[1])
      }
      child.stdout.on('data', hear)
      child.stderr.on('data', hear)
      child.on('exit', () => reject(new Error(`mattebox ended: ${said}`)))
    })
    return new Panel(child, address, socket, ownHome)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = once(this.child, 'exit')
    if (this.child.kill('SIGTERM')) await ended
    if (this.ownHome !== undefined) rmSync(this.ownHome, { recursive: true, force: true })
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  return port
}

/**
 * A clip as a file that Chromium plays as its camera, over and over: 8 frames a second, of every fourth of the clip's, so
 * that each differs well from the one before it.
 */
export function asCamera(clip: string, folder: string, width: number, height: number): string {
  const y4m = join(folder, 'camera.y4m')
  const filters = `select=not(mod(n\\,4)),setpts=N/8/TB,scale=${width}:${height}`
  execFileSync('ffmpeg', ['-v', 'error', '-y', '-i', clip, '-vf', filters, '-r', '8', '-pix_fmt', 'yuv420p', y4m])
  return y4m
}

/** @param camera - of `asCamera`; it is allowed without a question */
export function launchBrowser(camera?: string): Promise<Browser> {
  return chromium.launch({
    executablePath: chromiumPath!,
    args: [
      '--no-sandbox',
      '--use-angle=swiftshader',
      '--enable-unsafe-swiftshader',
      '--disable-background-networking',
      '--disable-component-update',
      '--no-first-run',
      '--use-fake-ui-for-media-stream',
      '--use-fake-device-for-media-stream',
      ...(camera === undefined ? [] : [`--use-file-for-fake-video-capture=${camera}`]),
    ],
  })
}

/** What a browser remembers once it was let in. */
export async function letIn(
  browser: Browser,
  { address }: Panel,
): Promise<Awaited<ReturnType<BrowserContext['storageState']>>> {
  const context = await browser.newContext()
  const page = await context.newPage()
  await page.goto(address)
  await page.waitForURL((url) => url.search === '')
  const remembered = await context.storageState()
  await context.close()
  return remembered
}
