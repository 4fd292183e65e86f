import { basename, resolve } from 'node:path'
import { MatteboxError } from '../errors/index.ts'
import { conversionNotice, readColour, type Colour } from './colour.ts'
import { CAMERA_DEMUXER, fileKind } from './file-kind.ts'
import type { Ffmpeg } from './find-ffmpeg.ts'
import { readInterlacing, type Interlacing } from './interlacing.ts'
import { runToEnd } from './media-process.ts'
import { MAX_SIDE, type Rational } from './nut-format.ts'
import { orientationFromExif, orientationFromMatrix, swapsSides, type Orientation } from './orientation.ts'
import { bitDepth, pixelFormat, type PixelFamily } from './pixel-format.ts'

export interface AudioStream {
  /** Among all streams of the file. */
  readonly index: number
  readonly codec: string
  readonly channels: number
  /** Its language (ISO 639) and name, where the file says them. */
  readonly language?: string | undefined
  readonly title?: string | undefined
}

export interface SubtitleStream {
  /** Among all streams of the file. */
  readonly index: number
  readonly codec: string
  readonly language?: string | undefined
  readonly title?: string | undefined
}

/** What is known of a clip or picture before its frames are read; times in seconds, sizes in pixels. */
export interface VideoInfo {
  readonly path: string
  readonly kind: 'video' | 'image'
  /** Whether it comes from a camera: as long as it is asked, and no sooner than it is. */
  readonly live: boolean
  /** The demuxer that must be named; undefined where ffmpeg finds it out. */
  readonly demuxer: string | undefined
  /** Container and codec by ffmpeg's names. */
  readonly format: string
  readonly codec: string
  readonly streamIndex: number
  /** As shown: upright. */
  readonly width: number
  readonly height: number
  /** As stored: before turning. */
  readonly storedWidth: number
  readonly storedHeight: number
  readonly orientation: Orientation
  /** Width to height of one pixel as shown; 1:1 for square ones. */
  readonly pixelAspect: Rational
  /** Undefined for progressive pictures. */
  readonly interlacing: Interlacing | undefined
  readonly averageFrameRate: Rational | undefined
  readonly realFrameRate: Rational | undefined
  readonly timeBase: Rational
  /** From the beginning of the file to its end; undefined if the file does not say. */
  readonly durationSeconds: number | undefined
  /** From the beginning of the file to the end of its pictures, where the file says it of them alone. */
  readonly picturesEndSeconds: number | undefined
  /** An estimate, for progress; undefined if nothing is known. */
  readonly frameCount: number | undefined
  readonly pixelFormat: string
  readonly pixelFamily: PixelFamily
  readonly alpha: boolean
  /** The decoder that must be named because the usual one would drop the alpha; undefined for the usual one. */
  readonly decoder: string | undefined
  readonly colour: Colour
  readonly audio: readonly AudioStream[]
  readonly subtitles: readonly SubtitleStream[]
  /** How many chapters the file has. */
  readonly chapters: number
  /** What is left out of the file, and what becomes of its pictures: one sentence each. */
  readonly warnings: readonly string[]
}

const PROBE_TIMEOUT_MS = 60_000
/** WebM keeps alpha as a second picture beside the first, which only these decoders read. */
const ALPHA_DECODERS: ReadonlyMap<string | undefined, string> = new Map([
  ['vp8', 'libvpx'],
  ['vp9', 'libvpx-vp9'],
])
const ALPHA_MEND = 'Convert it to VP9 with alpha, or to a folder of PNG pictures.'
/** Pixels are at most so many times as wide as high, or as high as wide: what says more is damaged. */
const MOST_ASPECT = 16
/** The brightest light that PQ has a number for (SMPTE ST 2084). */
const PQ_PEAK_NITS = 10_000

/**
 * Options that make ffmpeg and ffprobe read the file at this path and nothing else: no option, no other protocol, no
 * pattern of many files hides in its name, and a playlist inside names nothing from the network.
 */
export function inputOptions(path: string, demuxer: string | undefined): string[] {
  // Cameras are opened by their path itself.
  if (demuxer === CAMERA_DEMUXER) return ['-f', demuxer, '-i', resolve(path)]
  const format = demuxer === undefined ? [] : ['-f', demuxer]
  return ['-protocol_whitelist', 'file', ...format, '-i', `file:${resolve(path)}`]
}

/**
 * Reads what a media file or a camera says of itself, and refuses by name what would come out wrong: unusual colours,
 * pixel formats and turns.
 *
 * @throws {MatteboxError} INPUT_UNREADABLE, INPUT_UNSUPPORTED
 */
