import type { FilterSettings } from '../../settings/index.ts'
import { isSame } from '../../settings/same-value.ts'
import type { SourceMetrics } from './metrics.ts'

/** For so long a filter that connects anew is asked again for what it has not taken on. */
const KEPT_MS = 10_000

interface Asked {
  readonly changes: Partial<FilterSettings>
  readonly untilMs: number
  /** Of the filter, when it was asked last: more of them since, and it may not have heard. */
  readonly connections: number
}

/**
 * What filters were asked to set and have not said since, by filter id. A channel can end between the two: where another
 * inference process takes over, every filter changes over to it, and what was still on its way is lost. Times in ms.
 */
export type AllAsked = ReadonlyMap<string, Asked>

export const NOTHING_ASKED: AllAsked = new Map()

/** A filter is asked for changes now. */
export function ask(
  all: AllAsked,
  filterId: string,
  changes: Partial<FilterSettings>,
  sources: readonly SourceMetrics[],
  nowMs: number,
): AllAsked {
  const before = all.get(filterId)?.changes
  const connections = connectionsOf(sources, filterId)
  return new Map(all).set(filterId, { changes: { ...before, ...changes }, untilMs: nowMs + KEPT_MS, connections })
}

/** What is left after a report, and what filters that have connected anew are to be asked again. */
export function askedStill(
  all: AllAsked,
  sources: readonly SourceMetrics[],
  nowMs: number,
): { readonly left: AllAsked; readonly again: readonly { filterId: string; changes: Partial<FilterSettings> }[] } {
  const left = new Map<string, Asked>()
  const again: { filterId: string; changes: Partial<FilterSettings> }[] = []
  for (const [filterId, asked] of all) {
    if (asked.untilMs <= nowMs) continue
    const connections = connectionsOf(sources, filterId)
    const heard = sources.filter((source) => source.filterId === filterId && source.connected && source.last.settings)
    const changes = heard.length === 0 ? asked.changes : unheard(asked.changes, heard)
    if (Object.keys(changes).length === 0) continue
    // Before it has told its settings, it takes none.
    const isNew = heard.length > 0 && connections > asked.connections
    if (isNew) again.push({ filterId, changes })
    left.set(filterId, { ...asked, changes, connections: isNew ? connections : asked.connections })
  }
  return { left, again }
}

function unheard(changes: Partial<FilterSettings>, heard: readonly SourceMetrics[]): Partial<FilterSettings> {
  const isLacking = ([key, value]: [string, unknown]): boolean =>
    heard.some(({ last }) => !isSame(last.settings![key as keyof FilterSettings], value))
  return Object.fromEntries(Object.entries(changes).filter(isLacking))
}

function connectionsOf(sources: readonly SourceMetrics[], filterId: string): number {
  return sources.filter((one) => one.filterId === filterId).reduce((sum, { totals }) => sum + totals.connections, 0)
}
