import { Argument, Option, type Command } from 'commander'
import { sizeText } from '../download/index.ts'
import { MatteboxError } from '../errors/index.ts'
import { readCatalog } from '../models/catalog.ts'
import { installCuda, installedCuda, planCuda, removeCuda, type CudaPlan } from '../providers/cuda-install.ts'
import { PROVIDER_TITLES } from '../settings/index.ts'
import { checkProvider, checkProviders, type ProviderReport } from '../sidecar/inference/provider-choice.ts'
import { findGpuHardware } from '../sidecar/inference/provider-hardware.ts'
import type { ProbeWork } from '../sidecar/inference/provider-probe.ts'
import { madeUpWeights, networkWork, TRIAL_SIZE } from '../sidecar/inference/provider-probe-work.ts'
import { requireConsent } from './consent.ts'
import { downloadBar } from './download-bar.ts'
import { bad, good } from './findings.ts'
import { interruptible } from './interrupt.ts'
import { localizeCommands } from './invocation.ts'

const BRINGS = { cuda: 'installed by `mattebox providers install cuda`', webgpu: 'built in', cpu: 'built in' } as const

/** `mattebox providers list | install | remove`: what runs the network, and the libraries that CUDA needs. */
export function registerProviders(program: Command): void {
  const providers = program
    .command('providers')
    .description('Lists what can run the network, and installs CUDA’s libraries for NVIDIA’s GPUs.')
  const json = () => new Option('--json', 'print one JSON object')
  const name = () => new Argument('<provider>', 'provider whose libraries are meant').choices(['cuda'])

  providers
    .command('list')
    .description('Lists the providers: installed, how large, of which version, and whether they work (by real runs).')
    .addOption(json())
    .action((options: { json?: true }) => list(options.json ?? false))

  providers
    .command('install')
    .description('Fetches CUDA’s libraries (of NVIDIA and onnxruntime); goes on where an earlier call was stopped.')
    .addArgument(name())
    .option('-y, --yes', 'do not ask: NVIDIA’s licences are accepted')
    .option('--all', 'also fetch libraries that the system has')
    .addOption(json())
    .action((_provider: string, options: InstallOptions) => install(options))

  providers
    .command('remove')
    .description('Deletes CUDA’s libraries that were installed so.')
    .addArgument(name())
    .addOption(json())
    .action((_provider: string, options: { json?: true }) => remove(options.json ?? false))
}

async function list(json: boolean): Promise<void> {
  const installed = await installedCuda()
  const reports = await checkProviders(trialWork())
  if (json) return print(JSON.stringify({ providers: reports, installed }, localizeMends))
  for (const report of reports) {
    print(`${PROVIDER_TITLES[report.provider]} (${localizeCommands(BRINGS[report.provider])})`)
    if (report.provider === 'cuda') {
      for (const { path, version, bytes, serves } of installed) {
        const fits = serves
          ? ''
          : ', which this mattebox does not use: `mattebox providers install cuda` brings the right one'
        print(localizeCommands(`  ${sizeText(bytes)} of onnxruntime ${version}${fits}\n  ${path}`))
      }
    }
    for (const line of finding(report)) print(localizeCommands(line))
  }
}

interface InstallOptions {
  yes?: true
  all?: true
  json?: true
}

async function install({ yes, all, json }: InstallOptions): Promise<void> {
  const plan = await planCuda(await readCatalog(), { all: all ?? false })
  process.stderr.write(describePlan(plan))
  await requireConsent({ yes: yes ?? false, question: 'Fetch all of it?', otherwise: 'Nothing was fetched.' })
  const bar = downloadBar(plan.bytes)
  let path: string
  try {
    path = await interruptible((signal) => installCuda(plan, { signal, onProgress: (arrived) => bar.update(arrived) }))
  } finally {
    bar.stop()
  }
  const report = await checkProvider('cuda', trialWork())
  if (json) return print(JSON.stringify({ provider: 'cuda', path, version: plan.runtime, report }, localizeMends))
  print(`Installed CUDA’s libraries in ${path}`)
  for (const line of finding(report)) print(localizeCommands(line))
  print(localizeCommands('A running `mattebox start` takes them on when it is started again.'))
}

async function remove(json: boolean): Promise<void> {
  const removed = await removeCuda()
  if (removed.length === 0) {
    const mend = 'Libraries of the system, and those that npm put into node_modules, are left alone.'
    throw new MatteboxError('PROVIDER_NOT_INSTALLED', 'mattebox has installed no libraries of CUDA.', mend)
  }
  if (json) return print(JSON.stringify({ removed }))
  for (const { path, bytes } of removed) print(`Removed ${path} (${sizeText(bytes)}).`)
  print(localizeCommands('`mattebox providers install cuda` brings them back.'))
}

/** What is to be fetched, from whom, under which licence. */
export function describePlan({ runtime, fetched, spared, bytes, installedBytes }: CudaPlan): string {
  const lines = [`CUDA for onnxruntime ${runtime}:`]
  for (const { file, bytes: size, address } of fetched) {
    lines.push(`  ${sizeText(size).padStart(8)}  ${file.split('-').slice(0, 2).join(' ')}  (${new URL(address).host})`)
  }
  for (const { file } of spared) lines.push(`  the system has what is in ${file.split('-').slice(0, 2).join(' ')}`)
  lines.push(`In all ${sizeText(bytes)} to fetch; ${sizeText(installedBytes)} on the disk afterwards.`)
  const licences = new Map(fetched.map(({ licence, licenceAddress }) => [licence, licenceAddress]))
  lines.push('By fetching them you accept these licences:')
  for (const [licence, address] of licences) lines.push(`  ${licence}: ${address}`)
  if (process.platform === 'linux' && !findGpuHardware().nvidia)
    lines.push('No NVIDIA GPU is found here: they would be of no use.')
  return `${lines.join('\n')}\n`
}

/** The network; its weights do not change what it costs. */
function trialWork(): ProbeWork {
  return networkWork(madeUpWeights(), { ...TRIAL_SIZE, planes: 8, refiner: 'deep' })
}

function finding(report: ProviderReport): string[] {
  if (!report.ok) return bad(report.reason.message, report.reason.mend)
  return [good(`works: ${report.ms.toFixed(1)} ms${report.device === undefined ? '' : ` (${report.device})`}`)]
}

function localizeMends(key: string, value: unknown): unknown {
  return key === 'mend' ? localizeCommands(value as string) : value
}

function print(text: string): void {
  process.stdout.write(`${text}\n`)
}
