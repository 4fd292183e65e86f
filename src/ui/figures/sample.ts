import type { PanelState } from '../../api/index.ts'

/** The figures of one state, and when it was told. */
export interface Sample {
  /** Unix time that never goes back. */
  readonly atMs: number
  readonly sources: readonly SourceSample[]
  readonly processes: readonly ProcessSample[]
}

export interface SourceSample {
  readonly id: string
  readonly source: string
  readonly filter: string
  /** From capture to matte. */
  readonly latencyMs: number | null
  /** From capture until it is shown. */
  readonly delayMs: number | null
  readonly inferenceMs: number | null
  readonly fps: number | null
  readonly answeredPerSecond: number
  /** Counts since the sidecar started, by reason. */
  readonly dropped: Readonly<Record<string, number>>
}

export interface ProcessSample {
  /** What it does: at a change of the engine two inference processes run for a while. */
  readonly role: string
  readonly rssBytes: number | null
  readonly cpuPercent: number | null
}

/** What a state says in figures. A filter that is away has counts, and no other figures. */
export function sampleOf({ sources, processes }: PanelState, atMs: number): Sample {
  return {
    atMs,
    sources: sources.map(({ id, source, filter, connected, figures, counts }) => ({
      id,
      source,
      filter,
      latencyMs: connected ? figures.latencyMs : null,
      delayMs: connected ? figures.delayMs : null,
      inferenceMs: connected ? figures.inferenceMs : null,
      fps: connected ? figures.fps : null,
      answeredPerSecond: connected ? figures.answeredPerSecond : 0,
      dropped: counts.dropped,
    })),
    processes: processes.map(({ role, rssBytes, cpuPercent }) => ({ role, rssBytes, cpuPercent })),
  }
}

/** Nothing is known at this time: lines break here. */
export function silenceAt(atMs: number): Sample {
  return { atMs, sources: [], processes: [] }
}
