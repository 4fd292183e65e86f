import { MatteboxError } from '../errors/index.ts'

/** Part of a clip, in seconds from its beginning: `from` is in it, `to` is not. */
export interface TimeRange {
  readonly from: number
  /** undefined: up to the end. */
  readonly to: number | undefined
}

/**
 * Reads a time: seconds (`12`, `12.5`) or `[hh:]mm:ss[.fraction]`.
 *
 * @param option - the option that it came with, for the message
 * @returns seconds, 0 or more
 * @throws {MatteboxError} USAGE
 */
export function parseTime(text: string, option: string): number {
  const match: readonly (string | undefined)[] | null =
    /^(?:(?:(\d+):)?([0-5]?\d):(?=[0-5]?\d(?:\.|$)))?(\d+(?:\.\d+)?)$/.exec(text.trim())
  if (match !== null) return Number(match[1] ?? 0) * 3600 + Number(match[2] ?? 0) * 60 + Number(match[3])
  throw new MatteboxError(
    'USAGE',
    `${option} ${text} is not a time.`,
    'Give seconds, such as 12.5, or hours, minutes and seconds, such as 0:01:12.5.',
  )
}

/**
 * Checks the part of a clip that was asked for against the clip.
 *
 * @param durationSeconds - of the clip; undefined if it is not known
 * @throws {MatteboxError} USAGE if nothing of the clip lies in it
 */
export function checkRange(range: TimeRange, durationSeconds: number | undefined, name: string): void {
  const { from, to } = range
  if (to !== undefined && to <= from) {
    throw new MatteboxError('USAGE', `--to ${to} s does not lie after --from ${from} s.`, 'Give a later --to.')
  }
  if (durationSeconds !== undefined && from >= durationSeconds && from > 0) {
    throw new MatteboxError(
      'USAGE',
      `--from ${from} s lies behind the end of ${name}, which lasts ${durationSeconds.toFixed(3)} s.`,
      `Give a --from below ${durationSeconds.toFixed(3)}.`,
    )
  }
}
