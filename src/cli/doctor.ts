import { availableParallelism, totalmem } from 'node:os'
import type { Command } from 'commander'
import { MatteboxError, type Complaint } from '../errors/index.ts'
import { loadWeights } from '../model/weights/index.ts'
import { examineObs, thisMachine, type ObsDiagnosis } from '../obs/index.ts'
import { loadAddon } from '../sidecar/inference/channel/index.ts'
import { checkProviders, type ProviderReport } from '../sidecar/inference/provider-choice.ts'
import { PROVIDER_TITLES } from '../settings/index.ts'
import { madeUpWeights, networkWork, TRIAL_SIZE } from '../sidecar/inference/provider-probe-work.ts'
import { findFfmpeg, type Ffmpeg, type Tool } from '../video/find-ffmpeg.ts'
import { bad, describeObs, good } from './findings.ts'
import { localizeCommands } from './invocation.ts'
import { defaultModel, HOW_TO_GET_A_MODEL, installedModels, type InstalledModel } from '../models/model-location.ts'
import { ourPlugin } from './obs.ts'
import { versions } from './versions.ts'

export interface ModelReport extends InstalledModel {
  /** Serves where no model is named. */
  readonly default: boolean
  readonly error?: Complaint
}

export interface FfmpegReport {
  readonly ok: boolean
  readonly ffmpeg?: Tool
  readonly ffprobe?: Tool
  /** Encoders that an output of ours needs and that are not there. */
  readonly missing: readonly string[]
  readonly error?: Complaint
}

export interface ChannelReport {
  /** Whether OBS's filter could connect; video files do without. */
  readonly ok: boolean
  readonly error?: Complaint
}

/** What `mattebox doctor --json` prints. */
export interface Diagnosis {
  readonly version: string
  readonly node: string
  /** As in `linux-x64`. */
  readonly platform: string
  readonly onnxruntime: string
  readonly cores: number
  readonly memoryMiB: number
  readonly providers: readonly ProviderReport[]
  readonly ffmpeg: FfmpegReport
  readonly channel: ChannelReport
  /** OBS from outside: files are matted without, so nothing of it makes `ok` false. */
  readonly obs: ObsDiagnosis
  readonly models: readonly ModelReport[]
  /** What to do where there is no model to use. */
  readonly noModel?: Complaint
  /** Whether a video can be matted with what is there. */
  readonly ok: boolean
}

/** What the doctor looks at; tests hand in patients. */
export interface DoctorParts {
  readonly checkProviders: () => Promise<readonly ProviderReport[]>
  readonly findFfmpeg: () => Promise<Ffmpeg>
  readonly installedModels: () => Promise<readonly InstalledModel[]>
  readonly loadAddon: () => unknown
  readonly examineObs: () => Promise<ObsDiagnosis>
}

const REAL_PARTS: DoctorParts = {
  checkProviders: () => {
    // The weights do not change what it costs, and a model may not be installed yet.
    return checkProviders(networkWork(madeUpWeights(), { ...TRIAL_SIZE, planes: 8, refiner: 'deep' }))
  },
  findFfmpeg: () => findFfmpeg(),
  installedModels: () => installedModels(),
  loadAddon: () => loadAddon(),
  examineObs: async () => examineObs(await ourPlugin(), thisMachine()),
}

/** Encoders by ffmpeg's names, and the outputs that need them. */
const ENCODERS = {
  'libvpx-vp9': '.webm',
  ffv1: '.mkv',
  libx264: '.mp4',
  png: 'PNG pictures',
  libopus: 'sound that is not copied',
} as const

/** `mattebox doctor`: looks at everything that matting needs; exit code 0 if a video can be matted, else 1. */
export function registerDoctor(program: Command, parts: DoctorParts = REAL_PARTS): void {
  program
    .command('doctor')
    .description(
      'Checks what matting needs: providers (by real runs), ffmpeg, OBS and its filter, models; says what is missing.',
    )
    .option('--json', 'print one JSON object')
    .action(async ({ json }: { json?: true }) => {
      const diagnosis = await examine(parts)
      process.stdout.write(json ? `${JSON.stringify(diagnosis, localizeMends)}\n` : describeDiagnosis(diagnosis))
      process.exitCode = diagnosis.ok ? 0 : 1
    })
}

function localizeMends(key: string, value: unknown): unknown {
  return key === 'mend' ? localizeCommands(value as string) : value
}

