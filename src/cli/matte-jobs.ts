import { readdirSync, statSync } from 'node:fs'
import { extname, join, parse, resolve } from 'node:path'
import { MatteboxError } from '../errors/index.ts'
import type { Settings } from '../settings/index.ts'
import { hasStillExtension } from '../video/file-kind.ts'
import type { Background } from '../video/matte-video.ts'
import { STANDARD_OUTPUT, type CLIP_FORMATS } from '../video/output-format.ts'

/** The format of outputs that are named after their inputs. */
export type ClipFormat = (typeof CLIP_FORMATS)[number]

/** What a command line asks for: every input with its outputs. */
export interface Job {
  readonly input: string
  readonly output: string
  readonly outputAlpha?: string | undefined
  readonly outputForeground?: string | undefined
}

export interface JobFlags {
  readonly view: Settings['view']
  readonly background: Background
  readonly format?: ClipFormat
  readonly outputAlpha?: string
  readonly outputForeground?: string
}

const VIDEO_EXTENSIONS = [
  ...['.mp4', '.m4v', '.mov', '.mkv', '.webm', '.avi', '.ts', '.mts', '.m2ts', '.mpg', '.mpeg', '.wmv', '.flv', '.ogv'],
  ...['.3gp', '.mjpg', '.mjpeg', '.nut', '.gif'],
]

/**
 * The jobs of a command line. One input has the outputs that are named. Several inputs, a folder of videos, or a
 * `format`: the outputs are folders, which get a file for each input, named after it.
 *
 * @throws {MatteboxError} USAGE where inputs and outputs do not fit together, INPUT_UNREADABLE
 */
export function planJobs(
  inputs: readonly string[],
  output: string,
  flags: JobFlags,
): { jobs: Job[]; folders: string[] } {
  const { format, outputAlpha, outputForeground } = flags
  const clips = inputs.flatMap(clipsOf)
  const isPlain = inputs.length === 1 && clips.length === 1 && clips[0] === inputs[0] && format === undefined
  if (isPlain) return { jobs: [{ input: clips[0], output, outputAlpha, outputForeground }], folders: [] }

  const folders = [output, outputAlpha, outputForeground].filter((path) => path !== undefined)
  for (const folder of folders) requireFolder(folder, format)
  const jobs = clips.map((input) => ({
    input,
    output: named(input, output, format ?? usualFormat(flags)),
    outputAlpha: outputAlpha && named(input, outputAlpha, format ?? 'mkv'),
    outputForeground: outputForeground && named(input, outputForeground, format ?? 'mp4'),
  }))
  requireDistinct(jobs)
  return { jobs, folders }
}

/** A folder of videos stands for the videos in it, in the order of their names; a folder of pictures is one clip. */
function clipsOf(input: string): string[] {
  if (statSync(input, { throwIfNoEntry: false })?.isDirectory() !== true) return [input]
  let names: string[]
  try {
    names = readdirSync(input).filter((name) => !name.startsWith('.'))
  } catch (error) {
    const message = `${input} cannot be read: ${(error as Error).message}.`
    throw new MatteboxError('INPUT_UNREADABLE', message, 'Check the path and your rights.', { cause: error })
  }
  const videos = names.filter((name) => VIDEO_EXTENSIONS.includes(extname(name).toLowerCase()))
  if (videos.length === 0) return [input]
  if (names.some(hasStillExtension)) {
    const message = `${input} holds videos and pictures.`
    throw new MatteboxError(
      'USAGE',
      message,
      'Name the videos, or move the pictures of a clip into a folder of their own.',
    )
  }
  return videos.sort(new Intl.Collator('en', { numeric: true }).compare).map((name) => join(input, name))
}

function requireFolder(path: string, format: ClipFormat | undefined): void {
  const there = statSync(path, { throwIfNoEntry: false })
  const isFile = there === undefined ? extname(path) !== '' && !/[/\\]$/.test(path) : !there.isDirectory()
  if (path !== STANDARD_OUTPUT && !isFile) return
  throw new MatteboxError(
    'USAGE',
    `${format === undefined ? 'Several inputs want' : '--format wants'} a folder as output, and ${path} is none.`,
    'Name a folder, such as matted/; --format chooses what is written into it.',
  )
}

function usualFormat({ view, background }: JobFlags): ClipFormat {
  if (view === 'alpha') return 'mkv'
  return view === 'result' && background.kind === 'remove' ? 'webm' : 'mp4'
}

/** The output of an input, in a folder: a picture stays one, and the frames of a clip as PNG are a folder. */
function named(input: string, folder: string, format: ClipFormat): string {
  const { ext, name } = parse(resolve(input))
  if (statSync(input, { throwIfNoEntry: false })?.isDirectory() === true) {
    return join(folder, format === 'png' ? name + ext : `${name}${ext}.${format}`)
  }
  const ending = hasStillExtension(input) ? '.png' : format === 'png' ? '' : `.${format}`
  return join(folder, name + ending)
}

function requireDistinct(jobs: readonly Job[]): void {
  const made = new Map<string, string>()
  for (const { input, output, outputAlpha, outputForeground } of jobs) {
    for (const path of [output, outputAlpha, outputForeground]) {
      if (path === undefined) continue
      const other = made.get(resolve(path))
      if (other !== undefined) {
        const message =
          other === input ? `${path} is named for two outputs.` : `${other} and ${input} would both become ${path}.`
        throw new MatteboxError('USAGE', message, 'Give them different names, or matte them into different folders.')
      }
      made.set(resolve(path), input)
    }
  }
}
