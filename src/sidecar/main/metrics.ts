import { MOST_RECENT_RESETS, type RecentReset, type SourceReport } from '../contract/inference-process.ts'
import type { ProcessState } from './supervisor.ts'

/** Counts since the sidecar started, over all connections of a filter. */
export interface SourceTotals {
  readonly received: number
  readonly answered: number
  readonly dropped: Readonly<Record<string, number>>
  readonly connections: number
}

/** A filter in one OBS that has been seen: its last report, whether it is connected now, and its totals. */
export interface SourceMetrics {
  /** In two OBS that run the same scene collection, two filters bear the same one. */
  readonly filterId: string
  readonly connected: boolean
  readonly last: SourceReport
  readonly totals: SourceTotals
}

export interface ProcessMetrics {
  readonly name: 'main' | 'inference'
  readonly pid: number | undefined
  readonly role: 'main' | ProcessState['role']
  readonly rssBytes: number | undefined
  readonly cpuPercent: number | undefined
  readonly uptimeMs: number
}

interface Known {
  readonly last: SourceReport
  readonly connected: boolean
  /** Of the connections that are over. */
  readonly before: SourceTotals
  readonly resetsBefore: readonly RecentReset[]
  /** Tells which ones went last: larger is later; 0 while it is connected. */
  readonly gone: number
}

/** What has been gathered of all filters, in the order in which they came. */
export type SourceHistory = readonly Known[]

export const NO_HISTORY: SourceHistory = []

/** Of those that are not connected: each duplicate that a user makes and removes has an id of its own. */
const MOST_GONE = 64

/**
 * Adds a report of all filters that are connected. A filter that is missing has gone; one whose counts fell, or whose
 * OBS is a new one, has come back meanwhile, on a channel whose counts began anew. Where two OBS have the same filter at
 * once, each is one of its own.
 */
export function addReports(history: SourceHistory, reports: readonly SourceReport[]): SourceHistory {
  const fresh = new Map(reports.map((report) => [keyOf(report), report]))
  const take = (key: string | undefined): SourceReport | undefined => {
    const report = key === undefined ? undefined : fresh.get(key)
    if (report) fresh.delete(key!)
    return report
  }
  let gone = Math.max(0, ...history.map((known) => known.gone))
  // Those that are still in the same OBS go before those that may be the same in a new one.
  const next = history
    .map((known) => ({ known, same: take(keyOf(known.last)) }))
    .map(({ known, same }): Known => {
      const last = same ?? take(Array.from(fresh).find(([, report]) => idOf(report) === idOf(known.last))?.[0])
      const before = known.connected ? closed(known, ++gone) : known
      if (!last) return before
      const goesOn = same && known.connected && same.counters.received >= known.last.counters.received
      return { ...(goesOn ? known : before), last, connected: true, gone: 0 }
    })
  const added = Array.from(fresh.values(), (last) => ({
    last,
    connected: true,
    before: NONE,
    resetsBefore: [],
    gone: 0,
  }))
  return remembered([...next, ...added])
}

/** Of those that have gone, the newest. Studio mode's duplicates never come back. */
function remembered(all: readonly Known[]): SourceHistory {
  const away = all.filter(({ last, gone }) => gone > 0 && !last.hello.private)
  const kept = new Set(away.toSorted((one, other) => one.gone - other.gone).slice(-MOST_GONE))
  return all.filter((known) => known.connected || kept.has(known))
}

/** Nothing is amiss with a filter that has gone from one OBS and is in another. */
function isElsewhere(history: SourceHistory, { last, gone }: Known): boolean {
  return history.some((other) => idOf(other.last) === idOf(last) && (other.connected || other.gone > gone))
}

function idOf({ hello }: SourceReport): string {
  return hello.filterId
}

/** Of a filter in one OBS. */
function keyOf({ hello }: SourceReport): string {
  return `${hello.filterId} ${hello.pid}`
}

/** Every filter that is remembered, those that are connected first; in two OBS at once, once for each. */
export function sourceMetrics(history: SourceHistory): SourceMetrics[] {
  const shown = history.filter((known) => known.connected || !isElsewhere(history, known))
  const metrics = shown.map((known) => ({
    filterId: idOf(known.last),
    connected: known.connected,
    last: { ...known.last, recentResets: known.connected ? resetsOf(known) : known.resetsBefore },
    totals: known.connected ? sum(known.before, known.last) : known.before,
  }))
  return metrics.sort((one, other) => Number(other.connected) - Number(one.connected))
}

/** Memory and time of the main process and of those that it started. */
export function processMetrics(main: ProcessMetrics, children: readonly ProcessState[]): ProcessMetrics[] {
  return [
    main,
    ...children.map(({ pid, role, uptimeMs, usage }) => ({
      name: 'inference' as const,
      pid,
      role,
      rssBytes: usage?.rssBytes,
      cpuPercent: usage?.cpuPercent,
      uptimeMs,
    })),
  ]
}

const NONE: SourceTotals = { received: 0, answered: 0, dropped: {}, connections: 0 }

function closed(known: Known, gone: number): Known {
  const { last, before } = known
  return { last, connected: false, before: sum(before, last), resetsBefore: resetsOf(known), gone }
}

/** Newest first, over all connections. */
function resetsOf({ last, resetsBefore }: Known): RecentReset[] {
  return [...last.recentResets, ...resetsBefore].slice(0, MOST_RECENT_RESETS)
}

function sum(before: SourceTotals, { counters }: SourceReport): SourceTotals {
  const dropped: Record<string, number> = { ...before.dropped }
  for (const [reason, count] of Object.entries(counters.dropped)) dropped[reason] = (dropped[reason] ?? 0) + count
  return {
    received: before.received + counters.received,
    answered: before.answered + counters.answered,
    dropped,
    connections: before.connections + 1,
  }
}