export async function examine(parts: DoctorParts): Promise<Diagnosis> {
  const { mattebox, node, onnxruntime } = await versions()
  // One after the other: a trial run is timed.
  const ffmpeg = await examineFfmpeg(parts)
  const models = await examineModels(await parts.installedModels())
  const providers = await parts.checkProviders()
  const noModel = models.some(({ error }) => error === undefined)
    ? undefined
    : { code: 'MODEL_NONE', message: 'There is no model to use.', mend: HOW_TO_GET_A_MODEL }
  // Files need the CPU beside any other provider: it brings the matte to full resolution.
  const cpuWorks = providers.some(({ provider, ok }) => provider === 'cpu' && ok)
  return {
    version: mattebox,
    node,
    platform: `${process.platform}-${process.arch}`,
    onnxruntime,
    cores: availableParallelism(),
    memoryMiB: Math.round(totalmem() / 2 ** 20),
    providers,
    ffmpeg,
    channel: examineChannel(parts),
    obs: await parts.examineObs(),
    models,
    ...(noModel && { noModel }),
    ok: cpuWorks && ffmpeg.ok && noModel === undefined,
  }
}

async function examineFfmpeg(parts: DoctorParts): Promise<FfmpegReport> {
  try {
    const { ffmpeg, ffprobe, encoders } = await parts.findFfmpeg()
    return { ok: true, ffmpeg, ffprobe, missing: Object.keys(ENCODERS).filter((encoder) => !encoders.has(encoder)) }
  } catch (error) {
    return { ok: false, missing: [], error: complaint(error) }
  }
}

function examineChannel({ loadAddon }: DoctorParts): ChannelReport {
  try {
    loadAddon()
    return { ok: true }
  } catch (error) {
    return { ok: false, error: complaint(error) }
  }
}

async function examineModels(models: readonly InstalledModel[]): Promise<ModelReport[]> {
  const byDefault = defaultModel(models)?.name
  const reports: ModelReport[] = []
  for (const { name, path } of models) {
    const report = { name, path, default: name === byDefault }
    try {
      await loadWeights(path)
      reports.push(report)
    } catch (error) {
      reports.push({ ...report, error: complaint(error) })
    }
  }
  return reports
}

/** Only an error that a user can act on is a finding; a fault of ours ends the command. */
function complaint(error: unknown): Complaint {
  if (error instanceof MatteboxError) return error.toJSON()
  throw error
}

/** The diagnosis for people: a line for each finding, and under what is wrong the mend. */
export function describeDiagnosis(diagnosis: Diagnosis): string {
  const { providers, ffmpeg, models, noModel } = diagnosis
  const { width, height } = TRIAL_SIZE
  const lines = [
    `mattebox ${diagnosis.version}, Node ${diagnosis.node}, onnxruntime ${diagnosis.onnxruntime}, ${diagnosis.platform}`,
    `${diagnosis.cores} cores, ${(diagnosis.memoryMiB / 1024).toFixed(1)} GiB of memory`,
    '',
    `Providers, each tried with a frame of ${width}x${height}`,
  ]
  for (const report of providers) {
    const title = PROVIDER_TITLES[report.provider].padEnd(6)
    if (report.ok) lines.push(good(`${title} ${report.ms.toFixed(1)} ms${report.device ? ` (${report.device})` : ''}`))
    else lines.push(...bad(`${title} ${report.reason.message}`, report.reason.mend))
  }
  lines.push('', 'Video')
  for (const [name, tool] of Object.entries({ ffmpeg: ffmpeg.ffmpeg, ffprobe: ffmpeg.ffprobe })) {
    if (tool) lines.push(good(`${name} ${tool.version} (${tool.origin}: ${tool.path})`))
  }
  if (ffmpeg.error) lines.push(...bad(ffmpeg.error.message, ffmpeg.error.mend))
  for (const encoder of ffmpeg.missing) {
    const needs = ENCODERS[encoder as keyof typeof ENCODERS]
    lines.push(...bad(`ffmpeg lacks the encoder ${encoder}`, `For ${needs}, install an ffmpeg that has it.`))
  }
  lines.push('', 'OBS')
  const { error: channelError } = diagnosis.channel
  if (channelError) lines.push(...bad(channelError.message, channelError.mend))
  else lines.push(good('the channel to the filter (native addon)'))
  lines.push(...describeObs(diagnosis.obs))
  lines.push('', 'Models')
  for (const { name, path, default: isDefault, error } of models) {
    if (error) lines.push(...bad(`${name}: ${error.message}`, error.mend))
    else lines.push(good(`${name}${isDefault ? ' (default)' : ''} (${path})`))
  }
  if (noModel) lines.push(...bad(noModel.message, noModel.mend))
  lines.push('', diagnosis.ok ? 'Ready: videos can be matted here.' : 'Not ready: see the mends above.')
  return `${localizeCommands(lines.join('\n'))}\n`
}
