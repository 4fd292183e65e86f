import { readdirSync, readSync, openSync, closeSync, statSync, fstatSync } from 'node:fs'
import { basename, dirname, join, resolve, sep } from 'node:path'
import { MatteboxError } from '../errors/index.ts'
import { findFfmpeg, type Ffmpeg } from './find-ffmpeg.ts'
import { MediaProcess, watchForStall } from './media-process.ts'
import { clearBetweenFrames } from './gif-disposal.ts'
import { lengthenLastFrame } from './mp4-last-frame.ts'
import type { PixelLayout, Rational } from './nut-format.ts'
import { NutOutput } from './nut-output.ts'
import { NutWriter } from './nut-writer.ts'
import {
  DEFAULT_QUALITY,
  FRAME_PATTERN,
  outputFormat,
  outputWarnings,
  STANDARD_OUTPUT,
  writableOutputs,
  type AudioPlan,
  type OutputFormat,
  type Pictures,
} from './output-format.ts'
import { asOutputError, diskFull, look, PartialOutput, tooLarge, unwritable } from './partial-output.ts'
import { copySubtitles, NO_TRACKS, planTracks, trackOptions, type Tracks } from './tracks.ts'
import type { FrameTime, VideoWriter, WriterSpec } from './video-writer.ts'

export type { FrameTime, VideoWriter, WriterSpec } from './video-writer.ts'

export interface WriterOptions {
  /** Replace an output that is there already, once the new one is whole. Default false. */
  readonly force?: boolean
  /** 0..100, see `DEFAULT_QUALITY`. */
  readonly quality?: number | undefined
  /** An encoder that takes and writes nothing for so long is ended. Default 60 s. */
  readonly stallMs?: number
  readonly ffmpeg?: Ffmpeg
}

const DEFAULT_STALL_MS = 60_000

/**
 * Opens an output for frames, by the ending of its name: `.webm` (VP9), `.mov` (ProRes 4444), `.mkv` (FFV1), `.mp4` (H.264,
 * opaque), `.gif`, `.webp` (both animated), a folder (PNG frames), `.png` (one picture); all but `.mp4` with straight alpha for
 * `bgra`. It appears under its name when it is committed. `-` is standard output (NUT with raw frames).
 *
 * @throws {MatteboxError} OUTPUT_UNSUPPORTED, OUTPUT_EXISTS, OUTPUT_UNWRITABLE, FFMPEG_MISSING
 */
export async function createVideoWriter(
  output: string,
  spec: WriterSpec,
  options: WriterOptions = {},
): Promise<VideoWriter> {
  if (output === STANDARD_OUTPUT) return new NutOutput(spec, process.stdout)
  const format = outputFormat(output, spec.layout)
  const ffmpeg = options.ffmpeg ?? (await findFfmpeg())
  requireEncoder(ffmpeg, format.encoder, `${basename(output)} needs`, encoderMend(ffmpeg, spec.layout))
  const tracks = tracksOf(basename(output), format, spec, ffmpeg)
  for (const { plan } of tracks.sound) {
    const soundEncoder = { opus: 'libopus', pcm: 'pcm_s16le', copy: undefined }[plan]
    if (soundEncoder === undefined) continue
    requireEncoder(ffmpeg, soundEncoder, 'The sound needs', 'Install an ffmpeg that has it, or add --no-audio.')
  }
  if (spec.source !== undefined) refuseToOverwrite(spec.source.info.path, output)
  const partial = new PartialOutput(output, format.name === 'folder' ? 'folder' : 'file', options.force ?? false)
  const { tracks: kept, file } = await subtitlesOf(output, tracks, spec, ffmpeg)
  return new FfmpegWriter(resolve(output), spec, format, kept, file, partial, ffmpeg, options)
}

/** Brings the subtitles into a file beside the output. Where they cannot be read, the rest goes on without them. */
async function subtitlesOf(
  output: string,
  tracks: Tracks,
  { source }: WriterSpec,
  ffmpeg: Ffmpeg,
): Promise<{ tracks: Tracks; file?: PartialOutput }> {
  if (source === undefined || tracks.subtitles.length === 0) return { tracks }
  const file = new PartialOutput(`${output}.subtitles`, 'file', true)
  const complaint = await copySubtitles(tracks, source.info.path, source.range, file.path, ffmpeg)
  if (complaint === undefined) return { tracks, file }
  file.discard()
  const warning = `${basename(output)} is without the subtitles: they cannot be read (${complaint}).`
  return { tracks: { ...tracks, subtitles: [], warnings: [...tracks.warnings, warning] } }
}

function tracksOf(name: string, format: OutputFormat, spec: WriterSpec, ffmpeg: Ffmpeg): Tracks {
  const { source, audio = true, captions = true } = spec
  if (source === undefined) return NO_TRACKS
  const { info } = source
  const withCaptions = captions ? info : { subtitles: [], chapters: 0 }
  return planTracks(name, format, { ...withCaptions, audio: audio ? info.audio : [] }, ffmpeg)
}

