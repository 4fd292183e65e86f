import { readdirSync, readSync, openSync, closeSync, statSync, fstatSync } from 'node:fs'
import { basename, dirname, join, resolve, sep } from 'node:path'
import { MatteboxError } from '../errors/index.ts'
import { rangeOptions, type VideoSource } from './decode.ts'
import { findFfmpeg, type Ffmpeg } from './find-ffmpeg.ts'
import { MediaProcess, watchForStall } from './media-process.ts'
import { lengthenLastFrame } from './mp4-last-frame.ts'
import type { PixelLayout, Rational } from './nut-format.ts'
import { NutWriter } from './nut-writer.ts'
import { audioOptions, audioPlan, FRAME_PATTERN, outputFormat, type OutputFormat } from './output-format.ts'
import { asOutputError, diskFull, look, PartialOutput, tooLarge, unwritable } from './partial-output.ts'
import { inputOptions, type AudioStream } from './probe.ts'
import type { TimeRange } from './time-range.ts'

export interface WriterSpec {
  readonly width: number
  readonly height: number
  /** Of the frames that will be written: `bgra` with straight alpha, `bgr0` opaque, or `gray`. */
  readonly layout: PixelLayout
  /** The clip that the frames come from: its sound goes along, its colour tags are kept, it is never overwritten. */
  readonly source?: Pick<VideoSource, 'info' | 'range'>
  /** Whether its sound goes along. Default true. */
  readonly audio?: boolean
}

export interface WriterOptions {
  /** Replace an output that is there already, once the new one is whole. Default false. */
  readonly force?: boolean
  /** An encoder that takes and writes nothing for so long is ended. Default 60 s. */
  readonly stallMs?: number
  readonly ffmpeg?: Ffmpeg
}

/** When a frame is shown. A `VideoFrame` is one. */
export interface FrameTime {
  readonly pts: number
  readonly timeBase: Rational
}

/** An output that is being written. Whatever fails, nothing half-written is left, and every call after it fails too. */
export interface VideoWriter {
  /** What becomes of the source's sound. */
  readonly audio: 'copy' | 'opus' | 'none'
  /**
   * Writes the next frame. Resolves when `data` may be changed again. One frame at a time: wait for it.
   *
   * @param data - height · width pixels in the layout of the spec
   * @param time - later than the frame before, in the same time base
   * @throws {MatteboxError} OUTPUT_UNWRITABLE, OUTPUT_UNSUPPORTED (a second frame for one picture), FFMPEG_FAILED
   */
  write(data: Uint8Array, time: FrameTime): Promise<void>
  /**
   * Ends the output and gives it its name.
   *
   * @throws {MatteboxError} as `write`
   */
  finish(): Promise<void>
  /** Gives the output up: ends the encoder and removes what was written. Always succeeds. */
  abort(): Promise<void>
}

const DEFAULT_STALL_MS = 60_000

/**
 * Opens an output for frames: `.webm` (VP9; with alpha for `bgra`), `.mp4` (H.264, opaque), `.mkv` (FFV1, for `gray`),
 * a folder (PNG frames) or `.png` (one picture). It appears under its name when it is finished.
 *
 * @throws {MatteboxError} OUTPUT_UNSUPPORTED, OUTPUT_EXISTS, OUTPUT_UNWRITABLE, FFMPEG_MISSING
 */
