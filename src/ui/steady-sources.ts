import type { PanelState } from '../api/index.ts'

/**
 * Where another inference process takes over, every filter is away for a moment. So soon nothing is shown as away: a
 * form that is switched off takes a slider out of the hand that drags it.
 */
export const AWAY_AFTER_MS = 1500

/** Shows a source as connected until it has been away for a while. */
export class SteadySources {
  /** When each was connected last, by filter and OBS. */
  readonly #seen = new Map<string, number>()

  /** What is to be shown at this time, in ms; `isHeld`: of a source that is away, so that it changes by itself later. */
  show(told: PanelState, nowMs: number): { readonly state: PanelState; readonly isHeld: boolean } {
    let isHeld = false
    const sources = told.sources.map((source) => {
      const key = `${source.id} ${source.obs.pid}`
      if (source.connected) this.#seen.set(key, nowMs)
      if (source.connected || nowMs - (this.#seen.get(key) ?? -Infinity) >= AWAY_AFTER_MS) return source
      isHeld = true
      return { ...source, connected: true }
    })
    return { state: { ...told, sources }, isHeld }
  }
}
