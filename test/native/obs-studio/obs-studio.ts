import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { OBSWebSocket } from 'obs-websocket-js'
import { COLLECTION, ObsHome, type ObsHomeOptions } from './obs-home.ts'
import { XDisplay, type XWindow } from './x-display.ts'

const START_MS = 30_000
const STOP_MS = 15_000
const ANSWER_MS = 20_000

export interface ObsOptions extends Omit<ObsHomeOptions, 'port'> {
  /** Puts more into the home before OBS starts. */
  readonly prepare?: (home: ObsHome) => Promise<void>
  /** Puts another OBS in the place of this machine's: the command that runs `obs` with what follows. */
  readonly launcher?: (home: ObsHome) => readonly [string, ...string[]]
}

/** How OBS left. */
export interface ObsExit {
  /** It ended by itself after being asked. */
  readonly clean: boolean
  readonly code: number | null
  /** Allocations of libobs that were not freed; null where it did not get so far as to count them. */
  readonly leaks: number | null
}

/** What is missing on this machine to run OBS without a screen; empty where all is there. */
export function missingForObs(programs: readonly string[] = ['obs', 'Xvfb', 'ffmpeg']): string[] {
  return programs.filter((name) => spawnSync('sh', ['-c', 'command -v "$0"', name]).status !== 0)
}

/** A real OBS Studio on a display in memory, steered by its WebSocket as a user's scripts would. */
export class ObsStudio {
  readonly socket = new OBSWebSocket()
  private readonly output: string[] = []

  private constructor(
    readonly home: ObsHome,
    readonly display: XDisplay,
    private readonly process_: ChildProcess,
  ) {
    for (const stream of [process_.stdout, process_.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => this.output.push(text))
    process.on('exit', this.kill)
  }

  /** Up, with its scenes loaded and the WebSocket open. Dispose of it, whether or not it was asked to leave. */
  static async start(options: ObsOptions = {}): Promise<ObsStudio> {
    const home = await ObsHome.create({ ...options, port: await freePort() })
    await options.prepare?.(home)
    const display = await XDisplay.start()
    const obs = new ObsStudio(home, display, launch(home, display, options))
    try {
      await obs.connect()
      return obs
    } catch (error) {
      await obs[Symbol.asyncDispose]()
      throw error
    }
  }

  get pid(): number {
    return this.process_.pid ?? -1
  }

  /** All that OBS has printed: its log. */
  get log(): string {
    return this.output.join('')
  }

  private get address(): string {
    return `ws://127.0.0.1:${this.home.port}`
  }

  get running(): boolean {
    return this.process_.exitCode === null && this.process_.signalCode === null
  }

  /** A request of obs-websocket. One that OBS does not answer fails with OBS's last words: OBS hangs. */
  readonly call: OBSWebSocket['call'] = async (request, data) => {
    const answer = this.socket.call(request, data)
    const hangs = sleep(ANSWER_MS, null, { ref: false })
    const first = await Promise.race([answer, hangs])
    if (first !== null) return first
    throw new Error(`OBS did not answer ${request} within ${ANSWER_MS} ms. Its log ends:\n${this.log.slice(-2000)}`)
  }

  /**
   * Asks OBS to leave, settings saved, and waits at most 15 s; then it is killed.
   * OBS 29 is asked by its window (SIGTERM ends it at once, unsaved, and SIGINT can deadlock it); later ones by SIGTERM.
   */
  async leave(): Promise<ObsExit> {
    const ended = once(this.process_, 'exit')
    const version = await this.call('GetVersion')
    await this.socket.disconnect()
    if (Number.parseInt(version.obsVersion, 10) >= 32) this.process_.kill('SIGTERM')
    else await this.display.close((await this.mainWindow())!)
    const clean = await Promise.race([ended.then(() => true), sleep(STOP_MS, false, { ref: false })])
    if (!clean) {
      this.process_.kill('SIGKILL')
      await ended
    }
    const leaks = /Number of memory leaks: (\d+)/.exec(this.log)?.[1]
    return { clean, code: this.process_.exitCode, leaks: leaks === undefined ? null : Number(leaks) }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    process.off('exit', this.kill)
    await this.socket.disconnect().catch(() => undefined)
    if (this.running) {
      const ended = once(this.process_, 'exit')
      this.kill()
      await ended
    }
    await this.display[Symbol.asyncDispose]()
    await this.home[Symbol.asyncDispose]()
  }

  private readonly kill = (): void => {
    this.process_.kill('SIGKILL')
  }

  /**
   * The port opens before the scenes are there, and for a while OBS answers that it is not ready. OBS 32 can deadlock
   * where something is made while it still starts: it has once its window is up and heeds requests.
   */
  private async connect(): Promise<void> {
    const deadline = performance.now() + START_MS
    let reason: unknown
    while (this.running && performance.now() < deadline) {
      try {
        if (!this.socket.identified) await this.socket.connect(this.address, this.home.password)
        const { currentProgramSceneName } = await this.call('GetSceneList')
        if (currentProgramSceneName && (await this.mainWindow())?.shown === true) {
          // Answered by the window's thread, and it holds no lock.
          await this.call('SetCurrentSceneTransition', { transitionName: 'Cut' })
          return
        }
      } catch (error) {
        reason = error
      }
      await sleep(100)
    }
    throw new Error(`OBS did not come up. The end of its log:\n${this.log.slice(-3000)}`, { cause: reason })
  }

  private async mainWindow(): Promise<XWindow | undefined> {
    return (await this.display.windows()).find(({ title }) => /^OBS .*Profile/.test(title))
  }
}

function launch(home: ObsHome, display: XDisplay, options: ObsOptions): ChildProcess {
  const [command, ...args] = options.launcher?.(home) ?? ['obs']
  const own = ['--multi', '--collection', COLLECTION, '--profile', COLLECTION, '--disable-missing-files-check']
  return spawn(command, [...args, ...own], {
    cwd: home.folder,
    env: { ...home.environment, DISPLAY: display.name },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
