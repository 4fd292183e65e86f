import type { Changes, Key } from './edits.ts'

/** Changes of these make the sidecar build the network anew. */
const REBUILDS: readonly Key[] = ['ratio', 'refiner', 'decontaminate']
const BUILD_GAP_MS = 500
const LIVE_GAP_MS = 100

export function isRebuild(key: Key): boolean {
  return REBUILDS.includes(key)
}

/**
 * Sends changes of one filter's settings, in order and one request at a time; of a key that changes faster than it may
 * be sent, the last value. Keys that rebuild the network go once in 500 ms, the others once in 100 ms.
 */
export class Outbox {
  readonly #send: (changes: Changes) => Promise<void>
  #waiting: Changes = {}
  #isSending = false
  #timer: ReturnType<typeof setTimeout> | undefined
  #lastMs = { build: -Infinity, live: -Infinity }

  /** @param send - never rejects */
  constructor(send: (changes: Changes) => Promise<void>) {
    this.#send = send
  }

  put(changes: Changes): void {
    this.#waiting = { ...this.#waiting, ...changes }
    void this.#flush()
  }

  async #flush(): Promise<void> {
    clearTimeout(this.#timer)
    if (this.#isSending) return
    const nowMs = performance.now()
    const entries = Object.entries(this.#waiting) as [Key, unknown][]
    const due = entries.filter(([key]) => this.#waitMs(key, nowMs) <= 0)
    if (due.length > 0) {
      this.#waiting = Object.fromEntries(entries.filter((entry) => !due.includes(entry)))
      for (const [key] of due) this.#lastMs[isRebuild(key) ? 'build' : 'live'] = nowMs
      this.#isSending = true
      await this.#send(Object.fromEntries(due))
      this.#isSending = false
    }
    const waits = (Object.keys(this.#waiting) as Key[]).map((key) => this.#waitMs(key, performance.now()))
    if (waits.length > 0) this.#timer = setTimeout(() => void this.#flush(), Math.max(0, Math.min(...waits)))
  }

  #waitMs(key: Key, nowMs: number): number {
    return isRebuild(key) ? this.#lastMs.build + BUILD_GAP_MS - nowMs : this.#lastMs.live + LIVE_GAP_MS - nowMs
  }
}
