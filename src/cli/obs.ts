import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { Option, type Command } from 'commander'
import { MatteboxError } from '../errors/index.ts'
import {
  buildPlugin,
  choosePlugin,
  DOCK_FILE,
  dockPage,
  examineObs,
  NO_OBS,
  OBS_TITLES,
  pluginFolder,
  putPlugin,
  removePlugin,
  thisHost,
  thisMachine,
  type BuiltPlugin,
  type ChosenPlugin,
  type ObsKind,
  type ObsReport,
  type Ours,
} from '../obs/index.ts'
import { LIMITS } from '../sidecar/inference/channel/wire.ts'
import { ENGINE_DEFAULTS } from '../sidecar/main/engine-settings.ts'
import { SettingsFile } from '../sidecar/main/settings-file.ts'
import { describeObs, howToDock } from './findings.ts'
import { interruptible } from './interrupt.ts'
import { invocation, localizeCommands } from './invocation.ts'
import { refuseSudo } from './refuse-sudo.ts'
import { versions } from './versions.ts'

const packageRoot = dirname(dirname(dirname(fileURLToPath(import.meta.url))))

/** The plugin that this mattebox understands. */
export async function ourPlugin(): Promise<Ours> {
  return { version: (await versions()).mattebox, wire: LIMITS.wireVersion }
}

interface Options {
  json?: true
  flatpak?: true
  native?: true
  from?: string
}

/** `mattebox obs install | uninstall | status`. */
export function registerObs(program: Command): void {
  const obs = program
    .command('obs')
    .description('Puts the filter into OBS Studio, takes it out, and says how it stands.')
  const json = () => new Option('--json', 'print one JSON object')
  const flatpak = () => new Option('--flatpak', 'only the OBS of Flatpak')
  const native = () => new Option('--native', 'only the OBS on the PATH').conflicts('flatpak')

  obs
    .command('install')
    .description('Puts the filter into every OBS Studio of this user; an older one is replaced.')
    .addOption(native())
    .addOption(flatpak())
    .option('--from <folder>', 'the plugin in this folder, in place of the package’s own')
    .addOption(json())
    .action((options: Options) => interruptible((signal) => install(options, signal)))

  obs
    .command('uninstall')
    .description('Takes the filter out of every OBS Studio of this user.')
    .addOption(native())
    .addOption(flatpak())
    .addOption(json())
    .action(uninstall)

  obs
    .command('status')
    .description(
      'Says which OBS is here, which filter is in it, and whether the sidecar listens; exit code 0 if one fits.',
    )
    .addOption(native())
    .addOption(flatpak())
    .addOption(json())
    .action(status)
}

interface Installed {
  readonly kind: ObsKind
  readonly title: string
  readonly folder: string
  readonly version: string
  readonly origin: ChosenPlugin['origin']
  /** Address of the page that shows the panel as a dock. */
  readonly dock: string
  readonly replaced: boolean
  readonly restartObs: boolean
}

async function install(options: Options, signal: AbortSignal): Promise<void> {
  refuseSudo('obs install')
  const found = (await examineObs(await ourPlugin(), thisMachine())).found.filter(({ kind }) => isWanted(kind, options))
  if (found.length === 0) throw noObs(options)
  const installed: Installed[] = []
  const [failed, unsupported]: [MatteboxError[], MatteboxError[]] = [[], []]
  await using builder = new Builder(signal, options.json ?? false)
  for (const obs of found) {
    try {
      if (obs.plugin) installed.push(await installInto(obs, obs.plugin.folder, builder, options.from))
      else if (obs.error) unsupported.push(new MatteboxError(obs.error.code, obs.error.message, obs.error.mend))
    } catch (error) {
      // The next OBS may be in better order.
      if (!(error instanceof MatteboxError) || error.code === 'INTERRUPTED') throw error
      failed.push(error)
    }
  }
  // Where nothing was done, the reason is the command's error.
  const [reason] = [...failed, ...unsupported]
  if (installed.length === 0) throw reason
  if (failed.length > 0) process.exitCode = 1
  const left = [...failed, ...unsupported].map((error) => error.toJSON())
  if (options.json) return printJson({ installed, left })
  for (const { title, version, origin, folder, replaced, restartObs } of installed) {
    const from = { given: '', package: '', built: ', built here' }[origin]
    print(`${replaced ? 'Replaced' : 'Installed'} the filter of ${title}: mattebox ${version}${from}, in ${folder}`)
    if (restartObs) print(`${title} is running: restart it.`)
  }
  for (const { message, mend } of left) print(localizeCommands(`${message}\n${mend}`))
  print('In OBS: right-click the camera, Filters, + under Effect Filters, Mattebox background removal.')
  for (const { title, dock } of installed)
    print(`The panel as a dock${installed.length > 1 ? ` of ${title}` : ''}. ${howToDock(dock)}`)
}

