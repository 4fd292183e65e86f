import type { PhaseLimits } from '../contract/inference-process.ts'

export type Phase = 'create' | 'run'

/**
 * Decides whether a process hangs: silence longer than its phase allows. Pure: times are handed in, in milliseconds of
 * a clock that only goes forward.
 *
 * Whoever asks must be awake to hear: a question that comes late (this process was stopped, or the machine slept) shows
 * nothing, since what the other side said may lie unread. It gives one more period instead.
 */
export class Watchdog {
  // Loading the runtime takes as long as it takes; the first word ends that.
  #phase: Phase = 'create'
  #heard: number
  #asked: number

  constructor(
    readonly limits: PhaseLimits,
    now: number,
  ) {
    this.#heard = now
    this.#asked = now
  }

  get phase(): Phase {
    return this.#phase
  }

  /** How often to ask. */
  get intervalMs(): number {
    return Math.min(1000, this.limits.runMs / 5)
  }

  /** A sign of life, whatever it says. */
  heard(now: number, phase: Phase = this.#spoken ? this.#phase : 'run'): void {
    this.#spoken = true
    this.#heard = now
    this.#phase = phase
  }
  #spoken = false

  /** How long it has been silent if that is too long, else undefined. */
  ask(now: number): number | undefined {
    const late = now - this.#asked > 2 * this.intervalMs
    this.#asked = now
    if (late) this.#heard = now
    const silentMs = now - this.#heard
    return silentMs > (this.#phase === 'create' ? this.limits.createMs : this.limits.runMs) ? silentMs : undefined
  }
}
