import { availableParallelism } from 'node:os'
import { basename, extname } from 'node:path'
import { MatteboxError } from '../errors/index.ts'
import { toVideoFilters, videoTags, type OutputColour } from './colour.ts'
import type { PixelLayout } from './nut-format.ts'
import { look } from './partial-output.ts'
import type { AudioStream } from './probe.ts'

/** What an output becomes: chosen by the ending of its name, a folder by having none. */
export interface OutputFormat {
  readonly name: 'webm' | 'mkv' | 'mp4' | 'png' | 'folder'
  /** The encoder of the pictures, by ffmpeg's name. */
  readonly encoder: string
  readonly oneFrameOnly: boolean
  /** Codecs that are copied as they are; others become Opus. undefined: the format has no sound. */
  readonly audioCodecs: readonly string[] | undefined
  /** ffmpeg's options after the inputs, for frames of this layout. */
  options(layout: PixelLayout, colour: OutputColour): string[]
}

const FORMATS: readonly OutputFormat[] = [
  {
    name: 'webm',
    encoder: 'libvpx-vp9',
    oneFrameOnly: false,
    audioCodecs: ['opus', 'vorbis'],
    options: (layout, colour) => [
      ...['-vf', toVideoFilters(layout === 'bgra' ? 'yuva420p' : 'yuv420p', colour).join(',')],
      // Constant quality at a speed that keeps up with the network: figures in docs/performance.md.
      ...['-c:v', 'libvpx-vp9', '-deadline', 'realtime', '-cpu-used', '6', '-crf', '20', '-b:v', '0', '-g', '240'],
      // Alternate reference frames are hidden frames, which the alpha stream cannot follow.
      ...['-auto-alt-ref', '0', '-row-mt', '1', '-tile-columns', '2', '-threads', String(availableParallelism())],
      ...videoTags(colour),
      ...(layout === 'bgra' ? ['-metadata:s:v:0', 'alpha_mode=1'] : []),
      ...['-f', 'webm'],
    ],
  },
  {
    name: 'mkv',
    encoder: 'ffv1',
    oneFrameOnly: false,
    audioCodecs: [
      'opus',
      'vorbis',
      'aac',
      'mp3',
      'mp2',
      'ac3',
      'eac3',
      'dts',
      'flac',
      'alac',
      'pcm_s16le',
      'pcm_s24le',
    ],
    options: () => [
      ...['-c:v', 'ffv1', '-level', '3', '-g', '1', '-slices', '4', '-slicecrc', '1'],
      ...['-pix_fmt', 'gray', '-color_range', 'pc', '-f', 'matroska'],
    ],
  },
  {
    name: 'mp4',
    encoder: 'libx264',
    oneFrameOnly: false,
    audioCodecs: ['aac', 'mp3', 'ac3', 'eac3', 'alac', 'opus'],
    options: (_, colour) => [
      ...['-vf', toVideoFilters('yuv420p', colour).join(',')],
      // Without B-frames: with them older ffmpeg ends the edit list of a variable frame rate before the last frames.
      ...['-c:v', 'libx264', '-preset', 'veryfast', '-crf', '18', '-bf', '0', ...videoTags(colour)],
      // Older ffmpeg calls Opus in MP4 experimental.
      ...['-movflags', '+faststart', '-strict', 'experimental', '-f', 'mp4'],
    ],
  },
  {
    name: 'png',
    encoder: 'png',
    oneFrameOnly: true,
    audioCodecs: undefined,
    options: (layout) => [...pngOptions(layout), '-update', '1', '-f', 'image2'],
  },
  {
    name: 'folder',
    encoder: 'png',
    oneFrameOnly: false,
    audioCodecs: undefined,
    options: (layout) => [...pngOptions(layout), '-start_number', '1', '-f', 'image2'],
  },
]

function pngOptions(layout: PixelLayout): string[] {
  const pixels = { bgra: 'rgba', bgr0: 'rgb24', gray: 'gray' }[layout]
  return ['-c:v', 'png', '-pred', 'up', '-compression_level', '1', '-pix_fmt', pixels]
}

/** The ending of a single file's name inside a folder of frames, as ffmpeg counts them. */
export const FRAME_PATTERN = 'frame-%06d.png'

const WHAT_WORKS =
  'Outputs that work: .webm (VP9, with alpha), .mp4 (H.264, opaque), .mkv (lossless, with --view alpha), ' +
  'a folder (PNG frames), .png (one picture).'

/**
 * The format that an output's name asks for.
 *
 * @throws {MatteboxError} OUTPUT_UNSUPPORTED if it is not written, or does not take frames of this layout and size
 */
export function outputFormat(output: string, layout: PixelLayout, width: number, height: number): OutputFormat {
  const name = basename(output)
  const isFolder = /[/\\]$/.test(output) || look(output)?.isDirectory() === true
  const ending = isFolder ? '' : extname(output).toLowerCase()
  const refuse = (message: string, mend: string): MatteboxError =>
    new MatteboxError('OUTPUT_UNSUPPORTED', message, mend)
  const format = FORMATS.find(({ name }) => (name === 'folder' ? ending === '' : ending === `.${name}`))
  if (format === undefined) {
    throw refuse(`${ending} is not written (${name}).`, WHAT_WORKS)
  }
  if (format.name === 'mp4' && layout === 'bgra') {
    throw refuse(
      `${name}: H.264 in .mp4 has no transparency.`,
      'Give --background a colour, a picture or blur, or name a .webm output.',
    )
  }
  if (format.name === 'mkv' && layout !== 'gray') {
    throw refuse(`${name}: .mkv is written with --view alpha only.`, 'Add --view alpha, or name a .webm output.')
  }
  if (format.name === 'mp4' && (width % 2 === 1 || height % 2 === 1)) {
    throw refuse(
      `${name}: H.264 takes even sizes only, the picture is ${width}x${height}.`,
      'Name a .webm output, or cut the clip to an even size first.',
    )
  }
  return format
}

/** What becomes of the sound in a format. */
export function audioPlan(format: OutputFormat, audio: AudioStream): 'copy' | 'opus' | 'none' {
  if (format.audioCodecs === undefined) return 'none'
  return format.audioCodecs.includes(audio.codec) ? 'copy' : 'opus'
}

/** ffmpeg's options for the sound. */
export function audioOptions(plan: 'copy' | 'opus', audio: AudioStream): string[] {
  if (plan === 'copy') {
    return [
      ...['-c:a', 'copy'],
      // A packet that begins before the range would move every stream's beginning.
      ...['-copypriorss:a', '0'],
      // AAC of a transport stream carries headers of its own, which files leave out.
      ...(audio.codec === 'aac' ? ['-bsf:a', 'aac_adtstoasc'] : []),
    ]
  }
  const channels = Math.min(Math.max(audio.channels, 1), 8)
  // libopus knows these layouts only; "5.1(side)" of AC-3, for one, it refuses.
  const layouts = 'channel_layouts=7.1|6.1|5.1|5.0|quad|3.0|stereo|mono'
  return ['-c:a', 'libopus', '-b:a', `${64 * Math.max(channels, 2)}k`, '-af', `aformat=${layouts}`]
}
