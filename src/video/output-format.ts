import { availableParallelism } from 'node:os'
import { basename, extname } from 'node:path'
import { MatteboxError } from '../errors/index.ts'
import { rgbTags, toVideoFilters, videoTags, type OutputColour } from './colour.ts'
import type { PixelLayout, Rational } from './nut-format.ts'
import { look } from './partial-output.ts'
import type { AudioStream } from './probe.ts'

/** What an output becomes: chosen by the ending of its name, a folder by having none. */
export interface OutputFormat {
  readonly name: 'webm' | 'mov' | 'mkv' | 'mp4' | 'gif' | 'webp' | 'png' | 'folder'
  /** For the user: what it is made of. */
  readonly title: string
  /** The encoder of the pictures, by ffmpeg's name. */
  readonly encoder: string
  readonly takesAlpha: boolean
  /** Whether the pictures come back bit by bit, whatever the quality. */
  readonly lossless: boolean
  readonly oneFrameOnly: boolean
  /** Codecs that are copied as they are, and what others become. undefined: the format has no sound. */
  readonly sound: { readonly copied: readonly string[]; readonly others: 'opus' | 'pcm' } | undefined
  /** Whether a side must have an even number of pixels. */
  readonly evenSizes: boolean
  /** ffmpeg's options after the inputs. */
  options(pictures: Pictures): string[]
}

/** The frames that an encoder is given. */
export interface Pictures {
  readonly layout: PixelLayout
  readonly width: number
  readonly height: number
  readonly colour: OutputColour
  /** Width to height of one pixel; undefined for square ones. */
  readonly pixelAspect?: Rational | undefined
  /** 0..100, see `DEFAULT_QUALITY`. */
  readonly quality: number
}

/**
 * The one scale for all formats: 100 is as good as the codec gets, and at the default nobody sees a difference in
 * motion. What it sets: the rate factor of VP9 and H.264, the quantiser of ProRes, libwebp's own quality, the number of
 * colours of a GIF. Lossless formats know no other than 100.
 */
export const DEFAULT_QUALITY = 75

const FORMATS: readonly OutputFormat[] = [
  {
    name: 'webm',
    title: 'VP9',
    encoder: 'libvpx-vp9',
    takesAlpha: true,
    lossless: false,
    oneFrameOnly: false,
    sound: { copied: ['opus', 'vorbis'], others: 'opus' },
    evenSizes: false,
    options: ({ layout, colour, quality }) => [
      ...['-vf', toVideoFilters(layout === 'bgra' ? 'yuva420p' : 'yuv420p', colour).join(',')],
      // Constant quality at a speed that keeps up with the network: figures in docs/performance.md.
      ...['-c:v', 'libvpx-vp9', '-deadline', 'realtime', '-cpu-used', '6', '-b:v', '0', '-g', '240'],
      ...['-crf', String(Math.round(59 - 0.52 * quality))],
      // Alternate reference frames are hidden frames, which the alpha stream cannot follow.
      ...['-auto-alt-ref', '0', '-row-mt', '1', '-tile-columns', '2', '-threads', String(availableParallelism())],
      ...videoTags(colour),
      ...(layout === 'bgra' ? ['-metadata:s:v:0', 'alpha_mode=1'] : []),
      ...['-f', 'webm'],
    ],
  },
  {
    name: 'mov',
    title: 'ProRes 4444',
    encoder: 'prores_ks',
    takesAlpha: true,
    lossless: false,
    oneFrameOnly: false,
    sound: {
      copied: ['aac', 'mp3', 'ac3', 'eac3', 'alac', 'pcm_s16le', 'pcm_s24le', 'pcm_s16be', 'pcm_s24be'],
      others: 'pcm',
    },
    evenSizes: false,
    options: ({ layout, colour, quality }) => [
      ...['-vf', toVideoFilters(layout === 'bgra' ? 'yuva444p10le' : 'yuv444p10le', colour).join(',')],
      // Editors look at the vendor's name for what they take as ProRes.
      ...['-c:v', 'prores_ks', '-profile:v', '4444', '-vendor', 'apl0'],
      ...['-qscale:v', String(Math.round(2 ** ((100 - quality) / 20)))],
      // Older ffmpeg writes the colour's tags when told to only.
      ...[...videoTags(colour), '-movflags', '+write_colr', '-f', 'mov'],
    ],
  },
  {
    name: 'mkv',
    title: 'FFV1',
    encoder: 'ffv1',
    takesAlpha: true,
    lossless: true,
    oneFrameOnly: false,
    sound: {
      copied: ['opus', 'vorbis', 'aac', 'mp3', 'mp2', 'ac3', 'eac3', 'dts', 'flac', 'alac', 'pcm_s16le', 'pcm_s24le'],
      others: 'opus',
    },
    evenSizes: false,
    options: ({ layout, colour }) => [
      ...(layout === 'gray' ? ['-color_range', 'pc'] : ['-vf', rgbTags(colour).filter, ...rgbTags(colour).options]),
      ...['-c:v', 'ffv1', '-level', '3', '-g', '1', '-slices', '4', '-slicecrc', '1'],
      ...['-pix_fmt', layout, '-f', 'matroska'],
    ],
  },
  {
    name: 'mp4',
    title: 'H.264',
    encoder: 'libx264',
    takesAlpha: false,
    lossless: false,
    oneFrameOnly: false,
    sound: { copied: ['aac', 'mp3', 'ac3', 'eac3', 'alac', 'opus'], others: 'opus' },
    evenSizes: true,
    options: ({ width, height, colour, quality }) => [
      ...['-vf', [...padToEven(width, height), ...toVideoFilters('yuv420p', colour)].join(',')],
      // Without B-frames: with them older ffmpeg ends the edit list of a variable frame rate before the last frames.
      ...['-c:v', 'libx264', '-preset', 'veryfast', '-bf', '0', ...videoTags(colour)],
      ...['-crf', String(Math.round(48 - 0.4 * quality))],
      // Older ffmpeg calls Opus in MP4 experimental.
      ...['-movflags', '+faststart', '-strict', 'experimental', '-f', 'mp4'],
    ],
  },
  {
    name: 'gif',
    title: 'animated, each pixel transparent or not',
    encoder: 'gif',
    takesAlpha: true,
    lossless: false,
    oneFrameOnly: false,
    sound: undefined,
    evenSizes: false,
    options: ({ quality }) => [
      ...['-vf', gifFilters(quality), '-c:v', 'gif'],
      // Every picture whole: `clearBetweenFrames` counts on it.
      ...['-gifflags', '-transdiff-offsetting', '-loop', '0', '-f', 'gif'],
    ],
  },
  {
    name: 'webp',
    title: 'animated',
    encoder: 'libwebp_anim',
    takesAlpha: true,
    lossless: false,
    oneFrameOnly: false,
    sound: undefined,
    evenSizes: false,
    options: ({ layout, quality }) => [
      // From RGB: libwebp makes the YUV that WebP lays down (BT.601) itself. It keeps alpha without loss.
      ...['-vf', `format=${layout === 'bgra' ? 'bgra' : 'bgr0,format=bgra'}`, '-c:v', 'libwebp_anim'],
      ...['-quality', String(quality), '-loop', '0', '-f', 'webp'],
    ],
  },
  {
    name: 'png',
    title: 'one picture',
    encoder: 'png',
    takesAlpha: true,
    lossless: true,
    oneFrameOnly: true,
    sound: undefined,
    evenSizes: false,
    options: ({ layout }) => [...pngOptions(layout), '-update', '1', '-f', 'image2'],
  },
  {
    name: 'folder',
    title: 'PNG frames',
    encoder: 'png',
    takesAlpha: true,
    lossless: true,
    oneFrameOnly: false,
    sound: undefined,
    evenSizes: false,
    options: ({ layout }) => [...pngOptions(layout), '-start_number', '1', '-f', 'image2'],
  },
]

