import { Option, type Command } from 'commander'
import { statSync } from 'node:fs'
import { MatteboxError, type Complaint } from '../errors/index.ts'
import type { ProviderChoice } from '../sidecar/inference/provider-choice.ts'
import type { Background, MatteReport } from '../video/matte-video.ts'
import type { Rational } from '../video/nut-format.ts'
import { CLIP_FORMATS, DEFAULT_QUALITY, STANDARD_OUTPUT } from '../video/output-format.ts'
import { localizeCommands } from './invocation.ts'
import { planJobs, type ClipFormat } from './matte-jobs.ts'
import { runJobs, type Failure, type MatteFlags } from './matte-run.ts'
import { addMattingOptions, choice } from './matting-options.ts'
import { plural } from './plural.ts'

const OUTPUTS = `
Outputs, by the name's ending:
  .webm     VP9, with alpha unless there is a background
  .mov      ProRes 4444, the same, for editors
  .mkv      FFV1, the same, lossless
  .mp4      H.264, opaque: wants a --background or a --view
  .gif      animated; each pixel is transparent or not, at most 50 frames a second
  .webp     animated, with alpha
  .png      one picture
  a folder  one PNG a frame
  -         standard output: raw pictures in NUT, for another program

A camera (/dev/video0) is recorded until Ctrl-C, or up to --to.

Several inputs, or a folder of videos, are matted into a folder: each into a file of its own name. Without --format
that is .webm, .mp4 where the result is opaque, or .mkv for --view alpha.

Examples:
  \`mattebox matte talk.mp4 talk.webm\`
  \`mattebox matte talk.mp4 talk-blurred.mp4 --background blur\`
  \`mattebox matte talk.mp4 talk.mov --output-alpha matte.mkv\`
  \`mattebox matte monday.mp4 tuesday.mp4 matted/ --resume\`
  \`mattebox matte clips/ matted/ --format mov\`
  \`mattebox matte pictures/ animation.mov --fps 24\`
  \`mattebox matte /dev/video0 me.webm --to 1:00\`
  \`mattebox matte talk.mp4 - | ffplay -\``

export function registerMatte(program: Command): void {
  const command = program
    .command('matte <paths...>')
    .usage('[options] <input...> <output>')
    .description('take the person out of videos, a picture, a folder of pictures or a camera')
  addMattingOptions(command)
    .addOption(choice('view'))
    .addOption(
      new Option('--background <remove|blur|#rrggbb|file>', 'what lies behind the person')
        .default({ kind: 'remove' }, 'remove')
        .argParser(parseBackground),
    )
    .option('--output-alpha <output>', 'write the matte, too')
    .option('--output-foreground <output>', 'write the foreground over black, too')
    .addOption(
      new Option('--quality <0..100>', `100 is the best that the codec gives (default: ${DEFAULT_QUALITY})`).argParser(
        parseQuality,
      ),
    )
    .addOption(
      new Option(
        `--format <${CLIP_FORMATS.join('|')}>`,
        'the output is a folder: what each input becomes in it',
      ).argParser(parseFormat),
    )
    .addOption(
      new Option(
        '--fps <n>',
        'pictures a second: of a folder of pictures (default: 25), or asked of a camera',
      ).argParser(parseFps),
    )
    .option('--no-audio', 'leave the sound away')
    .option('--preview', 'show the result in a window while it is made')
    .option('--force', 'replace an output that exists')
    .option('--resume', 'keep what an earlier run has made whole with the same settings')
    .addHelpText('after', localizeCommands(OUTPUTS).replaceAll('`', ''))
    .action(matte)
}

