import type { ProviderName } from '../../settings/index.ts'
import type { PassedOver } from '../contract/inference-process.ts'

/**
 * Which providers are not to be tried again because they failed while live. Drivers fall over at suspend, so that the
 * first failure counts for little: a fresh process tries the same provider. The second one within the window makes room
 * for the next provider. Pure: times are handed in.
 */
export class ProviderFailures {
  #avoid: readonly PassedOver[] = []
  readonly #last = new Map<ProviderName, number>()

  constructor(readonly windowMs = 60_000) {}

  get avoid(): readonly PassedOver[] {
    return this.#avoid
  }

  /**
   * Counts a failure.
   *
   * @param chosen - the setting: what the user named is never passed over, and neither is the CPU, after which there
   *   is nothing
   * @returns whether the provider is passed over from now on
   */
  failed(failure: PassedOver, chosen: ProviderName | 'auto', now: number): boolean {
    const { provider } = failure
    if (this.#avoid.some((other) => other.provider === provider)) return true
    const before = this.#last.get(provider)
    this.#last.set(provider, now)
    if (before === undefined || now - before > this.windowMs) return false
    if (chosen !== 'auto' || provider === 'cpu') return false
    this.#avoid = [...this.#avoid, failure]
    return true
  }

  clear(): void {
    this.#avoid = []
    this.#last.clear()
  }
}