/** Adds a column or row to an odd size, as the one beside it. */
function padToEven(width: number, height: number): string[] {
  const [right, bottom] = [width % 2, height % 2]
  if (right + bottom === 0) return []
  return [
    'format=gbrp',
    `pad=${width + right}:${height + bottom}:0:0`,
    `fillborders=right=${right}:bottom=${bottom}:mode=smear`,
  ]
}

/** The shortest time between pictures that players keep to: below two hundredths of a second they show them slower. */
const GIF_INTERVAL_SECONDS = 0.02

/** A palette a picture: one for all would want the whole clip in memory. */
function gifFilters(quality: number): string {
  const colours = Math.min(256, Math.max(4, Math.round((256 * quality) / DEFAULT_QUALITY)))
  return [
    // Half a hundredth less: times are rounded.
    `select='isnan(prev_selected_t)+gte(t-prev_selected_t,${GIF_INTERVAL_SECONDS - 0.005})',split[a][b]`,
    `[a]palettegen=stats_mode=single:max_colors=${colours}[p]`,
    '[b][p]paletteuse=new=1:alpha_threshold=128',
  ].join(';')
}

function pngOptions(layout: PixelLayout): string[] {
  const pixels = { bgra: 'rgba', bgr0: 'rgb24', gray: 'gray' }[layout]
  return ['-c:v', 'png', '-pred', 'up', '-compression_level', '1', '-pix_fmt', pixels]
}

/** The ending of a single file's name inside a folder of frames, as ffmpeg counts them. */
export const FRAME_PATTERN = 'frame-%06d.png'

/** The output that is standard output: raw frames in NUT. */
export const STANDARD_OUTPUT = '-'

const outputName = ({ name }: OutputFormat): string => (name === 'folder' ? 'a folder' : `.${name}`)

const WHAT_WORKS = `Outputs that work: ${FORMATS.map((format) => `${outputName(format)} (${format.title})`).join(', ')}.`

/**
 * The format that an output's name asks for.
 *
 * @throws {MatteboxError} OUTPUT_UNSUPPORTED if it is not written, or does not take frames of this layout
 */
