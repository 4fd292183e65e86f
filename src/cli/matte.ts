import { Option, type Command } from 'commander'
import { statSync } from 'node:fs'
import { MatteboxError } from '../errors/index.ts'
import type { ProviderChoice } from '../sidecar/inference/provider-choice.ts'
import type { Settings } from '../settings/index.ts'
import { matteVideo, type Background, type MatteReport } from '../video/matte-video.ts'
import { engineOptions } from './engine-options.ts'
import { localizeCommands } from './invocation.ts'
import { interruptible } from './interrupt.ts'
import { addMattingOptions, choice, type MattingFlags } from './matting-options.ts'
import { plural } from './plural.ts'
import { progressBar } from './progress-bar.ts'

interface MatteFlags extends MattingFlags {
  readonly view: Settings['view']
  readonly background: Background
  readonly audio: boolean
  readonly force?: true
}

const OUTPUTS = `
Outputs, by the name's ending:
  .webm     VP9, with alpha unless there is a background
  .mp4      H.264, opaque: wants a --background
  .mkv      the matte itself, lossless gray (FFV1): wants --view alpha
  .png      one picture
  a folder  one PNG with alpha a frame

Examples:
  \`mattebox matte talk.mp4 talk.webm\`
  \`mattebox matte talk.mp4 talk-blurred.mp4 --background blur\`
  \`mattebox matte talk.mp4 matte.mkv --view alpha\``

export function registerMatte(program: Command): void {
  const command = program
    .command('matte <input> <output>')
    .description('take the person out of a video, a picture or a folder of pictures')
  addMattingOptions(command)
    .addOption(choice('view'))
    .addOption(
      new Option('--background <remove|blur|#rrggbb|file>', 'what lies behind the person')
        .default({ kind: 'remove' }, 'remove')
        .argParser(parseBackground),
    )
    .option('--no-audio', 'leave the sound away')
    .option('--force', 'replace an output that exists')
    .addHelpText('after', localizeCommands(OUTPUTS).replaceAll('`', ''))
    .action(matte)
}

async function matte(input: string, output: string, flags: MatteFlags): Promise<void> {
  const { view, background, decontaminate, audio, force = false, from, to } = flags
  if (view !== 'result' && background.kind !== 'remove') {
    const message = `--view ${view} shows no background, and --background was given.`
    throw new MatteboxError('USAGE', message, 'Leave one of the two out.')
  }
  const { engine, choice } = await engineOptions(flags)
  const bar = progressBar()
  const job = { ...engine, input, output, view, background, decontaminate, from, to, audio, force }
  const report = await interruptible((signal) =>
    matteVideo(job, (progress) => bar.update(progress), signal).finally(() => bar.stop()),
  )
  process.stdout.write(
    flags.json ? `${JSON.stringify({ ...report, passedOver: choice.passedOver })}\n` : said(report, choice),
  )
}

function said(report: MatteReport, { passedOver }: ProviderChoice): string {
  const { frames, seconds, fps, size, lowRes, refiner, provider, resets, warnings } = report
  const cuts = Object.entries(resets).map(([reason, count]) => `, ${plural(count, 'reset')} (${reason})`)
  return [
    `${report.output}: ${plural(frames, 'frame')} of ${size.join('x')} in ${seconds.toFixed(1)} s (${fps.toFixed(1)} fps)`,
    `network at ${lowRes.join('x')}, refiner ${refiner}, on ${provider}${cuts.join('')}, sound: ${report.sound}`,
    // That there is no GPU is no news; that one is there and was passed over is.
    ...passedOver
      .filter(({ reason }) => reason.code !== 'PROVIDER_NO_DEVICE')
      .map(({ provider: other, reason }) => `not on ${other}: ${reason.message}`),
    ...warnings,
    '',
  ].join('\n')
}

function parseBackground(given: string): Background {
  if (given === 'remove' || given === 'blur') return { kind: given }
  const colour = /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/i.exec(given)
  if (colour) {
    const [red, green, blue] = colour.slice(1).map((byte) => parseInt(byte, 16) / 255) as [number, number, number]
    return { kind: 'colour', rgb: [red, green, blue] }
  }
  if (!given.startsWith('#') && statSync(given, { throwIfNoEntry: false })?.isFile())
    return { kind: 'file', path: given }
  throw new MatteboxError(
    'USAGE',
    `--background is ${given}, which is no colour and no file.`,
    'Give remove, blur, a colour such as #00b140, or the path of a picture or video.',
  )
}
