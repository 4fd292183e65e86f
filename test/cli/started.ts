import { spawn, type ChildProcess } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { compiled } from '../sidecar/inference/compiled.ts'
import { STAND_IN, until, type Entry, type Told } from '../sidecar/main/told.ts'
import { ended, type Ended } from './cli.ts'

/** The real `start` and `token`, compiled, and in place of the inference process a stand-in. */
export class StartCommand {
  readonly program: string
  readonly started: ChildProcess[] = []
  readonly homes: string[] = []
  readonly #compiled = compiled('cli/start.ts', 'cli/token.ts', 'cli/report-error.ts')

  constructor() {
    const folder = dirname(this.#compiled.path)
    this.program = join(folder, 'program.mjs')
    const inference = join(folder, '..', 'sidecar', 'inference')
    mkdirSync(inference, { recursive: true })
    copyFileSync(STAND_IN, join(inference, 'inference-process.js'))
    writeFileSync(
      this.program,
      `import { Command } from 'commander'
      import { reportError } from './report-error.js'
      import { registerStart } from './start.js'
      import { registerToken } from './token.js'
      const program = new Command('mattebox')
      registerStart(program)
      registerToken(program)
      try {
        await program.parseAsync(process.argv)
      } catch (error) {
        process.exitCode = reportError(error, process.argv.includes('--json'))
      }`,
    )
  }

  remove(): void {
    for (const child of this.started) child.kill('SIGKILL')
    this.#compiled.remove()
    for (const home of this.homes) rmSync(home, { recursive: true, force: true })
  }
}

let count = 0

/** A user's home, with a model, and what stand-ins do there. */
export class Home {
  readonly folder = mkdtempSync(join(tmpdir(), 'mattebox-start-'))
  readonly record = join(this.folder, 'record')
  readonly settings = join(this.folder, 'config', 'mattebox', 'settings.json')
  readonly state = join(this.folder, '.local', 'state', 'mattebox')
  /** Below those that the system gives away. */
  readonly port = 20_000 + ((process.pid * 32 + count++) % 12_000)
  readonly env: NodeJS.ProcessEnv
  stdout = ''
  stderr = ''

  constructor(
    readonly command: StartCommand,
    told: Told = {},
    options: { model?: boolean } = {},
  ) {
    command.homes.push(this.folder)
    const data = join(this.folder, 'data')
    mkdirSync(join(data, 'mattebox', 'models'), { recursive: true })
    mkdirSync(this.record)
    mkdirSync(dirname(this.settings), { recursive: true })
    writeFileSync(join(this.record, 'told.json'), JSON.stringify(told))
    if (options.model ?? true) writeFileSync(join(data, 'mattebox', 'models', 'mine.safetensors'), '')
    this.env = {
      ...process.env,
      HOME: this.folder,
      XDG_DATA_HOME: data,
      XDG_CONFIG_HOME: join(this.folder, 'config'),
      MATTEBOX_SHIPPED_MODELS: join(this.folder, 'shipped'),
      DISPLAY: '',
      WAYLAND_DISPLAY: '',
    }
  }

  get args(): string[] {
    return [this.command.program, 'start', '--record', this.record, '--port', String(this.port)]
  }

  get log(): string {
    return readFileSync(join(this.state, 'mattebox.log'), 'utf8')
  }

  start(...options: string[]): { child: ChildProcess; end: Promise<Ended> } {
    return this.#spawn([...this.args, ...options])
  }

  token(...options: string[]): Promise<Ended> {
    return this.#spawn([this.command.program, 'token', ...options]).end
  }

  shows(text: string): Promise<void> {
    return until(() => this.stdout.includes(text), `${text}, in ${this.stdout} ${this.stderr}`, 20_000)
  }

  get entries(): Entry[] {
    const journal = join(this.record, 'journal')
    if (!existsSync(journal)) return []
    const lines = readFileSync(journal, 'utf8').split('\n').slice(0, -1)
    return lines.map((line) => JSON.parse(line) as Entry)
  }

  #spawn(args: readonly string[]): { child: ChildProcess; end: Promise<Ended> } {
    const child = spawn(process.execPath, args, {
      env: this.env,
      stdio: ['ignore', 'pipe', 'pipe'],
      // A group of its own, as a terminal gives to what it starts.
      detached: true,
    })
    this.command.started.push(child)
    child.stdout.on('data', (text: Buffer) => (this.stdout += text.toString()))
    child.stderr.on('data', (text: Buffer) => (this.stderr += text.toString()))
    return { child, end: ended(child) }
  }
}
