import { mkdirSync, readdirSync, rmdirSync, statSync } from 'node:fs'
import { basename } from 'node:path'
import { MatteboxError } from '../errors/index.ts'
import type { ProviderChoice } from '../sidecar/inference/provider-choice.ts'
import { openVideo } from '../video/decode.ts'
import { frameTotal, matteVideo, range, type MatteJob, type MatteReport } from '../video/matte-video.ts'
import type { Rational } from '../video/nut-format.ts'
import { asOutputError } from '../video/partial-output.ts'
import { Preview } from '../video/preview.ts'
import { engineOptions, type Engine } from './engine-options.ts'
import { FinishedOutputs, identity } from './finished-outputs.ts'
import { interruptible } from './interrupt.ts'
import type { Job, JobFlags } from './matte-jobs.ts'
import type { MattingFlags } from './matting-options.ts'
import { progressBar, type ProgressBar } from './progress-bar.ts'

export interface MatteFlags extends MattingFlags, JobFlags {
  readonly audio: boolean
  readonly quality?: number
  readonly fps?: Rational
  readonly preview?: true
  readonly force?: true
  readonly resume?: true
}

/** An input that could not be matted, while others could. */
export interface Failure {
  readonly input: string
  readonly error: MatteboxError
}

export interface JobsReport {
  readonly done: readonly MatteReport[]
  /** Whose outputs were there already. */
  readonly kept: readonly Job[]
  readonly failed: readonly Failure[]
  readonly choice: ProviderChoice
}

/**
 * Mattes one input after the other. Of several, one that cannot be read does not keep the others from being matted;
 * a disk that is full does.
 *
 * @param folders - where the outputs of several inputs go: made where they are missing; none for a single input
 * @throws {MatteboxError} as `matteVideo`; OUTPUT_EXISTS before anything is matted
 */
export async function runJobs(
  jobs: readonly Job[],
  folders: readonly string[],
  flags: MatteFlags,
): Promise<JobsReport> {
  const found = await engineOptions(flags)
  const { force = false, resume = false } = flags
  const isSeveral = folders.length > 0
  const finished = new FinishedOutputs(whatDecides(flags, found))
  const kept = resume ? jobs.filter((job) => finished.has(job.input, outputsOf(job))) : []
  const open = jobs.filter((job) => !kept.includes(job))
  if ((isSeveral || resume) && !force) for (const job of open) requireFree(job, resume)
  const made = makeFolders(folders)

  const bar = progressBar()
  const preview = flags.preview ? openPreview() : undefined
  const done: MatteReport[] = []
  const failed: Failure[] = []
  try {
    await interruptible(async (signal) => {
      const progress = await sharedProgress(open, flags, bar)
      for (const job of open) {
        try {
          const report = await matteVideo(
            matteJob(job, flags, found, preview),
            (state) => progress.update(job, state.frames, state.total),
            signal,
          )
          progress.finish(job, report.frames)
          if (isSeveral || resume) finished.add(job.input, outputsOf(job))
          done.push(report)
        } catch (error) {
          if (!isSeveral || !isOfInput(error)) throw isSeveral ? withRest(error, done.length, open.length) : error
          progress.finish(job, 0)
          failed.push({ input: job.input, error })
        }
      }
    })
  } finally {
    bar.stop()
    removeEmpty(made)
    await preview?.close()
    if (preview?.complaint !== undefined) process.stderr.write(`${preview.complaint}\n`)
  }
  return { done, kept, failed, choice: found.choice }
}

function matteJob(
  { input, output, outputAlpha, outputForeground }: Job,
  { view, background, decontaminate, audio, quality, fps, force, from, to }: MatteFlags,
  { engine }: Engine,
  preview: Preview | undefined,
): MatteJob {
  const outputs = { output, outputAlpha, outputForeground, quality, force: force === true, preview }
  return { ...engine, input, ...outputs, view, background, decontaminate, audio, fps, from, to }
}

function outputsOf({ output, outputAlpha, outputForeground }: Job): string[] {
  return [output, outputAlpha, outputForeground].filter((path) => path !== undefined)
}

