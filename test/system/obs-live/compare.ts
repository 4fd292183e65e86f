import { expect } from 'vitest'
import type { OfflineFrame } from './offline-run.ts'
import { meanDifference, stampOf } from './shown-frame.ts'

/**
 * What the live picture may differ from the offline one on average, of 255: half precision on the wire, and bytes that
 * are rounded twice. Promised are 2; seen are 0.04, and coefficients half a texel off make 1.97.
 */
const TOLERANCE = 0.5
/** What must differ by more is not the same frame's. */
const PROMISED = 2
/** Of what the network saw from the clip's frame made small: two roundings to bytes. */
const SAME_FRAME = 1

export interface Comparison {
  /** Different frames. */
  readonly frames: number
  /** Mean |difference| of the worst frame, 0..255. */
  readonly worst: number
  /** Shares of frames that differ by more than is promised where the matte, or only its coefficients, are the next frame's. */
  readonly shifted: number
  readonly misapplied: number
}

/**
 * Holds pictures of the filter's output against the offline run: each must be the matte of its own frame, or of the one
 * whose picture it repeats.
 *
 * @param channel - which byte of a pixel holds the alpha: 3, or 0 of the view that shows it as gray
 */
export function expectSame(
  pictures: Iterable<Uint8Array>,
  channel: 0 | 3,
  offline: ReadonlyMap<number, OfflineFrame>,
): Comparison {
  const ids = [...offline.keys()].sort((a, b) => a - b)
  const next = new Map(ids.map((id, n) => [id, offline.get(ids[n + 1])]))
  const own = new Map<number, number>()
  const shifted: number[] = []
  const misapplied: number[] = []
  for (const picture of pictures) {
    const stamp = stampOf(picture)
    if (stamp === undefined) continue
    // A frame that repeats the picture that was sent last, as after a change of settings, is not sent: it shows its matte.
    if (offline.has(stamp.frame)) expect(stamp.matte, 'a frame has the matte of its own').toBe(stamp.frame)
    const wanted = offline.get(stamp.matte)
    if (wanted === undefined) throw new Error(`The matte of frame ${stamp.matte} is shown, which was never stepped`)
    expect(wanted.difference, `frame ${stamp.frame} is one of the clip`).toBeLessThanOrEqual(SAME_FRAME)
    const difference = meanDifference(picture, channel, wanted.alpha)
    expect(difference, `frame ${stamp.frame}`).toBeLessThanOrEqual(TOLERANCE)
    if (own.has(stamp.frame)) continue
    own.set(stamp.frame, difference)
    const after = next.get(stamp.frame)
    if (after?.alphaOnLast === undefined) continue
    shifted.push(meanDifference(picture, channel, after.alpha))
    misapplied.push(meanDifference(picture, channel, after.alphaOnLast))
  }
  const far = (differences: readonly number[]): number =>
    differences.filter((difference) => difference > PROMISED).length / differences.length
  return {
    frames: own.size,
    worst: Math.max(...own.values()),
    shifted: far(shifted),
    misapplied: far(misapplied),
  }
}