export async function probe(path: string, ffmpeg: Ffmpeg): Promise<VideoInfo> {
  const { kind, demuxer } = await fileKind(path)
  const live = kind === 'device'
  const name = basename(path)
  if (kind === 'folder') {
    throw new MatteboxError('INPUT_UNREADABLE', `${path} is a folder, not a file.`, 'Name one of its files.')
  }
  const report = await ffprobe(ffmpeg, path, demuxer, ['-show_format', '-show_streams', '-show_chapters'])
  const streams = report.streams ?? []
  const videos = streams.filter((s) => s.codec_type === 'video' && s.disposition?.['attached_pic'] !== 1)
  const video = videos.at(0)
  // ffmpeg draws text files as pictures of letters.
  const isText = ['ansi', 'bintext', 'xbin', 'idf'].includes(video?.codec_name ?? '')
  if (video === undefined || isText || video.width === undefined || video.height === undefined) {
    const has = streams.some((s) => s.codec_type === 'audio') ? 'has sound but no video' : 'holds no video or picture'
    throw new MatteboxError('INPUT_UNREADABLE', `${name} ${has}.`, 'Give a video or a picture.')
  }
  if (video.width <= 0 || video.height <= 0 || video.pix_fmt === undefined) {
    throw new MatteboxError(
      'INPUT_UNREADABLE',
      `${name} holds a video (${video.codec_name ?? 'unknown codec'}) that cannot be read: it may be damaged.`,
      'Check that it plays in a player, or fetch it again.',
    )
  }
  if (live) return describe(path, demuxer, report, video, undefined)
  const first = await ffprobe(ffmpeg, path, demuxer, [
    ...['-select_streams', String(video.index), '-show_frames', '-read_intervals', '%+#1'],
  ]).then(
    (answer) => answer.frames?.[0],
    () => undefined, // A damaged beginning: the decoder will say what can be read.
  )
  return describe(path, demuxer, report, video, first)
}