/** All that decides how an output looks: with the same, it would come out the same. */
function whatDecides(flags: MatteFlags, { engine, model }: Engine): unknown {
  const { view, background, decontaminate, audio, quality, fps, from, to } = flags
  const { ratio, refiner, cutDetection } = engine
  const behind = background.kind === 'file' ? { ...background, is: identity(background.path) } : background
  const network = { model: identity(model), ratio, refiner, cutDetection, decontaminate }
  return { network, view, background: behind, audio, quality, fps, from, to }
}

function requireFree(job: Job, resume: boolean): void {
  const there = outputsOf(job).find((path) => {
    const entry = statSync(path, { throwIfNoEntry: false })
    return entry !== undefined && !(entry.isDirectory() && readdirSync(path).length === 0)
  })
  if (there === undefined) return
  throw resume
    ? new MatteboxError(
        'OUTPUT_EXISTS',
        `${there} exists, and is not known to be made from ${job.input} with these settings.`,
        'Add --force to replace it, or name another output.',
      )
    : new MatteboxError(
        'OUTPUT_EXISTS',
        `${there} exists.`,
        'Add --resume to make what is missing only, or --force to replace it.',
      )
}

/** @returns those that were missing */
function makeFolders(folders: readonly string[]): string[] {
  return folders.filter((folder) => {
    try {
      return mkdirSync(folder, { recursive: true }) !== undefined
    } catch (error) {
      throw asOutputError(error, folder)
    }
  })
}

/** Nothing came of them. */
function removeEmpty(folders: readonly string[]): void {
  for (const folder of folders) {
    try {
      rmdirSync(folder)
    } catch {
      // Outputs are in it.
    }
  }
}

function openPreview(): Preview | undefined {
  const preview = Preview.find()
  if (typeof preview !== 'string') return preview
  process.stderr.write(`${preview}\n`)
  return undefined
}

/** Whether an error is about one input alone, so that the next one may fare better. */
function isOfInput(error: unknown): error is MatteboxError {
  return error instanceof MatteboxError && !['INTERRUPTED', 'OUTPUT_UNWRITABLE'].includes(error.code)
}

/** What ended the run of several inputs, and how to go on. */
function withRest(error: unknown, done: number, all: number): unknown {
  if (!(error instanceof MatteboxError)) return error
  const message = `${error.message} ${done} of ${all} are made.`
  const mend = `${error.code === 'INTERRUPTED' ? '' : `${error.mend} `}The same command with --resume makes the rest.`
  return new MatteboxError(error.code, message, mend, { cause: error })
}

interface SharedProgress {
  update(job: Job, frames: number, total: number | undefined): void
  finish(job: Job, frames: number): void
}

/** One bar over the frames of all inputs. */
async function sharedProgress(jobs: readonly Job[], flags: MatteFlags, bar: ProgressBar): Promise<SharedProgress> {
  const totals = new Map<Job, number | undefined>()
  // Nobody looks: do not look into the files either.
  if (jobs.length > 1 && process.stderr.isTTY) for (const job of jobs) totals.set(job, await frames(job, flags))
  let before = 0
  const sum = (): number | undefined => {
    const all = jobs.map((job) => totals.get(job))
    return all.includes(undefined) ? undefined : (all as number[]).reduce((one, other) => one + other, 0)
  }
  return {
    update(job, frames, total) {
      if (jobs.length === 1) totals.set(job, total)
      const label = jobs.length > 1 ? `${jobs.indexOf(job) + 1}/${jobs.length} ${basename(job.input)} ` : ''
      bar.update({ frames: before + frames, total: sum() }, label)
    },
    finish(job, frames) {
      before += frames
      totals.set(job, frames)
    },
  }
}

/** Frames that are to be expected; what cannot be read is told in its turn. */
async function frames({ input }: Job, flags: MatteFlags): Promise<number | undefined> {
  try {
    return frameTotal(await openVideo(input, range(flags)))
  } catch {
    return 0
  }
}
