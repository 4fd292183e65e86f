/**
 * Divides one engine's time among sources: whoever has had the least of it, and has something to do, is next.
 *
 * Start-time fair queueing (Goyal, Vin and Cheng 1996): every source has a clock that advances by the time it was
 * given. A source that was idle comes back at the clock of the one that was served last, so that it gains nothing from
 * the time it did not want. A source with larger frames gets as much time as the others, not as many frames.
 */
export class FairShare<Source> {
  /** Time that each source was given, in milliseconds. */
  readonly #clocks = new Map<Source, number>()
  readonly #waiting = new Set<Source>()
  /** Clock of the source that was served last. */
  #now = 0

  /** This source has something to do; may be said again. */
  offer(source: Source): void {
    if (this.#waiting.has(source)) return
    this.#waiting.add(source)
    this.#clocks.set(source, Math.max(this.#clocks.get(source) ?? 0, this.#now))
  }

  get isAnybodyWaiting(): boolean {
    return this.#waiting.size > 0
  }

  /** Whose turn it is, undefined where nobody waits; it waits no longer. */
  next(): Source | undefined {
    let chosen: Source | undefined
    let least = Infinity
    for (const source of this.#waiting) {
      const clock = this.#clocks.get(source)!
      if (clock < least) [chosen, least] = [source, clock]
    }
    if (chosen === undefined) return undefined
    this.#waiting.delete(chosen)
    this.#now = least
    return chosen
  }

  /** A source was given so much time, in milliseconds. */
  charge(source: Source, ms: number): void {
    const clock = this.#clocks.get(source)
    // It may have left while it was served.
    if (clock !== undefined) this.#clocks.set(source, clock + ms)
  }

  /** A source is gone. */
  remove(source: Source): void {
    this.#waiting.delete(source)
    this.#clocks.delete(source)
  }
}