function describe(
  path: string,
  demuxer: string | undefined,
  report: ProbeReport,
  video: ProbeStream,
  first: ProbeFrame | undefined,
): VideoInfo {
  const name = basename(path)
  const refuse = (property: string, mend: string): MatteboxError =>
    new MatteboxError('INPUT_UNSUPPORTED', `${name}: ${property} is not handled yet.`, mend)
  const [storedWidth, storedHeight] = [video.width!, video.height!]

  const formatName = video.pix_fmt!
  if (Math.max(storedWidth, storedHeight) > MAX_SIDE) {
    throw refuse(`a size of ${storedWidth}x${storedHeight}`, `Scale it to at most ${MAX_SIDE} pixels a side.`)
  }
  const pixels = pixelFormat(formatName)
  if (pixels === undefined) {
    throw refuse(`the pixel format ${formatName}`, 'Convert it to 8-bit H.264 first.')
  }

  const known = (tag: string | undefined): string | undefined =>
    tag === undefined || tag === 'unknown' || tag === 'unspecified' || tag === 'reserved' ? undefined : tag
  const tags = {
    range: known(video.color_range) ?? known(first?.color_range),
    matrix: known(video.color_space) ?? known(first?.color_space),
    primaries: known(video.color_primaries) ?? known(first?.color_primaries),
    transfer: known(video.color_transfer) ?? known(first?.color_transfer),
  }
  const still = /(^image2|_pipe)$/.test(report.format?.format_name ?? '')
  const sideData = [...(video.side_data_list ?? []), ...(first?.side_data_list ?? [])]
  if (
    sideData.some((d) => d.dv_profile === 5 || (d.dv_profile !== undefined && d.dv_bl_signal_compatibility_id === 0))
  ) {
    throw refuse('Dolby Vision alone, without a picture for other displays,', 'Record or convert it to HDR10 or HLG.')
  }
  const size = { width: storedWidth, height: storedHeight }
  const colour = readColour(tags, pixels, size, still, peakNits(sideData))
  if ('unsupported' in colour) throw refuse(colour.unsupported, 'Convert it to BT.709 (SDR) first.')

  const interlacing = still ? undefined : readInterlacing(video.field_order, first?.interlaced_frame === 1)
  const aspect = rational(video.sample_aspect_ratio) ?? rational(first?.sample_aspect_ratio) ?? { num: 1, den: 1 }
  if (Math.max(aspect.num / aspect.den, aspect.den / aspect.num) > MOST_ASPECT) {
    throw refuse(`a pixel of ${aspect.num}:${aspect.den}`, 'Scale it to square pixels first.')
  }
  const matrix = sideData.find((d) => d.displaymatrix)
  const tag = Number(first?.tags?.['Orientation'] ?? 1)
  const orientation = matrix === undefined ? orientationFromExif(tag) : orientationFromMatrix(matrix.displaymatrix!)
  if (orientation === undefined) {
    throw refuse(`a turn by ${matrix?.rotation ?? 'an odd number of'} degrees`, 'Turn it upright first.')
  }

  const streams = report.streams ?? []
  const audio = streams
    .filter((s) => s.codec_type === 'audio')
    .map((s) => ({ ...described(s), channels: s.channels ?? 0 }))
  const start = Number(report.format?.start_time ?? 0) || 0
  const picturesEndSeconds = still ? undefined : picturesEnd(video, start)
  const durationSeconds = still ? undefined : (picturesEndSeconds ?? positive(report.format?.duration))
  const averageFrameRate = rational(video.avg_frame_rate)
  const swap = swapsSides(orientation)
  const hiddenAlpha = video.tags?.['alpha_mode'] === '1' || video.tags?.['ALPHA_MODE'] === '1'
  const decoder = hiddenAlpha ? ALPHA_DECODERS.get(video.codec_name) : undefined
  if (hiddenAlpha && decoder === undefined) throw refuse(`alpha in ${video.codec_name ?? 'this codec'}`, ALPHA_MEND)
  return {
    path,
    kind: still ? 'image' : 'video',
    live: demuxer === CAMERA_DEMUXER,
    demuxer,
    format: report.format?.format_name ?? 'unknown',
    codec: video.codec_name ?? 'unknown',
    streamIndex: video.index,
    width: swap ? storedHeight : storedWidth,
    height: swap ? storedWidth : storedHeight,
    storedWidth,
    storedHeight,
    orientation,
    pixelAspect: swap ? { num: aspect.den, den: aspect.num } : aspect,
    interlacing,
    averageFrameRate,
    realFrameRate: rational(video.r_frame_rate),
    timeBase: rational(video.time_base) ?? { num: 1, den: 1000 },
    durationSeconds,
    picturesEndSeconds,
    frameCount: still ? 1 : frameCount(video, averageFrameRate, durationSeconds),
    pixelFormat: formatName,
    pixelFamily: pixels.family,
    alpha: pixels.alpha || hiddenAlpha,
    decoder,
    colour,
    audio,
    subtitles: streams.filter((s) => s.codec_type === 'subtitle').map(described),
    chapters: report.chapters?.length ?? 0,
    warnings: notices(streams, video, colour, bitDepth(formatName), interlacing),
  }
}

function notices(
  streams: readonly ProbeStream[],
  video: ProbeStream,
  colour: Colour,
  depth: number,
  interlacing: Interlacing | undefined,
): string[] {
  const videos = streams.filter((s) => s.codec_type === 'video' && !isCover(s)).length
  const conversion = conversionNotice(colour)
  const said: string[] = []
  if (videos > 1) said.push(`The file has ${videos} video streams: number ${video.index} is used.`)
  if (conversion !== undefined) said.push(conversion)
  else if (depth > 8) said.push(`${depth}-bit colour becomes 8-bit.`)
  if (interlacing !== undefined) said.push('The video is interlaced: it is deinterlaced, one picture for two fields.')
  return said
}

function described(stream: ProbeStream): SubtitleStream {
  const { index, codec_name: codec = 'unknown', tags } = stream
  return { index, codec, language: tags?.['language'], title: tags?.['title'] }
}

/** The brightest light of HDR in cd/m²: of its pictures, else of the display that it was made on. */
function peakNits(sideData: readonly SideData[]): number | undefined {
  const ofPictures = sideData.find((d) => d.max_content !== undefined)?.max_content ?? 0
  const ofDisplay = rational(sideData.find((d) => d.max_luminance !== undefined)?.max_luminance)
  const nits = ofPictures > 0 ? ofPictures : ofDisplay && ofDisplay.num / ofDisplay.den
  return nits !== undefined && nits <= PQ_PEAK_NITS ? nits : undefined
}

function isCover(stream: ProbeStream): boolean {
  return stream.disposition?.['attached_pic'] === 1
}