async function matte(paths: readonly string[], flags: MatteFlags): Promise<void> {
  const { view, background, json } = flags
  const output = paths.at(-1)!
  if (paths.length < 2) {
    const message = `An input and an output are wanted; only ${output} was given.`
    throw new MatteboxError('USAGE', message, 'See `mattebox matte --help`.')
  }
  if (view !== 'result' && background.kind !== 'remove') {
    const message = `--view ${view} shows no background, and --background was given.`
    throw new MatteboxError('USAGE', message, 'Leave one of the two out.')
  }
  if ([flags.outputAlpha, flags.outputForeground].includes(STANDARD_OUTPUT)) {
    const message = 'Only the result can go to standard output.'
    throw new MatteboxError('USAGE', message, 'Give --output-alpha and --output-foreground names of files.')
  }
  const { jobs, folders } = planJobs(paths.slice(0, -1), output, flags)
  const { done, kept, failed, choice } = await runJobs(jobs, folders, flags)
  // Pictures go to standard output: what is said of them does not.
  const stream = output === STANDARD_OUTPUT ? process.stderr : process.stdout
  const isOne = folders.length === 0
  if (json) {
    const { passedOver } = choice
    const all = {
      done,
      kept: kept.map(({ input, output }) => ({ input, output })),
      failed: failed.map(asJson),
      passedOver,
    }
    stream.write(`${JSON.stringify(isOne && done.length === 1 ? { ...done[0], passedOver } : all)}\n`)
  } else {
    for (const report of done) stream.write(said(report))
    for (const { output } of kept) stream.write(`${output}: kept, it is whole and made with these settings\n`)
    stream.write(passedOverSaid(choice))
    if (!isOne) stream.write(`${done.length} made, ${kept.length} kept, ${failed.length} failed\n`)
  }
  for (const { input, error } of failed) {
    process.stderr.write(`mattebox: ${input}: ${error.message}\n${localizeCommands(error.mend)}\n`)
  }
  if (failed.length > 0) process.exitCode = 1
}

function asJson({ input, error }: Failure): { input: string; error: Complaint } {
  const { code, message } = error
  return { input, error: { code, message, mend: localizeCommands(error.mend) } }
}

function said(report: MatteReport): string {
  const { frames, seconds, fps, size, lowRes, refiner, provider, resets, warnings } = report
  const { output, outputAlpha, outputForeground } = report
  const result = output === STANDARD_OUTPUT ? 'standard output' : output
  const names = [result, outputAlpha, outputForeground].filter((name) => name !== undefined)
  const cuts = Object.entries(resets).map(([reason, count]) => `, ${plural(count, 'reset')} (${reason})`)
  return [
    `${names.join(', ')}: ${plural(frames, 'frame')} of ${size.join('x')} in ${seconds.toFixed(1)} s (${fps.toFixed(1)} fps)`,
    `network at ${lowRes.join('x')}, refiner ${refiner}, on ${provider}${cuts.join('')}, sound: ${report.sound}`,
    ...warnings,
    '',
  ].join('\n')
}

/** That there is no GPU is no news; that one is there and was passed over is. */
function passedOverSaid({ passedOver }: ProviderChoice): string {
  return passedOver
    .filter(({ reason }) => reason.code !== 'PROVIDER_NO_DEVICE')
    .map(({ provider, reason }) => `not on ${provider}: ${reason.message}\n`)
    .join('')
}

function parseQuality(given: string): number {
  const quality = Number(given)
  if (given.trim() !== '' && quality >= 0 && quality <= 100) return quality
  throw new MatteboxError('USAGE', `--quality is ${given}.`, 'Give a number from 0 to 100.')
}

function parseFps(given: string): Rational {
  const [, whole, fraction = '', divisor = '1'] = /^(\d{1,6})(?:\.(\d{1,4}))?(?:\/([1-9]\d{0,4}))?$/.exec(given) ?? []
  const num = Number(`${whole}${fraction}`)
  const den = 10 ** fraction.length * Number(divisor)
  if (num / den > 0 && num / den <= 1000) return { num, den }
  throw new MatteboxError('USAGE', `--fps is ${given}.`, 'Give pictures a second: 24, 29.97 or 30000/1001.')
}

function parseFormat(given: string): ClipFormat {
  const format = CLIP_FORMATS.find((name) => name === given)
  if (format !== undefined) return format
  throw new MatteboxError('USAGE', `--format is ${given}.`, `Give one of: ${CLIP_FORMATS.join(', ')}.`)
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
