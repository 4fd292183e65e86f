import type { Sample } from './sample.ts'

/** How far back the page remembers. */
export const SPAN_MS = 5 * 60_000

/** Five states a second, for as long. */
const MOST_SAMPLES = (5 * SPAN_MS) / 1000

/** The samples of the last five minutes, oldest first. */
export class History {
  #samples: readonly Sample[] = []

  /** Adds the newest sample, and lets go of those that are too old or too many. */
  add(sample: Sample): void {
    const oldest = sample.atMs - SPAN_MS
    const kept = this.#samples.slice(-(MOST_SAMPLES - 1))
    const start = kept.findIndex(({ atMs }) => atMs >= oldest)
    this.#samples = start === -1 ? [sample] : [...kept.slice(start), sample]
  }

  /** A list that stays as it is: the next sample makes another. */
  get samples(): readonly Sample[] {
    return this.#samples
  }
}
