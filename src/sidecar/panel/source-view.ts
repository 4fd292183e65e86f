import { Check } from 'typebox/schema'
import type { Advice, ResetView, SourceView } from '../../api/index.ts'
import type { Complaint } from '../../errors/index.ts'
import { FilterSettings } from '../../settings/index.ts'
import type { RecentReset } from '../contract/inference-process.ts'
import type { SourceMetrics } from '../main/metrics.ts'

/** A filter as the panel and scripts see it, drawn from what both sides report of it. */
export function sourceView(source: SourceMetrics, advice: readonly Advice[], localize: Localize): SourceView {
  const { last, totals } = source
  const { hello, settings, filter, sidecar } = last
  const isRunning = source.connected && filter !== null
  return {
    id: source.filterId,
    source: hello.source,
    filter: hello.filter,
    connected: source.connected,
    private: hello.private,
    obs: { version: hello.obs, pid: hello.pid },
    settings,
    scene: last.scene,
    sourceSize: last.sourceSize,
    lowResolution: filter && { width: filter.width, height: filter.height },
    ratio: filter && filter.ratio,
    pairing: filter && { inUse: filter.pairing, because: whyNotMatched(source) },
    covered: filter?.cover ?? false,
    roomIsShown: settings?.when_unavailable === 'show',
    engine: { provider: sidecar.provider, device: sidecar.device, model: sidecar.model },
    figures: {
      fps: isRunning ? filter.fps : null,
      answeredPerSecond: source.connected ? last.answeredPerSecond : 0,
      inferenceMs: isRunning && sidecar.answered > 0 ? sidecar.inferenceMs : null,
      latencyMs: isRunning ? filter.latencyMs : null,
      delayMs: isRunning ? filter.delayMs : null,
      share: source.connected ? last.share : 0,
    },
    counts: {
      shown: filter?.shown ?? 0,
      covered: filter?.covered ?? 0,
      received: totals.received,
      answered: totals.answered,
      dropped: sum(filter?.dropped ?? {}, totals.dropped),
    },
    resets: sum(filter?.resets ?? {}, sidecar.resets),
    recentResets: last.recentResets.map(resetView),
    picture: source.connected ? last.picture : null,
    advice: [...advice],
    error: complaintView(filter?.error ?? sidecar.error, localize),
  }
}

/** Puts the invocation that works where the user is into the commands of a mend. */
type Localize = (text: string) => string

export function complaintView(complaint: Complaint | null | undefined, localize: Localize): Complaint | null {
  if (!complaint) return null
  const { code, message, mend } = complaint
  return { code, message, mend: localize(mend) }
}

/** The filter falls back to `newest` by itself where its frames would have to wait for too long. */
function whyNotMatched({ last: { settings, filter } }: SourceMetrics): Complaint | null {
  if (!filter || settings?.pairing !== 'matched' || filter.pairing === 'matched') return null
  const limitMs = settings.max_delay_ms
  const shown = 'each frame is shown at once, with the newest matte.'
  // What is told is the median: the filter goes by the 95th percentile, and is in no haste to come back.
  const message =
    filter.latencyMs > limitMs
      ? `Mattes come ${Math.round(filter.latencyMs)} ms after their frames, and a frame may wait ${limitMs} ms: ${shown}`
      : `Too many mattes came later than the ${limitMs} ms that a frame may wait: ${shown}`
  return { code: 'FILTER_DELAY', message, mend: mendOfDelay(Math.ceil(filter.sufficesMs), limitMs) }
}

/** As OBS says it on the filter's page. */
function mendOfDelay(sufficesMs: number, limitMs: number): string {
  if (sufficesMs <= limitMs) return 'It ends by itself once they come in time for some seconds. A lower ratio helps.'
  return Check(FilterSettings.properties.max_delay_ms, sufficesMs)
    ? `Raise the longest delay to ${sufficesMs} ms, or lower the ratio, so that mattes come sooner.`
    : 'Lower the ratio, so that mattes come sooner.'
}

function resetView({ atMs, reason, by, from, to }: RecentReset): ResetView {
  return { at: new Date(atMs).toISOString(), reason, by, from, to }
}

function sum(one: Readonly<Record<string, number>>, other: Readonly<Record<string, number>>): Record<string, number> {
  const total = { ...one }
  for (const [key, count] of Object.entries(other)) total[key] = (total[key] ?? 0) + count
  return total
}
