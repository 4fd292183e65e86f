import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { OBSWebSocket } from 'obs-websocket-js'
import { COLLECTION, ObsHome } from '../../native/obs-studio/obs-home.ts'
import type { ObsOptions } from '../../native/obs-studio/obs-studio.ts'
import { XDisplay, type XWindow } from '../../native/obs-studio/x-display.ts'

const START_MS = 30_000
const STOP_MS = 15_000

export interface RestartableObsOptions extends Pick<ObsOptions, 'launcher'> {
  readonly plugin: string
  /** What the file of scenes holds, in place of three empty ones. */
  readonly collection: unknown
}

/** An OBS that is started, stopped, killed and started again in one home, with another WebSocket beside ours. */
export class RestartableObs {
  #process: ChildProcess | undefined
  #socket = new OBSWebSocket()

  private constructor(
    readonly home: ObsHome,
    private readonly display: XDisplay,
    private readonly launcher: ObsOptions['launcher'],
  ) {
    process.on('exit', this.#kill)
  }

  static async create(options: RestartableObsOptions): Promise<RestartableObs> {
    const home = await ObsHome.create({ plugin: options.plugin, port: await freePort() })
    const file = home.path(`.config/obs-studio/basic/scenes/${COLLECTION}.json`)
    await writeFile(file, JSON.stringify(options.collection))
    return new RestartableObs(home, await XDisplay.start(), options.launcher)
  }

  get call(): OBSWebSocket['call'] {
    return this.#socket.call.bind(this.#socket)
  }

  /** Of the process that was started last. */
  get pid(): number {
    return this.#process?.pid ?? -1
  }

  /** Up, with its scenes loaded; one whose WebSocket server is off, with its window. */
  async start({ hasServer = true } = {}): Promise<void> {
    const own = ['--multi', '--collection', COLLECTION, '--profile', COLLECTION, '--disable-missing-files-check']
    const [command, ...args] = this.launcher?.(this.home) ?? ['obs']
    this.#process = spawn(command, [...args, ...own], {
      cwd: this.home.folder,
      env: { ...this.home.environment, DISPLAY: this.display.name },
      stdio: 'ignore',
    })
    this.#socket = new OBSWebSocket()
    for (const deadline = performance.now() + START_MS; performance.now() < deadline; await sleep(100)) {
      try {
        if (!hasServer) {
          if ((await this.#mainWindow())?.shown === true) return
          continue
        }
        if (!this.#socket.identified) await this.#socket.connect(`ws://127.0.0.1:${this.home.port}`, this.home.password)
        if ((await this.#socket.call('GetSceneList')).currentProgramSceneName) return
      } catch {
        // Not yet.
      }
    }
    throw new Error('OBS did not come up.')
  }

  signal(name: 'SIGSTOP' | 'SIGCONT'): void {
    this.#process?.kill(name)
  }

  /** Closes its window, as a user does: what was set is saved. */
  async leave(): Promise<void> {
    const ended = once(this.#process!, 'exit')
    await this.#socket.disconnect()
    await this.display.close((await this.#mainWindow())!)
    const hangs = sleep(STOP_MS, 'hangs', { ref: false })
    if ((await Promise.race([ended, hangs])) === 'hangs') throw new Error('OBS did not leave.')
  }

  async kill(): Promise<void> {
    if (!this.#process || this.#process.exitCode !== null || this.#process.signalCode !== null) return
    const ended = once(this.#process, 'exit')
    this.#kill()
    await ended
  }

  /** Switches the WebSocket server on or off in OBS's settings, while OBS is away. */
  async setServer(enabled: boolean): Promise<void> {
    const { port, password } = this.home
    await writeServerSettings(this.home.path('.config/obs-studio'), { enabled, port, password })
  }

  removePlugin(): Promise<void> {
    return rm(this.home.path('.config/obs-studio/plugins/mattebox'), { recursive: true })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    process.off('exit', this.#kill)
    await this.kill()
    await this.display[Symbol.asyncDispose]()
    await this.home[Symbol.asyncDispose]()
  }

  async #mainWindow(): Promise<XWindow | undefined> {
    return (await this.display.windows()).find(({ title }) => /^OBS .*Profile/.test(title))
  }

  readonly #kill = (): void => {
    this.#process?.kill('SIGKILL')
  }
}

/** Both layouts: each version of OBS ignores the other's. */
export async function writeServerSettings(
  folder: string,
  { enabled, port, password }: { enabled: boolean; port: number; password: string },
): Promise<void> {
  const json = { server_enabled: enabled, server_port: port, auth_required: true, server_password: password }
  const ini = {
    FirstLoad: false,
    ServerEnabled: enabled,
    ServerPort: port,
    AlertsEnabled: false,
    AuthRequired: true,
    ServerPassword: password,
  }
  const general = '[General]\nFirstRun=true\nConfirmOnExit=false\nEnableAutoUpdates=false\nPre31Migrated=true\n'
  const section = ['[OBSWebSocket]', ...Object.entries(ini).map(([key, value]) => `${key}=${value}`)].join('\n')
  const plugin = `${folder}/plugin_config/obs-websocket`
  await mkdir(plugin, { recursive: true })
  await writeFile(`${folder}/global.ini`, `${general}\n${section}\n`)
  await writeFile(`${plugin}/config.json`, JSON.stringify(json))
}

/** One that nobody listens at just now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