function encoderMend({ encoders }: Ffmpeg, layout: PixelLayout): string {
  const others = writableOutputs(encoders, layout)
  const instead = others.length === 0 ? '' : `, or name another output: ${others.join(', ')}`
  return `Install an ffmpeg that has it${instead}.`
}

function requireEncoder(ffmpeg: Ffmpeg, encoder: string, who: string, mend: string): void {
  if (ffmpeg.encoders.has(encoder)) return
  const message = `${who} the encoder ${encoder}; ${ffmpeg.ffmpeg.path} lacks it.`
  throw new MatteboxError('FFMPEG_MISSING', message, mend)
}

/** The source is read to the last moment: its sound comes from it a second time. */
function refuseToOverwrite(source: string, output: string): void {
  const [from, to] = [look(source), look(output)]
  const same = from !== undefined && to !== undefined && from.dev === to.dev && from.ino === to.ino
  if (same || resolve(source).startsWith(resolve(output) + sep)) {
    throw new MatteboxError('OUTPUT_EXISTS', `${output} is the input itself.`, 'Name another output.')
  }
}

class FfmpegWriter implements VideoWriter {
  readonly audio: AudioPlan
  readonly warnings: readonly string[]
  private encoder: { process: MediaProcess; nut: NutWriter; timeBase: Rational; firstPts: number } | undefined
  private frames = 0
  private lastPts = -1
  /** Set once nothing more can be written: what every later call is answered with. */
  private over: Error | undefined
  private isComplete = false
  private readonly pictures: Pictures
  private readonly stallMs: number

  constructor(
    private readonly output: string,
    private readonly spec: WriterSpec,
    private readonly format: OutputFormat,
    private readonly tracks: Tracks,
    private readonly subtitleFile: PartialOutput | undefined,
    private readonly partial: PartialOutput,
    private readonly ffmpeg: Ffmpeg,
    { quality, stallMs = DEFAULT_STALL_MS }: WriterOptions,
  ) {
    const { width, height, layout, source } = spec
    const colour = source?.info.colour ?? { primaries: undefined, transfer: undefined }
    const pixelAspect = source?.info.pixelAspect
    this.pictures = { width, height, layout, colour, pixelAspect, quality: quality ?? DEFAULT_QUALITY }
    this.stallMs = stallMs
    const plans = tracks.sound.map(({ plan }) => plan)
    this.audio = plans.find((plan) => plan !== 'copy') ?? plans.at(0) ?? 'none'
    const { version } = ffmpeg.ffmpeg
    const warnings = outputWarnings(output, format, this.pictures, quality !== undefined, version)
    this.warnings = [...warnings, ...tracks.warnings]
  }

  async write(data: Uint8Array, time: FrameTime): Promise<void> {
    this.mustBeOpen()
    if (this.frames === 1 && this.format.oneFrameOnly) {
      const message = `${basename(this.output)} takes one picture, and there are more.`
      const mend = 'Name a folder for the pictures, or a .webm output.'
      return this.fail(new MatteboxError('OUTPUT_UNSUPPORTED', message, mend))
    }
    this.encoder ??= this.start(time)
    const { process, nut, timeBase, firstPts } = this.encoder
    if (time.pts <= this.lastPts || time.timeBase.num !== timeBase.num || time.timeBase.den !== timeBase.den) {
      throw new RangeError(`Frame ${this.frames} is not later than the one before, or counts in another time base.`)
    }
    this.lastPts = time.pts
    const stopWatching = this.watch(process)
    try {
      await nut.write(data, time.pts - firstPts)
      this.frames++
    } catch (error) {
      if (error instanceof RangeError) throw error
      this.mustBeOpen()
      await this.fail(await this.encoderError(process))
    } finally {
      stopWatching()
    }
  }

  async complete(): Promise<void> {
    this.mustBeOpen()
    if (this.encoder === undefined) {
      const message = `No frame was written to ${basename(this.output)}.`
      return this.fail(new MatteboxError('INPUT_UNREADABLE', message, 'Check that the input holds frames.'))
    }
    const { process } = this.encoder
    const stopWatching = this.watch(process)
    process.stdin.end()
    const { code } = await process.ended
    stopWatching()
    this.mustBeOpen()
    if (code !== 0 || this.isCutOff(process)) return this.fail(await this.encoderError(process))
    if (this.format.name === 'mp4' || this.format.name === 'mov') lengthenLastFrame(this.partial.path)
    if (this.format.name === 'gif' && this.spec.layout === 'bgra') clearBetweenFrames(this.partial.path)
    this.subtitleFile?.discard()
    this.isComplete = true
  }

  commit(): void {
    this.mustBeOpen()
    if (!this.isComplete) throw new Error('The output is not complete.')
    this.over = new Error('The output is finished.')
    this.partial.commit()
  }

