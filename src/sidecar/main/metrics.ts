import type { RecentReset, SourceReport } from '../contract/inference-process.ts'
import type { ProcessState } from './supervisor.ts'

/** Counts since the sidecar started, over all connections of a filter. */
export interface SourceTotals {
  readonly received: number
  readonly answered: number
  readonly dropped: Readonly<Record<string, number>>
  readonly connections: number
}

/** A filter that has been seen: its last report, whether it is connected now, and its totals. */
export interface SourceMetrics {
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
}

/** What has been gathered of all filters. */
export type SourceHistory = ReadonlyMap<string, Known>

export const NO_HISTORY: SourceHistory = new Map()

const MOST_RECENT_RESETS = 20

/**
 * Adds a report of all filters that are connected. A filter that is missing has gone; one whose counts fell has come
 * back meanwhile, on a channel whose counts began anew.
 */
export function addReports(history: SourceHistory, reports: readonly SourceReport[]): SourceHistory {
  const next = new Map<string, Known>(
    Array.from(history, ([filterId, known]) => [filterId, known.connected ? closed(known) : known]),
  )
  for (const report of reports) {
    const { filterId } = report.hello
    const known = history.get(filterId)
    if (!known) next.set(filterId, { last: report, connected: true, before: NONE, resetsBefore: [] })
    else {
      const goesOn = known.connected && report.counters.received >= known.last.counters.received
      const { before, resetsBefore } = goesOn ? known : next.get(filterId)!
      next.set(filterId, { last: report, connected: true, before, resetsBefore })
    }
  }
  return next
}

/** Every filter that has been seen, those that are connected first. */
export function sourceMetrics(history: SourceHistory): SourceMetrics[] {
  return Array.from(history, ([filterId, known]) => ({
    filterId,
    connected: known.connected,
    last: { ...known.last, recentResets: known.connected ? resetsOf(known) : known.resetsBefore },
    totals: known.connected ? sum(known.before, known.last) : known.before,
  })).sort((one, other) => Number(other.connected) - Number(one.connected))
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

function closed(known: Known): Known {
  return { last: known.last, connected: false, before: sum(known.before, known.last), resetsBefore: resetsOf(known) }
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
