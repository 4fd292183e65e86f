import type { Preview } from '../contract/inference-process.ts'
import type { LowPicture } from './low-picture.ts'
import { previewPicture } from './preview-picture.ts'

/** A filter's previews are at least so far apart: five a second. */
const INTERVAL_MS = 200
/** Share of all time that previews may take while frames wait for the network. */
const LATE_SHARE = 0.01
/** One that took long, as the first ones do before they are compiled, holds the next one back for no longer. */
const LONGEST_PAUSE_MS = 1000

interface Watched {
  /** Of its last preview. */
  at: number
  /** That one still fills the pipe. */
  isOnItsWay: boolean
}

/**
 * Makes the previews of the filters that are watched. They come last: while frames wait, they take a hundredth of the
 * time together, so that a machine that is always late shows something all the same; and a main process that does not
 * read gets no second one.
 */
export class Previews {
  #watched = new Map<string, Watched>()
  #lateAgain = 0

  /** @param say - takes a preview, and calls `gone` once the pipe has taken it */
  constructor(private readonly say: (preview: Preview, gone: () => void) => void) {}

  /** Previews of these are wanted, and of no others. */
  watch(filterIds: readonly string[]): void {
    const before = this.#watched
    this.#watched = new Map(filterIds.map((id) => [id, before.get(id) ?? { at: -Infinity, isOnItsWay: false }]))
  }

  /**
   * Makes a preview of a filter's picture, where one is due.
   *
   * @param picture - is read at once
   * @param isLate - frames wait
   */
  offer(filterId: string, picture: LowPicture, isLate: boolean): void {
    const watched = this.#watched.get(filterId)
    const began = performance.now()
    if (watched === undefined || watched.isOnItsWay || began < watched.at + INTERVAL_MS) return
    if (isLate && began < this.#lateAgain) return
    const preview = previewPicture(picture)
    watched.at = began
    watched.isOnItsWay = true
    this.say({ filterId, frameId: picture.frameId, ...preview }, () => (watched.isOnItsWay = false))
    const now = performance.now()
    this.#lateAgain = now + Math.min(LONGEST_PAUSE_MS, (now - began) / LATE_SHARE)
  }
}