async function installInto(
  { kind, title, running }: ObsReport,
  folder: string,
  builder: Builder,
  from: string | undefined,
): Promise<Installed> {
  const build = (why: string) => builder.build(why)
  const plugin = await choosePlugin({ kind, packageRoot, from, host: thisHost(), build })
  const page = dockPage(await panelPort(), `${invocation()} start`)
  const { replaced } = await putPlugin(plugin.folder, folder, { [DOCK_FILE]: page })
  const { version } = plugin.manifest
  const dock = pathToFileURL(join(folder, DOCK_FILE)).href
  return { kind, title, folder, version, origin: plugin.origin, dock, replaced, restartObs: running }
}

/** What the settings say; where they cannot be read, `mattebox start` says why. */
async function panelPort(): Promise<number> {
  const settings = await SettingsFile.open().catch(() => null)
  if (settings?.damaged) process.stderr.write(`${settings.damaged.message}\n${settings.damaged.mend}\n`)
  return settings?.engine.port ?? ENGINE_DEFAULTS.port
}

/** Builds the filter once, for however many OBS need it, and removes what it built. */
class Builder {
  private built: BuiltPlugin | undefined

  constructor(
    private readonly signal: AbortSignal,
    private readonly quiet: boolean,
  ) {}

  async build(why: string): Promise<BuiltPlugin> {
    if (this.built) return this.built
    if (!this.quiet) process.stderr.write('Building the filter from its sources, this takes some seconds.\n')
    this.built = await buildPlugin(packageRoot, why, { env: process.env, signal: this.signal })
    return this.built
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.built?.remove()
  }
}

/** Also where OBS itself is gone: what was put in is taken out. */
async function uninstall(options: Options): Promise<void> {
  const around = thisMachine()
  const { found } = await examineObs(await ourPlugin(), around)
  const removed = []
  const failed: MatteboxError[] = []
  for (const kind of ['native', 'flatpak'] as const) {
    if (!isWanted(kind, options)) continue
    const folder = pluginFolder(kind, around)
    const restartObs = found.some((obs) => obs.kind === kind && obs.running)
    try {
      if (await removePlugin(folder)) removed.push({ kind, title: OBS_TITLES[kind], folder, restartObs })
    } catch (error) {
      if (!(error instanceof MatteboxError)) throw error
      failed.push(error)
    }
  }
  if (options.json && failed.length === 0) return printJson({ removed })
  if (!options.json) {
    for (const { title, folder, restartObs } of removed) {
      print(`Took the filter out of ${title}: ${folder}`)
      if (restartObs) print(`${title} is running, and keeps it until it is restarted.`)
    }
  }
  if (failed.length > 0) throw failed[0]
  if (!options.json && removed.length === 0) print('The filter is in no OBS here: there is nothing to do.')
}

async function status(options: Options): Promise<void> {
  const whole = await examineObs(await ourPlugin(), thisMachine())
  const found = whole.found.filter(({ kind }) => isWanted(kind, options))
  const error = found.length === 0 ? noObs(options).toJSON() : undefined
  const diagnosis = { ok: found.some(({ ok }) => ok), found, socket: whole.socket, ...(error && { error }) }
  process.exitCode = diagnosis.ok ? 0 : 1
  if (options.json) printJson(diagnosis)
  else print(localizeCommands(describeObs(diagnosis).join('\n')))
}

function isWanted(kind: ObsKind, { flatpak, native }: Options): boolean {
  if (flatpak) return kind === 'flatpak'
  return native ? kind === 'native' : true
}

function noObs({ flatpak, native }: Options): MatteboxError {
  if (!flatpak && !native) return new MatteboxError(NO_OBS.code, NO_OBS.message, NO_OBS.mend)
  const found = native ? 'No OBS Studio was found on the PATH.' : 'No OBS Studio of Flatpak was found.'
  return new MatteboxError('OBS_NONE', found, `Leave --${native ? 'native' : 'flatpak'} out, or install it.`)
}

function print(text: string): void {
  process.stdout.write(`${text}\n`)
}

/** Commands in mends become those that work where the user is. */
function printJson(value: unknown): void {
  print(JSON.stringify(value, (key, part: unknown) => (key === 'mend' ? localizeCommands(part as string) : part)))
}