export async function createVideoWriter(
  output: string,
  spec: WriterSpec,
  options: WriterOptions = {},
): Promise<VideoWriter> {
  const format = outputFormat(output, spec.layout, spec.width, spec.height)
  const ffmpeg = options.ffmpeg ?? (await findFfmpeg())
  const audio = spec.audio === false ? undefined : spec.source?.info.audio[0]
  requireEncoder(ffmpeg, format.encoder, `${basename(output)} needs`, 'Install an ffmpeg that has it.')
  const plan = audio === undefined ? 'none' : audioPlan(format, audio)
  if (plan === 'opus') {
    requireEncoder(ffmpeg, 'libopus', 'The sound needs', 'Install an ffmpeg that has it, or add --no-audio.')
  }
  if (spec.source !== undefined) refuseToOverwrite(spec.source.info.path, output)
  const partial = new PartialOutput(output, format.name === 'folder' ? 'folder' : 'file', options.force ?? false)
  const soundtrack = plan === 'none' ? undefined : { plan, stream: audio! }
  return new FfmpegWriter(
    resolve(output),
    spec,
    format,
    soundtrack,
    partial,
    ffmpeg,
    options.stallMs ?? DEFAULT_STALL_MS,
  )
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
  readonly audio: 'copy' | 'opus' | 'none'
  private encoder: { process: MediaProcess; nut: NutWriter; timeBase: Rational; firstPts: number } | undefined
  private frames = 0
  private lastPts = -1
  /** Set once nothing more can be written: what every later call is answered with. */
  private over: Error | undefined

  constructor(
    private readonly output: string,
    private readonly spec: WriterSpec,
    private readonly format: OutputFormat,
    private readonly soundtrack: { plan: 'copy' | 'opus'; stream: AudioStream } | undefined,
    private readonly partial: PartialOutput,
    private readonly ffmpeg: Ffmpeg,
    private readonly stallMs: number,
  ) {
    this.audio = soundtrack?.plan ?? 'none'
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

  async finish(): Promise<void> {
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
    if (this.format.name === 'mp4') lengthenLastFrame(this.partial.path)
    this.over = new Error('The output is finished.')
    this.partial.commit()
  }

  async abort(): Promise<void> {
    this.over ??= new Error('The output was given up.')
    this.encoder?.process.kill()
    await this.encoder?.process.ended
    this.partial.discard()
  }

  /** Throws if the output is finished, has failed, or was given up while a call was waiting. */
  private mustBeOpen(): void {
    if (this.over !== undefined) throw this.over
  }

  /** The encoder starts with the first frame, whose time it must be told. */
  private start(time: FrameTime): NonNullable<typeof this.encoder> {
    const { timeBase, pts: firstPts } = time
    const { width, height, layout } = this.spec
    const process = new MediaProcess(this.ffmpeg.ffmpeg.path, this.encoderArguments(time), {
      input: true,
      // Frames are named relative to their folder: a `%` in its path would be read as a pattern.
      cwd: this.format.name === 'folder' ? this.partial.path : dirname(this.partial.path),
    })
    process.stdout.resume()
    return { process, nut: new NutWriter(process.stdin, { width, height, layout, timeBase }), timeBase, firstPts }
  }

  private encoderArguments({ pts, timeBase }: FrameTime): string[] {
    const { source, layout } = this.spec
    const firstSeconds = (pts * timeBase.num) / timeBase.den
    const sound = this.soundtrack
    const target = this.format.name === 'folder' ? FRAME_PATTERN : basename(this.partial.path)
    return [
      ...['-hide_banner', '-nostdin', '-y', '-v', 'error'],
      // ffmpeg moves every input's first time to zero; the frames must keep theirs beside the sound.
      ...(firstSeconds === 0 ? [] : ['-itsoffset', firstSeconds.toFixed(6)]),
      ...['-thread_queue_size', '2', '-f', 'nut', '-i', 'pipe:0'],
      ...(sound === undefined ? [] : [...rangeOptions(source!.range), ...inputOptions(source!.info.path, undefined)]),
      ...['-map', '0:v:0', ...(sound === undefined ? [] : ['-map', `1:${sound.stream.index}`])],
      ...['-map_metadata', '-1', '-map_chapters', '-1'],
      ...this.ffmpeg.passthrough,
      ...['-enc_time_base', `${timeBase.num}:${timeBase.den}`],
      ...(sound === undefined ? [] : audioOptions(sound.plan, sound.stream)),
      // Older ffmpeg counts a range from the file's own first time and takes too much sound: here it counts from 0.
      ...(sound === undefined ? [] : rangeOptions({ from: 0, to: rangeLength(source!.range) })),
      ...this.format.options(layout, source?.info.colour ?? { primaries: undefined, transfer: undefined }),
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

/** Seconds; undefined where the range has no end. */
function rangeLength({ from, to }: TimeRange): number | undefined {
  return to === undefined ? undefined : to - from
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
