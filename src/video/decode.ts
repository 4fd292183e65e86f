import { readdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { MatteboxError } from '../errors/index.ts'
import { toPictureFilters } from './colour.ts'
import { fileKind, hasStillExtension } from './file-kind.ts'
import { findFfmpeg, lackedFilters, type Ffmpeg } from './find-ffmpeg.ts'
import { deinterlaceFilters } from './interlacing.ts'
import { MediaProcess, watchForStall } from './media-process.ts'
import { FrameSizeError, NutReader } from './nut-reader.ts'
import { NutError, type Rational } from './nut-format.ts'
import { uprightFilters } from './orientation.ts'
import { bitDepth } from './pixel-format.ts'
import { pngHeader } from './png-header.ts'
import { inputOptions, probe, withoutPath, type VideoInfo } from './probe.ts'
import { checkRange, type TimeRange } from './time-range.ts'

/** One picture of a clip, upright, rows from the top without padding. */
export interface VideoFrame {
  /** height · width pixels: B, G, R, A with straight alpha, or gray. */
  readonly data: Uint8Array
  readonly width: number
  readonly height: number
  /** Time from the beginning of the range that was asked for, in units of `timeBase`; rises from frame to frame. */
  readonly pts: number
  readonly timeBase: Rational
  readonly timeSeconds: number
  /** Gives `data` back for a later frame. Optional: what is not released is garbage collected. */
  release(): void
}

/** A clip, a picture, a folder of pictures or a camera that is open for reading. */
export interface VideoSource {
  /** Of the clip; of the first picture of a folder. */
  readonly info: VideoInfo
  readonly range: TimeRange
  /** Sentences for the user: what is left out, and after the last frame what could not be read. */
  readonly warnings: readonly string[]
  /** Whether some of the clip could not be read; known after the last frame. */
  readonly damaged: boolean
  /**
   * The frames from first to last, once. A clip that is damaged gives the frames that can be read; `damaged` and
   * `warnings` say so then.
   *
   * @throws {MatteboxError} INPUT_UNREADABLE if not one frame can be read, INPUT_UNSUPPORTED if the pictures change
   *   their size, FFMPEG_FAILED if the decoder gives no sign of life
   */
  frames(): AsyncGenerator<VideoFrame, void, void>
  /** Ends the reading, also in the middle: `frames` gives no more. */
  close(): Promise<void>
}

export interface OpenOptions {
  /** Seconds; the first frame is the first one at or after `from`, the last one the last before `to`. */
  readonly from?: number
  readonly to?: number
  /** `gray` for mattes: one byte a pixel (of colours: luma, of RGB: green). Default `bgra`. */
  readonly layout?: 'bgra' | 'gray'
  /** Pictures a second: of a folder (default 25), or asked of a camera. */
  readonly fps?: Rational
  /** A decoder that gives nothing for so long is ended. Default 60 s. */
  readonly stallMs?: number
  readonly ffmpeg?: Ffmpeg
}

/** Pictures of a folder follow each other at this rate where no other is asked for. */
const FOLDER_RATE: Rational = { num: 25, den: 1 }
const DEFAULT_STALL_MS = 60_000

/**
 * Opens anything that ffmpeg reads as frames: a clip, a still picture, a folder of pictures (in the natural order of
 * their names), or a camera, whose frames end when they are closed, or at `to`.
 *
 * @throws {MatteboxError} INPUT_UNREADABLE, INPUT_UNSUPPORTED, FFMPEG_MISSING, USAGE (of the times)
 */
export async function openVideo(path: string, options: OpenOptions = {}): Promise<VideoSource> {
  const ffmpeg = options.ffmpeg ?? (await findFfmpeg())
  if ((await fileKind(path)).kind === 'folder') return openFolder(path, options, ffmpeg)
  const info = await probe(path, ffmpeg)
  if (options.fps !== undefined && !info.live) {
    const message = `${basename(path)} has times of its own: --fps is for folders of pictures and for cameras.`
    throw new MatteboxError('USAGE', message, 'Leave it out.')
  }
  await requireFilters(info, ffmpeg)
  return new ClipSource(info, options, ffmpeg)
}

/** @throws {MatteboxError} FFMPEG_MISSING if this ffmpeg lacks a filter that the file's pictures need */
async function requireFilters({ path, colour, interlacing }: VideoInfo, ffmpeg: Ffmpeg): Promise<void> {
  const needed = [
    ...(colour.wide === undefined ? [] : ['zscale', 'tonemap']),
    ...(interlacing === undefined ? [] : ['bwdif']),
  ]
  const filter = (await lackedFilters(ffmpeg, needed)).at(0)
  if (filter === undefined) return
  const what = filter === 'bwdif' ? 'interlaced' : colour.wide!.title
  throw new MatteboxError(
    'FFMPEG_MISSING',
    `${basename(path)} is ${what}, which needs ffmpeg's filter ${filter}; ${ffmpeg.ffmpeg.path} lacks it.`,
    'Install an ffmpeg that has it, or set MATTEBOX_FFMPEG to the path of one.',
  )
}

/** Buffers that are used again, so that a 4K frame (33 MB) is not allocated and zeroed 60 times a second. */
class FramePool {
  private readonly free: Uint8Array[] = []

  take(bytes: number): Uint8Array {
    const buffer = this.free.pop()
    return buffer?.length === bytes ? buffer : Buffer.allocUnsafeSlow(bytes)
  }

  give(buffer: Uint8Array): void {
    if (this.free.length < 4) this.free.push(buffer)
  }
}

/** Frames of one file, decoded by one ffmpeg. */
class ClipSource implements VideoSource {
  readonly range: TimeRange
  readonly warnings: string[]
  damaged = false
  private readonly layout: 'bgra' | 'gray'
  private readonly stallMs: number
  private readonly pool = new FramePool()
  private process: MediaProcess | undefined
  private closed = false

  constructor(
    readonly info: VideoInfo,
    private readonly options: OpenOptions,
    private readonly ffmpeg: Ffmpeg,
  ) {
    this.layout = options.layout ?? 'bgra'
    this.stallMs = options.stallMs ?? DEFAULT_STALL_MS
    this.range = { from: options.from ?? 0, to: options.to }
    this.warnings = [...info.warnings]
    const name = basename(info.path)
    if (info.live && options.from !== undefined) {
      throw new MatteboxError('USAGE', `${name} is a camera: it has no --from.`, 'Leave it out.')
    }
    if (info.kind === 'video') checkRange(this.range, info.durationSeconds, name)
    else if (options.from !== undefined || options.to !== undefined) {
      throw new MatteboxError('USAGE', `${name} is a picture: it has no --from and --to.`, 'Leave them out.')
    }
    if (info.decoder !== undefined && !ffmpeg.decoders.has(info.decoder)) {
      throw new MatteboxError(
        'FFMPEG_MISSING',
        `${name} has alpha, which needs the decoder ${info.decoder}; ${ffmpeg.ffmpeg.path} lacks it.`,
        'Install an ffmpeg with libvpx, or set MATTEBOX_FFMPEG to the path of one.',
      )
    }
  }

  async *frames(): AsyncGenerator<VideoFrame, void, void> {
    if (this.closed) return
    const decoder = new MediaProcess(this.ffmpeg.ffmpeg.path, this.decoderArguments())
    this.process = decoder
    const reader = new NutReader(decoder.stdout, this.layout)
    let count = 0
    let lastSeconds = 0
    let ahead: ReturnType<typeof this.readFrame> | undefined
    try {
      ahead = this.readFrame(reader, decoder)
      for (;;) {
        const frame = await ahead
        if (frame === undefined) break
        // The next frame comes in while this one is worked on.
        ahead = this.readFrame(reader, decoder)
        ahead.catch(() => undefined)
        count++
        lastSeconds = frame.timeSeconds
        yield frame
      }
      await this.checkEnd(decoder, count, lastSeconds, undefined)
    } catch (error) {
      if (!(error instanceof NutError)) throw error
      await this.checkEnd(decoder, count, lastSeconds, error)
    } finally {
      decoder.kill()
      await decoder.ended
    }
  }

  async close(): Promise<void> {
    this.closed = true
    this.process?.kill()
    await this.process?.ended
  }

  private decoderArguments(): string[] {
    const { info, range } = this
    const { num, den } = info.timeBase
    const { fps } = this.options
    const pixels = { family: info.pixelFamily, alpha: info.alpha, depth: bitDepth(info.pixelFormat) }
    const part = partOptions(info, range)
    const filters = [
      sizeGuard(info),
      ...deinterlaceFilters(info.interlacing),
      ...uprightFilters(info.orientation),
      ...toPictureFilters(info.colour, pixels, this.layout),
    ]
    return [
      ...['-hide_banner', '-nostdin', '-v', 'error', '-noautorotate'],
      ...(info.decoder === undefined ? [] : ['-c:v', info.decoder]),
      ...part.input,
      ...(fps === undefined ? [] : ['-framerate', `${fps.num}/${fps.den}`]),
      ...inputOptions(info.path, info.demuxer),
      ...part.output,
      ...['-map', `0:${info.streamIndex}`, '-vf', filters.join(',')],
      ...(info.kind === 'image' ? ['-frames:v', '1'] : []),
      // ffmpeg's own time base would be one tick a frame: times of a variable frame rate would be rounded to it.
      ...this.ffmpeg.passthrough,
      ...['-enc_time_base', `${num}:${den}`],
      ...['-c:v', 'rawvideo', '-pix_fmt', this.layout, '-f', 'nut', 'pipe:1'],
    ]
  }

  private async readFrame(reader: NutReader, decoder: MediaProcess): Promise<VideoFrame | undefined> {
    const stopWatching = watchForStall(
      () => reader.received,
      this.stallMs,
      () => decoder.kill(),
    )
    try {
      const stream = await reader.open()
      const frame = stream && (await reader.read((bytes) => this.pool.take(bytes)))
      if (frame === undefined) return undefined
      const { data, pts } = frame
      const { width, height, timeBase } = stream!
      const timeSeconds = (pts * timeBase.num) / timeBase.den
      return { data, width, height, pts, timeBase, timeSeconds, release: () => this.pool.give(data) }
    } finally {
      stopWatching()
    }
  }

  /** Some containers end without a complaint when they are cut off. Pauses at the end and rounding are no fault. */
  private endsEarly(lastSeconds: number): boolean {
    const end = this.info.picturesEndSeconds
    if (end === undefined || this.range.to !== undefined) return false
    return this.range.from + lastSeconds < end - Math.max(1, 0.05 * end)
  }

  /** Says how the reading went once no frame is left: nothing, a warning, or an error. */
  private async checkEnd(
    decoder: MediaProcess,
    frames: number,
    lastSeconds: number,
    fault: NutError | undefined,
  ): Promise<void> {
    const name = basename(this.info.path)
    if (this.closed) return
    const hasStalled = decoder.wasKilled
    if (!hasStalled && !(fault instanceof FrameSizeError)) {
      // It has closed its end, or what it sends has no meaning any more: it should be gone in a moment, and what it
      // complained of may come after its last frame.
      const patience = setTimeout(() => decoder.kill(), Math.min(this.stallMs, 5000))
      await decoder.ended
      clearTimeout(patience)
    }
    if (fault instanceof FrameSizeError || decoder.stderr.includes(SIZE_GUARD_COMPLAINT)) {
      throw new MatteboxError(
        'INPUT_UNSUPPORTED',
        `${name}: a picture that changes its size midway (after frame ${frames}) is not handled yet.`,
        'Cut the file there, or scale it to one size first.',
      )
    }
    if (hasStalled) {
      throw new MatteboxError(
        'FFMPEG_FAILED',
        `${name}: the decoder gave no sign of life for ${this.stallMs / 1000} s (after ${frames} frames) and was ended.`,
        'The file may be damaged, or its disk slow: copy it and try again.',
      )
    }
    const { code, startError } = await decoder.ended
    const complaint = withoutPath(decoder.complaint, this.info.path)
    if (startError !== undefined) {
      throw new MatteboxError(
        'FFMPEG_FAILED',
        `ffmpeg did not start: ${startError.message}.`,
        'Check the installation.',
      )
    }
    const why = complaint === '' ? (fault?.message ?? '') : complaint
    if (frames === 0) {
      if (code === 0 && complaint === '' && this.range.from > 0) {
        throw new MatteboxError('USAGE', `${name} has no frame at or after ${this.range.from} s.`, 'Lower --from.')
      }
      throw new MatteboxError(
        'INPUT_UNREADABLE',
        `${name}: not one frame can be read${why === '' ? '' : ` (${why})`}.`,
        'Check that it plays in a player, or fetch it again.',
      )
    }
    // Having landed between key frames (`partOptions`), the decoder complains of what it cannot decode there.
    const landedAnywhere = this.range.from > LEAD_SECONDS && !INDEXED.test(this.info.format)
    if (code !== 0 || (complaint !== '' && !landedAnywhere) || fault !== undefined) {
      this.damaged = true
      this.warnings.push(
        `${name} is damaged: ${frames} frames could be read, some perhaps with faults${why === '' ? '' : ` (${why})`}.`,
      )
    } else if (this.endsEarly(lastSeconds)) {
      this.damaged = true
      const seconds = `${lastSeconds.toFixed(1)} s of ${(this.info.picturesEndSeconds ?? 0).toFixed(1)} s`
      this.warnings.push(`${name} is cut off: ${frames} frames could be read, up to ${seconds}.`)
    }
  }
}

/**
 * A filter that does nothing while pictures have the size that was probed, and fails when they change it: ffmpeg would
 * stretch them to the first size.
 */
function sizeGuard({ storedWidth, storedHeight }: VideoInfo): string {
  return `crop=w='if(eq(iw,${storedWidth})*eq(ih,${storedHeight}),iw,-1)':h=ih:x=0:y=0:exact=1`
}
const SIZE_GUARD_COMPLAINT = 'non positive size'

/** Containers with an index of key frames: ffmpeg goes to the one before the time and decodes from there. */
const INDEXED = /(^|,)(mov|matroska|webm|avi)(,|$)/
/** In others it may land anywhere: it goes this much further back, so that there is a key frame before the time. */
const LEAD_SECONDS = 20

/** Options before and after `-i` that make ffmpeg decode a part of a file, to the frame; times count from `from`. */
function partOptions(info: VideoInfo, range: TimeRange): { input: string[]; output: string[] } {
  if (INDEXED.test(info.format)) return { input: rangeOptions(range), output: [] }
  const landing = Math.max(0, range.from - LEAD_SECONDS)
  const rest = { from: range.from - landing, to: range.to === undefined ? undefined : range.to - landing }
  return { input: rangeOptions({ from: landing, to: undefined }), output: rangeOptions(rest) }
}

/** Options before `-i` that make ffmpeg read a part of a file; times then count from `from`. */
export function rangeOptions({ from, to }: TimeRange): string[] {
  return [...(from > 0 ? ['-ss', from.toFixed(6)] : []), ...(to === undefined ? [] : ['-t', (to - from).toFixed(6)])]
}

async function openFolder(path: string, options: OpenOptions, ffmpeg: Ffmpeg): Promise<VideoSource> {
  if (options.from !== undefined || options.to !== undefined) {
    throw new MatteboxError('USAGE', `${path} is a folder: it has no --from and --to.`, 'Leave them out.')
  }
  let entries: string[]
  try {
    entries = (await readdir(path)).filter((name) => !name.startsWith('.'))
  } catch (error) {
    const message = `${path} cannot be read: ${(error as Error).message}.`
    throw new MatteboxError('INPUT_UNREADABLE', message, 'Check the path and your rights.', { cause: error })
  }
  const names = entries.filter(hasStillExtension).sort(new Intl.Collator('en', { numeric: true }).compare)
  if (names.length === 0) {
    throw new MatteboxError('INPUT_UNREADABLE', `${path} holds no pictures.`, 'Name a folder of PNG or JPEG pictures.')
  }
  const first = await probe(join(path, names[0]), ffmpeg)
  return new FolderSource(path, names, first, entries.length - names.length, options, ffmpeg)
}

/** Pictures of a folder, each decoded by an ffmpeg of its own: formats may mix, and a fault has its file's name. */
class FolderSource implements VideoSource {
  readonly range: TimeRange = { from: 0, to: undefined }
  readonly info: VideoInfo
  readonly warnings: string[]
  damaged = false
  private closed = false
  /** The picture that was looked into last, and what its header says. */
  private last: { readonly info: VideoInfo; readonly header: string | undefined } | undefined
  private readonly timeBase: Rational
  private readonly options: OpenOptions

  constructor(
    private readonly folder: string,
    private readonly names: readonly string[],
    private readonly first: VideoInfo,
    others: number,
    { fps: rate = FOLDER_RATE, ...options }: OpenOptions,
    private readonly ffmpeg: Ffmpeg,
  ) {
    this.options = options
    this.timeBase = { num: rate.den, den: rate.num }
    const frameCount = names.length
    const durationSeconds = (frameCount * rate.den) / rate.num
    const times = { frameCount, durationSeconds, averageFrameRate: rate, realFrameRate: rate, timeBase: this.timeBase }
    this.info = { ...first, ...times, path: folder, kind: 'video' }
    this.warnings = others === 0 ? [] : [`${others} files of the folder are no pictures and are left out.`]
  }

  async *frames(): AsyncGenerator<VideoFrame, void, void> {
    const read = (index: number): Promise<VideoFrame> => {
      const frame = this.readPicture(index)
      frame.catch(() => undefined) // it is awaited below, in its turn
      return frame
    }
    let ahead = read(0)
    for (let index = 0; index < this.names.length && !this.closed; index++) {
      const frame = await ahead
      if (index + 1 < this.names.length) ahead = read(index + 1)
      yield frame
    }
    await ahead.catch(() => undefined)
  }

  close(): Promise<void> {
    this.closed = true
    return Promise.resolve()
  }

  private async readPicture(index: number): Promise<VideoFrame> {
    const name = this.names[index]
    const info = await this.infoOf(join(this.folder, name))
    const { width, height } = this.first
    if (info.width !== width || info.height !== height) {
      throw new MatteboxError(
        'INPUT_UNSUPPORTED',
        `${name} is ${info.width}x${info.height}, ${this.names[0]} is ${width}x${height}: one size is needed.`,
        'Scale the pictures to one size first.',
      )
    }
    const picture = new ClipSource(info, this.options, this.ffmpeg)
    let frame: VideoFrame | undefined
    for await (const read of picture.frames()) frame = read
    this.warnings.push(...picture.warnings.filter((warning) => !this.warnings.includes(warning)))
    this.damaged ||= picture.damaged
    const { timeBase } = this
    return { ...frame!, pts: index, timeBase, timeSeconds: (index * timeBase.num) / timeBase.den }
  }

  /** Looked into with ffprobe only where it is not like the one before: that takes longer than to decode it. */
  private async infoOf(path: string): Promise<VideoInfo> {
    const header = await pngHeader(path)
    const { last } = this
    if (last !== undefined && header !== undefined && header === last.header) return { ...last.info, path }
    const info = path === this.first.path ? this.first : await probe(path, this.ffmpeg)
    await requireFilters(info, this.ffmpeg)
    this.last = { info, header }
    return info
  }
}
