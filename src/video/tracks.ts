import type { Ffmpeg } from './find-ffmpeg.ts'
import { rangeOptions } from './decode.ts'
import { runToEnd } from './media-process.ts'
import { audioOptions, audioPlan, type AudioPlan, type OutputFormat } from './output-format.ts'
import { inputOptions, type AudioStream, type SubtitleStream, type VideoInfo } from './probe.ts'
import type { TimeRange } from './time-range.ts'

/** What goes along with a clip's pictures into an output, and what becomes of it. */
export interface Tracks {
  readonly sound: readonly { readonly plan: Exclude<AudioPlan, 'none'>; readonly stream: AudioStream }[]
  /** `encoder` is ffmpeg's name for it, or `copy`. */
  readonly subtitles: readonly { readonly encoder: string; readonly stream: SubtitleStream }[]
  readonly chapters: boolean
  /** Sentences for the user: what is left out. */
  readonly warnings: readonly string[]
}

export const NO_TRACKS: Tracks = { sound: [], subtitles: [], chapters: false, warnings: [] }

/** Subtitles that a container takes: codecs that are copied, and what other text becomes. All these have chapters. */
const SUBTITLES: Readonly<Partial<Record<OutputFormat['name'], { readonly copied: readonly string[]; text: string }>>> =
  {
    webm: { copied: ['webvtt'], text: 'webvtt' },
    mov: { copied: ['mov_text'], text: 'mov_text' },
    mp4: { copied: ['mov_text'], text: 'mov_text' },
    mkv: {
      copied: ['subrip', 'ass', 'ssa', 'webvtt', 'hdmv_pgs_subtitle', 'dvd_subtitle', 'dvb_subtitle'],
      text: 'subrip',
    },
  }
const TEXT = ['subrip', 'srt', 'ass', 'ssa', 'webvtt', 'mov_text', 'text']

/**
 * Plans what goes along: all sound tracks where the format has sound, subtitles that it takes or can be given as text,
 * chapters.
 *
 * @param name - of the output, for the user
 */
export function planTracks(
  name: string,
  format: OutputFormat,
  { audio, subtitles, chapters }: Pick<VideoInfo, 'audio' | 'subtitles' | 'chapters'>,
  { encoders }: Pick<Ffmpeg, 'encoders'>,
): Tracks {
  const sound = audio.flatMap((stream) => {
    const plan = audioPlan(format, stream)
    return plan === 'none' ? [] : [{ plan, stream }]
  })
  const taken = SUBTITLES[format.name]
  if (taken === undefined) return { ...NO_TRACKS, sound, warnings: tracksLeftOut(name, { subtitles, chapters }) }
  const warnings: string[] = []
  const planned = subtitles.flatMap((stream) => {
    const { copied, text } = taken
    if (copied.includes(stream.codec)) return [{ encoder: 'copy', stream }]
    if (TEXT.includes(stream.codec) && encoders.has(text)) return [{ encoder: text, stream }]
    const why = TEXT.includes(stream.codec) ? `ffmpeg lacks the encoder ${text}` : `.${format.name} does not take them`
    warnings.push(`${name} is without the subtitles ${described(stream)}: ${why}.`)
    return []
  })
  return { sound, subtitles: planned, chapters: chapters > 0, warnings }
}

/** What the user is told where an output has neither subtitles nor chapters. */
export function tracksLeftOut(
  name: string,
  { subtitles, chapters }: Pick<VideoInfo, 'subtitles' | 'chapters'>,
): string[] {
  const lost = [...(subtitles.length > 0 ? ['subtitles'] : []), ...(chapters > 0 ? ['chapters'] : [])]
  return lost.length === 0 ? [] : [`${name} is without the ${lost.join(' and ')} of the input.`]
}

function described({ codec, language, title }: SubtitleStream): string {
  const name = title ?? language
  return name === undefined ? `(${codec})` : `"${name}" (${codec})`
}

/** Longer than reading the largest of files once takes. */
const SUBTITLES_TIMEOUT_MS = 1_800_000

/**
 * Copies the subtitles of a part of a clip into a small file, their times from the part's beginning. From the clip itself
 * an encoder would take those before the part, too, and would read far ahead for the next one while pictures wait.
 *
 * @returns what ffmpeg complained of if it failed, else undefined
 */
export async function copySubtitles(
  { subtitles }: Tracks,
  path: string,
  range: TimeRange,
  file: string,
  { ffmpeg }: Pick<Ffmpeg, 'ffmpeg'>,
): Promise<string | undefined> {
  // Matroska takes all but MP4's own.
  const container = subtitles.some(({ stream }) => stream.codec === 'mov_text') ? 'mp4' : 'matroska'
  const options = [
    ...['-hide_banner', '-nostdin', '-y', '-v', 'error', ...clipOptions(path, range)],
    ...subtitles.flatMap(({ stream }) => ['-map', `0:${stream.index}`]),
    ...['-c', 'copy', '-copypriorss', '0', '-map_metadata', '-1', '-map_chapters', '-1', ...lengthOptions(range)],
    ...['-f', container, `file:${file}`],
  ]
  const { code, complaint } = await runToEnd(ffmpeg.path, options, SUBTITLES_TIMEOUT_MS)
  return code === 0 ? undefined : complaint
}

/**
 * ffmpeg's options that take the tracks: sound and chapters from the clip, which is read again beside the pictures
 * (input 0), subtitles from the file that `copySubtitles` made.
 *
 * @param range - of the clip, which the output shows
 */
export function trackOptions(
  { sound, subtitles, chapters }: Tracks,
  path: string,
  range: TimeRange,
  subtitleFile: string | undefined,
): { inputs: string[]; maps: string[]; options: string[] } {
  const readsClip = sound.length > 0 || chapters
  return {
    inputs: [
      ...(readsClip ? clipOptions(path, range) : []),
      ...(subtitleFile === undefined ? [] : inputOptions(subtitleFile, undefined)),
    ],
    maps: [
      ...sound.flatMap(({ stream }) => ['-map', `1:${stream.index}`]),
      ...(subtitleFile === undefined ? [] : subtitles.flatMap((_, n) => ['-map', `${readsClip ? 2 : 1}:${n}`])),
      // Tags of the file would be of other pictures; those of chapters are their titles.
      ...['-map_metadata:g', '-1', '-map_metadata:s', '-1', '-map_chapters', chapters ? '1' : '-1'],
    ],
    options: [
      ...sound.flatMap(({ plan, stream }, n) => [...audioOptions(plan, stream, n), ...tags(`s:a:${n}`, stream)]),
      ...subtitles.flatMap(({ encoder, stream }, n) => [`-c:s:${n}`, encoder, ...tags(`s:s:${n}`, stream)]),
      // While no subtitle comes, at most so much of the rest waits for it (microseconds).
      ...(subtitles.length > 0 ? ['-max_interleave_delta', '1000000'] : []),
      ...(readsClip ? lengthOptions(range) : []),
    ],
  }
}

function clipOptions(path: string, range: TimeRange): string[] {
  return [...rangeOptions(range), ...inputOptions(path, undefined)]
}

/** Older ffmpeg counts a range from the file's own first time and takes too much sound: here it counts from 0. */
function lengthOptions({ from, to }: TimeRange): string[] {
  return rangeOptions({ from: 0, to: to === undefined ? undefined : to - from })
}

function tags(stream: string, { language, title }: SubtitleStream): string[] {
  return [
    ...(language === undefined ? [] : [`-metadata:${stream}`, `language=${language}`]),
    ...(title === undefined ? [] : [`-metadata:${stream}`, `title=${title}`]),
  ]
}
