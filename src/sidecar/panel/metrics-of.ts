import type { Metrics, PanelState } from '../../api/index.ts'

/** The figures in the state. */
export function metricsOf({ version, startedAt, engine, processes, sources }: PanelState): Metrics {
  return {
    version,
    uptimeMs: Date.now() - Date.parse(startedAt),
    engineIsReady: engine.state === 'ready',
    restarts: engine.restarts,
    processes,
    sources: sources.map(
      ({ id, source, filter, connected, lowResolution, ratio, covered, figures, counts, resets }) => ({
        id,
        source,
        filter,
        connected,
        lowResolution,
        ratio,
        covered,
        figures,
        counts,
        resets,
      }),
    ),
  }
}