/** Seconds from the beginning of the file to the end of the video stream, if the file says so. */
function picturesEnd(video: ProbeStream, start: number): number | undefined {
  const own = positive(video.duration)
  if (own !== undefined) return own + Math.max(0, (Number(video.start_time) || 0) - start)
  // Matroska and WebM keep the stream's end in a tag: 00:01:02.500000000
  const match = /^(\d+):(\d+):(\d+(?:\.\d+)?)$/.exec(video.tags?.['DURATION'] ?? '')
  if (match === null) return undefined
  return positive(String(Number(match[1]) * 3600 + Number(match[2]) * 60 + Number(match[3]) - Math.max(0, start)))
}

function positive(text: string | undefined): number | undefined {
  const value = Number(text)
  return value > 0 ? value : undefined
}

function frameCount(video: ProbeStream, rate: Rational | undefined, seconds: number | undefined): number | undefined {
  const counted = Number(video.nb_frames)
  if (counted > 0) return counted
  return rate === undefined || seconds === undefined ? undefined : Math.round((seconds * rate.num) / rate.den)
}

/** Reads "30000/1001" or "4:3"; undefined for "0/0", "0:1" and what is no fraction. */
function rational(text: string | undefined): Rational | undefined {
  const match = /^(\d+)[/:](\d+)$/.exec(text ?? '')
  const [num, den] = [Number(match?.[1]), Number(match?.[2])]
  return num > 0 && den > 0 ? { num, den } : undefined
}

// What ffprobe answers, as far as it is used. Every field may be missing: versions and files differ.
interface SideData {
  readonly displaymatrix?: string
  readonly rotation?: number
  /** Of Dolby Vision. */
  readonly dv_profile?: number
  readonly dv_bl_signal_compatibility_id?: number
  /** Of HDR10, in cd/m²: `max_luminance` is a fraction. */
  readonly max_content?: number
  readonly max_luminance?: string
}
interface ColourFields {
  readonly color_range?: string
  readonly color_space?: string
  readonly color_primaries?: string
  readonly color_transfer?: string
  readonly sample_aspect_ratio?: string
  readonly side_data_list?: readonly SideData[]
  readonly tags?: Readonly<Record<string, string>>
}
interface ProbeStream extends ColourFields {
  readonly index: number
  readonly codec_type?: string
  readonly codec_name?: string
  readonly width?: number
  readonly height?: number
  readonly pix_fmt?: string
  readonly field_order?: string
  readonly time_base?: string
  readonly avg_frame_rate?: string
  readonly r_frame_rate?: string
  readonly start_time?: string
  readonly duration?: string
  readonly nb_frames?: string
  readonly channels?: number
  readonly disposition?: Readonly<Record<string, number>>
}
interface ProbeFrame extends ColourFields {
  readonly interlaced_frame?: number
}
interface ProbeReport {
  readonly streams?: readonly ProbeStream[]
  readonly frames?: readonly ProbeFrame[]
  readonly chapters?: readonly unknown[]
  readonly format?: {
    readonly format_name?: string
    readonly start_time?: string
    readonly duration?: string
  }
}

async function ffprobe(
  ffmpeg: Ffmpeg,
  path: string,
  demuxer: string | undefined,
  show: readonly string[],
): Promise<ProbeReport> {
  const options = ['-v', 'error', '-print_format', 'json', ...show, ...inputOptions(path, demuxer)]
  const { stdout, code, timedOut, complaint } = await runToEnd(ffmpeg.ffprobe.path, options, PROBE_TIMEOUT_MS)
  const name = basename(path)
  if (timedOut) {
    throw new MatteboxError(
      'INPUT_UNREADABLE',
      `${name}: ffprobe could not make sense of it within ${PROBE_TIMEOUT_MS / 1000} s.`,
      'The file may be damaged, or its disk slow: copy it and try again.',
    )
  }
  try {
    if (code === 0) return JSON.parse(stdout) as ProbeReport
  } catch {
    // No JSON: told below.
  }
  const said = complaint === '' ? '' : ` (${withoutPath(complaint, path)})`
  if (demuxer === CAMERA_DEMUXER) {
    throw new MatteboxError(
      'INPUT_UNREADABLE',
      `${path} is a device, and no camera that can be read${said}.`,
      'Name a camera, such as /dev/video0, that no other program holds.',
    )
  }
  throw new MatteboxError(
    'INPUT_UNREADABLE',
    `${name} is damaged or no video or picture that ffmpeg reads${said}.`,
    'Check that it plays in a player, or fetch it again.',
  )
}

/** ffmpeg puts the input's path before its sentence. */
export function withoutPath(complaint: string, path: string): string {
  return complaint.replaceAll(`file:${resolve(path)}: `, '').replaceAll(`${resolve(path)}: `, '')
}
