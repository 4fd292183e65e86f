import type { PanelState, SourceView } from '../../api/index.ts'

export const PROMETHEUS_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

type Labels = Readonly<Record<string, string>>
interface Sample {
  readonly labels?: Labels
  /** Null: it is not known, and left out. */
  readonly value: number | null
}
interface Family {
  /** After Prometheus's conventions: base units, and `_total` for what only grows. */
  readonly name: string
  readonly type: 'gauge' | 'counter'
  readonly help: string
  readonly samples: readonly Sample[]
}

/** The state's figures in Prometheus's text format. */
export function prometheusText(state: PanelState): string {
  return families(state)
    .filter(({ samples }) => samples.some(({ value }) => value !== null))
    .map(familyText)
    .join('')
}

function familyText({ name, type, help, samples }: Family): string {
  const lines = samples.flatMap(({ labels, value }) =>
    value === null ? [] : [`${name}${labelText(labels)} ${value}\n`],
  )
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join('')}`
}

function labelText(labels: Labels = {}): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`)
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`
}

function escaped(value: string): string {
  return value.replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/\n/g, '\\n')
}

function families({ version, startedAt, engine, processes, sources }: PanelState): Family[] {
  const { provider, device, model } = engine
  const ofSources = (value: (source: SourceView) => number | null): Sample[] =>
    sources.map((source) => ({ labels: labelsOf(source, sources), value: value(source) }))
  const counted = (counts: (source: SourceView) => Readonly<Record<string, number>>): Sample[] =>
    sources.flatMap((source) =>
      Object.entries(counts(source)).map(([reason, value]) => ({
        labels: { ...labelsOf(source, sources), reason },
        value,
      })),
    )
  const ofProcesses = (value: (process: PanelState['processes'][number]) => number | null): Sample[] =>
    processes.map((process) => ({
      labels: { process: process.name, role: process.role, pid: String(process.pid) },
      value: value(process),
    }))
  const gauge = (name: string, help: string, samples: readonly Sample[]): Family => ({
    name: `mattebox_${name}`,
    type: 'gauge',
    help,
    samples,
  })
  const counter = (name: string, help: string, samples: readonly Sample[]): Family => ({
    name: `mattebox_${name}_total`,
    type: 'counter',
    help,
    samples,
  })

  return [
    gauge('build_info', 'Version of mattebox.', [{ labels: { version }, value: 1 }]),
    gauge('start_time_seconds', 'When mattebox started, in seconds since 1970.', [
      { value: Date.parse(startedAt) / 1000 },
    ]),
    gauge('engine_ready', 'Whether something runs the network.', [{ value: Number(engine.state === 'ready') }]),
    gauge('engine_info', 'What runs the network.', [
      {
        labels: { provider: provider ?? '', device: device ?? '', model: model ?? '' },
        value: engine.state === 'ready' ? 1 : null,
      },
    ]),
    counter('inference_restarts', 'How often the inference process was started again.', [{ value: engine.restarts }]),
    gauge(
      'source_connected',
      'Whether the filter is connected.',
      ofSources(({ connected }) => Number(connected)),
    ),
    gauge(
      'source_covered',
      'Whether the picture is covered on request.',
      ofSources(({ covered }) => Number(covered)),
    ),
    gauge(
      'source_frame_rate_hertz',
      'New frames of the source a second.',
      ofSources(({ figures }) => figures.fps),
    ),
    gauge(
      'source_ratio',
      'Downsample ratio in effect.',
      ofSources(({ ratio }) => ratio),
    ),
    gauge(
      'source_inference_seconds',
      'Time of one run of the network.',
      ofSources(({ figures }) => seconds(figures.inferenceMs)),
    ),
    gauge(
      'source_latency_seconds',
      'Time from capture to matte.',
      ofSources(({ figures }) => seconds(figures.latencyMs)),
    ),
    gauge(
      'source_delay_seconds',
      'Delay that was added to the picture.',
      ofSources(({ figures }) => seconds(figures.delayMs)),
    ),
    gauge(
      'source_engine_share_ratio',
      'Share of the engine’s time.',
      ofSources(({ figures }) => figures.share),
    ),
    counter(
      'source_frames_received',
      'Frames that mattebox received.',
      ofSources(({ counts }) => counts.received),
    ),
    counter(
      'source_frames_answered',
      'Frames that got a matte.',
      ofSources(({ counts }) => counts.answered),
    ),
    counter(
      'source_frames_dropped',
      'Frames that got no matte, by reason; mattebox_source_frames_unanswered has those that are late.',
      counted(({ counts: { dropped } }) => withoutLate(dropped)),
    ),
    gauge(
      'source_frames_unanswered',
      'Frames whose matte is late, or never came: less by one when a late one comes.',
      ofSources(({ counts: { dropped } }) => dropped[LATE] ?? 0),
    ),
    counter(
      'source_frames_shown',
      'Pictures that OBS drew with a matte.',
      ofSources(({ counts }) => counts.shown),
    ),
    counter(
      'source_frames_covered',
      'Pictures that OBS drew without a matte, as the policy says.',
      ofSources(({ counts }) => counts.covered),
    ),
    counter(
      'source_resets',
      'Resets of the recurrent state, by reason.',
      counted(({ resets }) => resets),
    ),
    gauge(
      'process_resident_memory_bytes',
      'Resident memory of a process.',
      ofProcesses(({ rssBytes }) => rssBytes),
    ),
    gauge(
      'process_cpu_ratio',
      'CPU time of a process a second; 1 is a core.',
      ofProcesses(({ cpuPercent }) => (cpuPercent === null ? null : cpuPercent / 100)),
    ),
  ]
}

/** The one reason whose count may fall: Prometheus takes a counter that falls for one that began anew. */
const LATE = 'unanswered'

function withoutLate(dropped: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(dropped).filter(([reason]) => reason !== LATE))
}

/** Two OBS at once may have the same filter: then, and only then, its series say which, and outlive no restart. */
function labelsOf({ id, source, filter, obs }: SourceView, all: readonly SourceView[]): Labels {
  const isTwice = all.filter((other) => other.id === id).length > 1
  return { id, source, filter, ...(isTwice ? { obs_pid: String(obs.pid) } : {}) }
}

function seconds(ms: number | null): number | null {
  return ms === null ? null : ms / 1000
}
