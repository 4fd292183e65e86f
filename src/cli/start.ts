import { Option, type Command } from 'commander'
import type { ChildProcess } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import { basename, extname, resolve } from 'node:path'
import { Check } from 'typebox/schema'
import { MatteboxError, type Complaint } from '../errors/index.ts'
import { EngineSettings } from '../settings/index.ts'
import { AN_ADDRESS } from '../sidecar/main/engine-settings.ts'
import type { PanelPlace } from '../sidecar/main/instance.ts'
import { listenAddress } from '../sidecar/main/listen-address.ts'
import { LOG_LEVELS, openLog, REPORT_IT, type LogLevel } from '../sidecar/main/log.ts'
import { SettingsFile } from '../sidecar/main/settings-file.ts'
import { Sidecar } from '../sidecar/main/sidecar.ts'
import { interruptible } from './interrupt.ts'
import { installedModels, resolveModel } from '../models/model-location.ts'
import { hasBrowser, isJournal, openBrowser } from './open-browser.ts'
import { show } from './start-show.ts'
import type { StartPanel, StartPanelOptions } from './start-panel.ts'
import { versions } from './versions.ts'

interface StartFlags {
  readonly model?: string
  readonly provider?: EngineSettings['provider']
  readonly threads?: number
  readonly port?: number
  readonly listen?: string
  readonly open: boolean
  readonly socket?: string
  readonly record?: string
  readonly logLevel: LogLevel
  readonly json?: true
}

const { properties } = EngineSettings

const MORE = `
Options hold for this run and go before the settings file, which they do not change.
The panel’s address lets one browser in, once, within ten minutes. Run the command again for another one: it says that
mattebox runs, and its address.
It runs until Ctrl-C or SIGTERM, and ends with exit code 0 then.`

/** @param early - an inference process that was forked ahead of time, and let go */
export function registerStart(program: Command, early?: ChildProcess): void {
  program
    .command('start')
    .description('serve the filters in OBS, and the panel in a browser, until Ctrl-C')
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
    .option(
      '--listen <address>',
      'serve the panel to a network too, unencrypted (default: this computer only)',
      address,
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
  const { model, provider, threads, port, listen, logLevel, socket } = flags
  const given = { model: model === undefined ? undefined : await pathOrName(model), provider, threads, port, listen }
  const overrides = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
  const record = flags.record === undefined ? undefined : await recordFolder(flags.record)
  const log = await openLog(logLevel)
  const settings = await SettingsFile.open()
  if (settings.damaged) process.stderr.write(`mattebox: ${settings.damaged.message}\n${settings.damaged.mend}\n`)
  let panel: StartPanel | Complaint | undefined
  const sidecar = new Sidecar({
    version: (await versions()).mattebox,
    settings,
    overrides,
    resolveModel: findModel,
    log,
    socket: socket === undefined ? undefined : resolve(socket),
    record,
    panel: () => (panel && 'place' in panel ? panel.place : null),
    addressOfOther,
    supervisor: { early },
  })
  await interruptible(async (signal) => {
    await sidecar.start()
    const json = flags.json ?? false
    const shown = show(sidecar, json)
    // The filters do not wait for it.
    const opened = openPanel({ sidecar, settings, log }).then(async (opened) => {
      panel = opened
      /** What helps to get there and fails ends neither the panel nor matting. */
      const said = (what: string) => (error: unknown) => {
        log.error(what, { error: (error as Error).stack })
        shown.say(`${what} ${reasonOf(error)} Open its address yourself.`)
        return undefined
      }
      await shown.panel(opened).catch(said('The panel’s address cannot be drawn.'))
      if ('code' in opened) return () => Promise.resolve()
      const forget =
        flags.open && !json && hasBrowser()
          ? await openBrowser(opened.freshAddress()).catch(said('The panel cannot be opened in a browser.'))
          : undefined
      return async () => {
        await forget?.()
        await opened.close()
      }
    })
    await new Promise<void>((ended) => {
      if (signal.aborted) ended()
      else signal.addEventListener('abort', () => ended())
    })
    shown.stop()
    const close = await opened
    await close()
    await sidecar.stop()
  })
}

function reasonOf(error: unknown): string {
  return error instanceof MatteboxError ? error.message : `(${String(error)})`
}

/** A panel that cannot be had keeps nobody from matting. */
async function openPanel(options: StartPanelOptions): Promise<StartPanel | Complaint> {
  try {
    // Loading it takes a while, in which inference starts.
    const { StartPanel } = await import('./start-panel.ts')
    return await StartPanel.open(options)
  } catch (error) {
    const known = error instanceof MatteboxError
    options.log.error('There is no panel.', { error: known ? error.toJSON() : (error as Error).stack })
    if (known) return error.toJSON()
    return { code: 'PANEL_FAULT', message: 'The panel of mattebox does not start.', mend: REPORT_IT }
  }
}

/** The address of the panel that runs already, with a code where somebody sees it who wants to get in. */
async function addressOfOther({ address, id }: PanelPlace): Promise<string> {
  if (isJournal()) return address
  const { codeFromSecret } = await import('../sidecar/panel/codes-from-secret.ts')
  const { PanelSecret } = await import('../sidecar/panel/panel-secret.ts')
  // That mattebox runs is said all the same.
  const value = await PanelSecret.open().then(
    (secret) => secret.value,
    () => undefined,
  )
  return value === undefined ? address : `${address}?code=${codeFromSecret(value, id)}`
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

function address(given: string): string {
  const found = listenAddress(given)
  if (found !== undefined) return found
  throw new MatteboxError('USAGE', `--listen is ${given}.`, `Give ${AN_ADDRESS}.`)
}

function oneOf(name: string, words: readonly string[], given: string): string {
  if (words.includes(given)) return given
  throw new MatteboxError('USAGE', `--${name} is ${given}.`, `Give one of: ${words.join(', ')}.`)
}
