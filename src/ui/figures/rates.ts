/** A rate is the mean over this long: the sidecar counts once a second, and a state may come five times a second. */
const WINDOW_MS = 3000

/** Over less, a count or two more or less would say too much. */
const SHORTEST_MS = 900

/**
 * How fast a counter rises, a second, at each of its readings: the mean since the last reading that is at least three
 * seconds older, never below 0. A counter that fell to less than half has begun anew, from 0; one that fell by less was
 * corrected: a frame that was given up is answered after all.
 *
 * @param timesMs - when it was read, ascending
 * @param counts - null where it was not there
 * @returns null where it is not there, or has not been for long enough
 */
export function rates(timesMs: readonly number[], counts: readonly (number | null)[]): (number | null)[] {
  // As the counter would stand had it never begun anew; null before it was first seen.
  const risen: (number | null)[] = []
  let total: number | null = null
  let before: number | null = null
  for (const count of counts) {
    if (count !== null) {
      total = total === null ? 0 : total + (count < before! / 2 ? count : count - before!)
      before = count
    }
    risen.push(total)
  }
  let first = 0
  let start = 0
  return timesMs.map((timeMs, i) => {
    while (first < i && risen[first] === null) first++
    start = Math.max(start, first)
    while (start + 1 <= i && timeMs - timesMs[start + 1] >= WINDOW_MS) start++
    const spanMs = timeMs - timesMs[start]
    if (counts[i] === null || spanMs < SHORTEST_MS) return null
    return Math.max(0, ((risen[i]! - risen[start]!) * 1000) / spanMs)
  })
}