export function outputFormat(output: string, layout: PixelLayout): OutputFormat {
  const name = basename(output)
  const isFolder = /[/\\]$/.test(output) || look(output)?.isDirectory() === true
  const ending = isFolder ? '' : extname(output).toLowerCase()
  const format = FORMATS.find(({ name }) => (name === 'folder' ? ending === '' : ending === `.${name}`))
  if (format === undefined) {
    throw new MatteboxError('OUTPUT_UNSUPPORTED', `${ending} is not written (${name}).`, WHAT_WORKS)
  }
  if (layout === 'bgra' && !format.takesAlpha) {
    throw new MatteboxError(
      'OUTPUT_UNSUPPORTED',
      `${name}: ${format.title} in .${format.name} has no transparency.`,
      'Give --background a colour, a picture or blur, or name a .webm or .mov output.',
    )
  }
  return format
}

/** Endings that a clip's output may have, without the dot; `png` is a folder of frames. */
export const CLIP_FORMATS = FORMATS.map(({ name }) => name).filter((name) => name !== 'folder')

/** Names of the outputs that this ffmpeg can write from frames of this layout, for a mend. */
export function writableOutputs(encoders: ReadonlySet<string>, layout: PixelLayout): string[] {
  return FORMATS.filter(
    ({ encoder, takesAlpha, oneFrameOnly }) =>
      encoders.has(encoder) && (takesAlpha || layout !== 'bgra') && !oneFrameOnly,
  ).map(outputName)
}

/**
 * What the user should know of an output that is not quite what he may expect.
 *
 * @param asked - whether he asked for a quality
 * @param version - of the ffmpeg that writes it, as it names itself
 */
export function outputWarnings(
  output: string,
  format: OutputFormat,
  pictures: Pictures,
  asked: boolean,
  version: string,
): string[] {
  const { width, height, pixelAspect: { num, den } = { num: 1, den: 1 } } = pictures
  const name = basename(output)
  const warnings: string[] = []
  if (format.evenSizes && (width % 2 === 1 || height % 2 === 1)) {
    const size = `${width + (width % 2)}x${height + (height % 2)}`
    warnings.push(
      `${name} is ${size}, not ${width}x${height}: ${format.title} takes even sizes only, the edge is doubled.`,
    )
  }
  if (num !== den && format.sound === undefined) {
    const looks = num > den ? 'narrow' : 'wide'
    warnings.push(`${name} has pixels of ${num}:${den}, which most programs show square: it looks too ${looks}.`)
  }
  if (format.name === 'mov' && pictures.layout === 'bgra' && hasOldProResAlpha(version)) {
    warnings.push(
      `${name}: editors on newer Macs may show the alpha of ProRes from ffmpeg ${version} as opaque; ffmpeg 7 is free of it.`,
    )
  }
  if (format.lossless && asked) warnings.push(`${name} is lossless: --quality changes nothing.`)
  return warnings
}

/**
 * Whether an ffmpeg writes the alpha of ProRes as Apple silicon's decoder does not take it: mended between 6.1 and 7.0
 * (docs/guide.md, “What players and editors make of alpha”). Builds from between the releases count commits.
 */
function hasOldProResAlpha(version: string): boolean {
  const commits = /^N-(\d+)/.exec(version)?.[1]
  if (commits !== undefined) return Number(commits) < 113848
  return Number(/^n?(\d+)/.exec(version)?.[1] ?? 7) < 7
}

/** What becomes of the sound of a source. */
export type AudioPlan = 'copy' | 'opus' | 'pcm' | 'none'

/** What becomes of the sound in a format. */
export function audioPlan({ sound }: OutputFormat, audio: AudioStream): AudioPlan {
  if (sound === undefined) return 'none'
  return sound.copied.includes(audio.codec) ? 'copy' : sound.others
}

/** ffmpeg's options for the sound track of this number, from 0. */
export function audioOptions(plan: Exclude<AudioPlan, 'none'>, audio: AudioStream, number: number): string[] {
  const track = `a:${number}`
  if (plan === 'copy') {
    return [
      ...[`-c:${track}`, 'copy'],
      // A packet that begins before the range would move every stream's beginning.
      ...[`-copypriorss:${track}`, '0'],
      // AAC of a transport stream carries headers of its own, which files leave out.
      ...(audio.codec === 'aac' ? [`-bsf:${track}`, 'aac_adtstoasc'] : []),
    ]
  }
  if (plan === 'pcm') return [`-c:${track}`, 'pcm_s16le']
  const channels = Math.min(Math.max(audio.channels, 1), 8)
  // libopus knows these layouts only; "5.1(side)" of AC-3, for one, it refuses.
  const layouts = 'channel_layouts=7.1|6.1|5.1|5.0|quad|3.0|stereo|mono'
  const rate = `${64 * Math.max(channels, 2)}k`
  return [`-c:${track}`, 'libopus', `-b:${track}`, rate, `-filter:${track}`, `aformat=${layouts}`]
}
