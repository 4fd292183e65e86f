import { realpathSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Option, type Command } from 'commander'
import {
  installService,
  removeService,
  serviceStatus,
  unitPath,
  unitText,
  type ServiceReport,
} from '../service/index.ts'
import { localizeCommands } from './invocation.ts'
import { refuseSudo } from './refuse-sudo.ts'

const program = join(dirname(fileURLToPath(import.meta.url)), 'main.js')
/** What the sidecar reads of its surroundings and the user's manager does not have from a shell. */
const VARIABLES = ['MATTEBOX_SOCKET', 'MATTEBOX_SHIPPED_MODELS', 'MATTEBOX_CATALOG', 'XDG_CONFIG_HOME', 'XDG_DATA_HOME']

/** `mattebox service install | uninstall | status`: the sidecar as a service of systemd's user manager. */
export function registerService(parent: Command): void {
  const service = parent
    .command('service')
    .description('Keeps `mattebox start` running while you are logged in (systemd).')
  const json = () => new Option('--json', 'print one JSON object')

  service
    .command('install')
    .description('Writes a systemd unit of yours, enables and starts it.')
    .addOption(json())
    .action(install)

  service
    .command('uninstall')
    .description('Stops and disables the service, and removes its unit.')
    .addOption(json())
    .action(uninstall)

  service
    .command('status')
    .description('Says whether the service is installed, enabled and active; exit code 0 if it is installed.')
    .addOption(json())
    .action(status)
}

async function install({ json }: { json?: true }): Promise<void> {
  refuseSudo('service install')
  const { env } = process
  const given = VARIABLES.flatMap((name) => (env[name] ? [[name, env[name]]] : []))
  const environment = Object.fromEntries(given) as Record<string, string>
  const text = unitText({ node: realpathSync(process.execPath), program, environment })
  const report = await installService(text, env)
  const note = program.includes('_npx')
    ? 'It runs from npx’s cache, which npm may empty: `npm install -g mattebox`, then `mattebox service install` keeps it.'
    : undefined
  if (json) return printJson({ ...report, ...(note && { note }) })
  print(`Wrote ${report.unit}`)
  if (report.unknown === undefined)
    print(`It is enabled and ${report.active ?? ''}: the sidecar runs while you are logged in.`)
  else print(`${HOW_TO_ENABLE}\n(${report.unknown})`)
  if (note) print(note)
}

const HOW_TO_ENABLE = [
  'No user manager of systemd answers here. In a session of your desktop, run:',
  '  systemctl --user daemon-reload && systemctl --user enable --now mattebox.service',
].join('\n')

async function uninstall({ json }: { json?: true }): Promise<void> {
  const unit = unitPath(process.env)
  const removed = await removeService(process.env)
  if (json) return printJson({ unit, removed })
  print(removed ? `Removed ${unit}` : 'The service is not installed: there is nothing to do.')
}

async function status({ json }: { json?: true }): Promise<void> {
  const report = await serviceStatus(process.env)
  process.exitCode = report.installed ? 0 : 1
  if (json) printJson(report)
  else print(localizeCommands(describe(report)))
}

function describe({ unit, installed, enabled, active, unknown }: ServiceReport): string {
  const head = installed ? `Installed: ${unit}` : 'Not installed: `mattebox service install` does that.'
  if (unknown !== undefined) return `${head}\nWhether it is enabled and active is not known: ${unknown}`
  if (!installed) return head
  const lines = [
    head,
    enabled ? 'Enabled: it starts when you log in.' : 'Disabled: `mattebox service install` enables it.',
  ]
  return [...lines, `State: ${active ?? ''}`, 'Its words: journalctl --user -u mattebox.service'].join('\n')
}

function print(text: string): void {
  process.stdout.write(`${localizeCommands(text)}\n`)
}

function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`)
}
