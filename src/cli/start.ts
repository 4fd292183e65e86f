import { Option, type Command } from 'commander'
import type { ChildProcess } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import { basename, extname, resolve } from 'node:path'
import { Check } from 'typebox/schema'
import { MatteboxError } from '../errors/index.ts'
import { EngineSettings } from '../settings/index.ts'
import { LOG_LEVELS, openLog, type LogLevel } from '../sidecar/main/log.ts'
import { SettingsFile } from '../sidecar/main/settings-file.ts'
import { Sidecar } from '../sidecar/main/sidecar.ts'
import { interruptible } from './interrupt.ts'
import { installedModels, resolveModel } from './model-location.ts'
import { board, changes, Redraw } from './start-board.ts'
import { versions } from './versions.ts'

interface StartFlags {
  readonly model?: string
  readonly provider?: EngineSettings['provider']
  readonly threads?: number
  readonly port?: number
  readonly open: boolean
  readonly socket?: string
  readonly record?: string
  readonly logLevel: LogLevel
  readonly json?: true
}

const { properties } = EngineSettings
const REDRAW_MS = 1000

const MORE = `
Options hold for this run and go before the settings file, which they do not change.
There is no panel yet: --port is checked and kept for it, and --no-open does nothing.
It runs until Ctrl-C or SIGTERM, and ends with exit code 0 then.`

/** @param early - an inference process that was forked ahead of time, and let go */
export function registerStart(program: Command, early?: ChildProcess): void {
  program
    .command('start')
    .description('serve the filters in OBS, until Ctrl-C')
    .option('--model <name|path>', 'an installed model, or a safetensors or ONNX file')
    .addOption(
      new Option(`--provider <${properties.provider.words.join('|')}>`, properties.provider.description).argParser(
        (given) => oneOf('provider', properties.provider.words, given),
      ),
    )
    .option('--threads <n>', 'threads of the CPU provider (default: as the machine has)', (given) =>
      number('threads', given, 1, 256),
    )
    .option('--port <n>', `port of the panel (default: ${properties.port.default})`, (given) =>
      number('port', given, 1, 65535),
    )
    .option('--no-open', 'do not open the panel in a browser')
    .option('--socket <path>', 'where filters connect (default: where they look; set MATTEBOX_SOCKET for OBS too)')
    .option('--record <folder>', 'for finding faults: keep every frame that is taken')
    .addOption(
      new Option(`--log-level <${LOG_LEVELS.join('|')}>`, 'what is kept in ~/.local/state/mattebox/mattebox.log')
        .default('info')
        .argParser((given) => oneOf('log-level', LOG_LEVELS, given)),
    )
    .option('--json', 'print the state as one JSON object a second')
    .addHelpText('after', MORE)
    .action((flags: StartFlags) => start(flags, early))
}

async function start(flags: StartFlags, early: ChildProcess | undefined): Promise<void> {
  const { model, provider, threads, port, logLevel, socket } = flags
  const given = { model: model === undefined ? undefined : await pathOrName(model), provider, threads, port }
  const overrides = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
  const record = flags.record === undefined ? undefined : await recordFolder(flags.record)
  const log = await openLog(logLevel)
  const settings = await SettingsFile.open()
  if (settings.damaged) process.stderr.write(`mattebox: ${settings.damaged.message}\n${settings.damaged.mend}\n`)
  const sidecar = new Sidecar({
    version: (await versions()).mattebox,
    settings,
    overrides,
    resolveModel: findModel,
    log,
    socket: socket === undefined ? undefined : resolve(socket),
    record,
    supervisor: { early },
  })
  await interruptible(async (signal) => {
    await sidecar.start()
    const stopShowing = show(sidecar, flags.json ?? false)
    await new Promise<void>((ended) => {
      if (signal.aborted) ended()
      else signal.addEventListener('abort', () => ended())
    })
    stopShowing()
    await sidecar.stop()
  })
}

/** Shows the state as it changes, until told to stop. */
function show(sidecar: Sidecar, json: boolean): () => void {
  const { stdout } = process
  if (json) {
    const print = (): void => void stdout.write(`${JSON.stringify(sidecar.state)}\n`)
    print()
    return stopping(setInterval(print, REDRAW_MS))
  }
  if (stdout.isTTY) {
    const redraw = new Redraw(stdout)
    const draw = (): void => redraw.draw(board(sidecar.state))
    draw()
    return stopping(setInterval(draw, REDRAW_MS))
  }
  let before = sidecar.state
  const print = (lines: readonly string[]): void => lines.forEach((line) => stdout.write(`${line}\n`))
  print(changes(undefined, before))
  const tell = (): void => {
    const now = sidecar.state
    print(changes(before, now))
    before = now
  }
  sidecar.on('state', tell)
  return () => void sidecar.off('state', tell)
}

function stopping(timer: NodeJS.Timeout): () => void {
  return () => clearInterval(timer)
}

/** Finds a model, and the name that it goes by. */
async function findModel(nameOrPath: string | undefined): Promise<{ name: string; path: string }> {
  const path = resolve(await resolveModel(nameOrPath))
  const installed = (await installedModels()).find((model) => model.path === path)
  return { name: installed?.name ?? basename(path, extname(path)), path }
}

/** A model that is not there is the user's mistake, and said before anything starts. */
async function pathOrName(given: string): Promise<string> {
  const { name, path } = await findModel(given)
  return given === name ? name : path
}

async function recordFolder(given: string): Promise<string> {
  const folder = resolve(given)
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 })
  } catch (error) {
    const { code = String(error) } = error as NodeJS.ErrnoException
    throw new MatteboxError('OUTPUT_UNWRITABLE', `${folder} cannot be made (${code}).`, 'Give another folder.')
  }
  return folder
}

function number(name: 'port' | 'threads', given: string, minimum: number, maximum: number): number {
  const value = given.trim() === '' ? NaN : Number(given)
  if (Check(properties[name], value) && value >= minimum) return value
  throw new MatteboxError('USAGE', `--${name} is ${given}.`, `Give a whole number from ${minimum} to ${maximum}.`)
}

function oneOf(name: string, words: readonly string[], given: string): string {
  if (words.includes(given)) return given
  throw new MatteboxError('USAGE', `--${name} is ${given}.`, `Give one of: ${words.join(', ')}.`)
}