  async finish(): Promise<void> {
    await this.complete()
    this.commit()
  }

  async abort(): Promise<void> {
    this.over ??= new Error('The output was given up.')
    this.encoder?.process.kill()
    await this.encoder?.process.ended
    this.subtitleFile?.discard()
    this.partial.discard()
  }

  /** Throws if the output is finished, has failed, or was given up while a call was waiting. */
  private mustBeOpen(): void {
    if (this.over !== undefined) throw this.over
  }

  /** The encoder starts with the first frame, whose time it must be told. */
  private start(time: FrameTime): NonNullable<typeof this.encoder> {
    const { timeBase, pts: firstPts } = time
    const { width, height, layout, pixelAspect } = this.pictures
    const stream = { width, height, layout, timeBase, pixelAspect }
    const process = new MediaProcess(this.ffmpeg.ffmpeg.path, this.encoderArguments(time), {
      input: true,
      // Frames are named relative to their folder: a `%` in its path would be read as a pattern.
      cwd: this.format.name === 'folder' ? this.partial.path : dirname(this.partial.path),
    })
    process.stdout.resume()
    return { process, nut: new NutWriter(process.stdin, stream), timeBase, firstPts }
  }

  private encoderArguments({ pts, timeBase }: FrameTime): string[] {
    const { source } = this.spec
    const firstSeconds = (pts * timeBase.num) / timeBase.den
    const range = source?.range ?? { from: 0, to: undefined }
    const tracks = trackOptions(this.tracks, source?.info.path ?? '', range, this.subtitleFile?.path)
    const target = this.format.name === 'folder' ? FRAME_PATTERN : basename(this.partial.path)
    return [
      ...['-hide_banner', '-nostdin', '-y', '-v', 'error'],
      // ffmpeg moves every input's first time to zero; the frames must keep theirs beside the sound.
      ...(firstSeconds === 0 ? [] : ['-itsoffset', firstSeconds.toFixed(6)]),
      ...['-thread_queue_size', '2', '-f', 'nut', '-i', 'pipe:0'],
      ...tracks.inputs,
      ...['-map', '0:v:0', ...tracks.maps],
      ...this.ffmpeg.passthrough,
      ...['-enc_time_base', `${timeBase.num}:${timeBase.den}`],
      ...tracks.options,
      ...this.format.options(this.pictures),
      // Never an option or another protocol, whatever the name begins with.
      this.format.name === 'folder' ? target : `file:${target}`,
    ]
  }

  /** Ends an encoder that neither takes frames nor writes. */
  private watch(process: MediaProcess): () => void {
    return watchForStall(
      () => look(this.partial.path)?.mtimeMs ?? 0,
      this.stallMs,
      () => process.kill(),
    )
  }

  /** Some of ffmpeg's writers do not notice a full disk: whether the end of what they wrote is missing. */
  private isCutOff(process: MediaProcess): boolean {
    if (/No space left|File too large|quota exceeded|Error writing|error writing/.test(process.stderr)) return true
    if (this.format.name === 'png') return !isWholePng(this.partial.path)
    if (this.format.name !== 'folder') return statSync(this.partial.path).size === 0
    const names = readdirSync(this.partial.path)
    return names.length !== this.frames || !names.every((name) => isWholePng(join(this.partial.path, name)))
  }

  private async encoderError(process: MediaProcess): Promise<MatteboxError> {
    const { code, signal, startError } = await process.ended
    const { stderr, complaint } = process
    if (/No space left|quota exceeded/.test(stderr)) return diskFull(this.output)
    if (/File too large/.test(stderr) || signal === 'SIGXFSZ') return tooLarge(this.output)
    if (/Permission denied/.test(stderr)) return asOutputError({ code: 'EACCES' }, this.output)
    const name = basename(this.output)
    if (code === 0) return unwritable(`${name} was cut off: the disk may be full.`, 'Free some space and try again.')
    const how = process.wasKilled
      ? `gave no sign of life for ${this.stallMs / 1000} s and was ended`
      : startError !== undefined
        ? `did not start: ${startError.message}`
        : `stopped (${signal ?? `exit code ${code ?? 'unknown'}`}${complaint === '' ? '' : `: ${complaint}`})`
    return new MatteboxError(
      'FFMPEG_FAILED',
      `The encoder of ${name} ${how}.`,
      'Check that there is memory and disk space left; try another output format.',
    )
  }

  private async fail(error: MatteboxError): Promise<never> {
    this.over = error
    await this.abort()
    throw error
  }
}

/** Whether a file ends as every PNG does: with an empty chunk IEND. */
function isWholePng(path: string): boolean {
  const file = openSync(path, 'r')
  try {
    const end = Buffer.alloc(8)
    return (
      readSync(file, end, 0, 8, Math.max(0, fstatSync(file).size - 8)) === 8 && end.toString('latin1', 0, 4) === 'IEND'
    )
  } finally {
    closeSync(file)
  }
}
