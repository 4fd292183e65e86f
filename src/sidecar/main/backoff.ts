/** Waits before the next start, in milliseconds; the last one stays. */
export const BACKOFF_MS: readonly number[] = [0, 500, 1000, 2000, 5000]

/** How long to wait before a process that died is started again. Pure: times are handed in. */
export class Backoff {
  #deaths = 0

  constructor(
    readonly waitsMs: readonly number[] = BACKOFF_MS,
    /** A process that served for as long was well, and its death is the first again. */
    readonly healthyMs = 10_000,
  ) {}

  /** @param servedMs - how long the process that died could be reached */
  died(servedMs: number): number {
    if (servedMs >= this.healthyMs) this.#deaths = 0
    return this.waitsMs[Math.min(this.#deaths++, this.waitsMs.length - 1)]
  }

  clear(): void {
    this.#deaths = 0
  }
}
