import type { ObsFilter, ObsVideoSource, ObsView, PanelState, SourceView } from '../../api/index.ts'

/** What is remarkable in OBS, read from the state. */

/** As native/obs-plugin registers it. */
const OUR_KIND = 'mattebox_filter'

export function isOurs({ kind, filterId }: Pick<ObsFilter, 'kind' | 'filterId'>): boolean {
  return kind === OUR_KIND || filterId !== null
}

export interface Warning {
  /** `off`: the filter is switched off; `missing`: this OBS does not know it; `twice`: one source has two. */
  readonly kind: 'off' | 'missing' | 'twice'
  readonly source: string
  readonly filter: string
}

/** Whether the room is shown there, which is said on every page. */
export function showsRoom({ kind }: Warning): boolean {
  return kind !== 'twice'
}

/** Where the room is shown for all that the filter promises, the worst first; and sources that are matted twice. */
export function warningsOf({ sources, hasPlugin }: Pick<ObsView, 'sources' | 'hasPlugin'>): readonly Warning[] {
  const filters = (sources ?? []).map((source) => ({ source: source.name, ours: source.filters.filter(isOurs) }))
  const each = (kind: Warning['kind'], wanted: (filter: ObsFilter) => boolean): Warning[] =>
    filters.flatMap(({ source, ours }) => {
      // Another filter of ours on the same source still takes the room out.
      if (!ours.every(wanted)) return []
      return ours.map(({ name }) => ({ kind, source, filter: name }))
    })
  const twice = filters
    .filter(({ ours }) => ours.filter(({ enabled }) => enabled).length > 1)
    .map(({ source, ours }) => ({ kind: 'twice' as const, source, filter: ours[1].name }))
  if (hasPlugin === false) return each('missing', () => true)
  return [...each('off', ({ enabled }) => !enabled), ...twice]
}

/** Sources by what there is to do: those without the filter that are cameras, the others, and those that have it. */
export function sorted(sources: readonly ObsVideoSource[]) {
  const withFilter = sources.filter(({ filters }) => filters.some(isOurs))
  const without = sources.filter(({ filters }) => !filters.some(isOurs))
  return {
    withFilter,
    cameras: without.filter(({ isCamera }) => isCamera),
    others: without.filter(({ isCamera }) => !isCamera),
  }
}

/** An OBS whose filters are connected to mattebox. */
export interface ObsProcess {
  readonly pid: number
  readonly version: string
  /** Whether it is the one that the WebSocket is connected to. */
  readonly isReached: boolean
  readonly filters: readonly SourceView[]
}

/** Every OBS that filters are connected from, the one that the WebSocket is connected to first. */
export function obsProcesses({ sources, obs }: Pick<PanelState, 'sources' | 'obs'>): readonly ObsProcess[] {
  const known = new Set(obs.sources?.flatMap(({ filters }) => filters.map(({ filterId }) => filterId)))
  const connected = sources.filter((source) => source.connected)
  const pids = new Set(connected.map((source) => source.obs.pid))
  return Array.from(pids, (pid) => {
    const filters = connected.filter((source) => source.obs.pid === pid)
    return { pid, version: filters[0].obs.version, isReached: filters.some(({ id }) => known.has(id)), filters }
  }).sort((one, other) => Number(other.isReached) - Number(one.isReached))
}

/** How many OBS run, as far as is known: the one behind the WebSocket may have no filter that is connected. */
export function obsCount(processes: readonly ObsProcess[], { state }: Pick<ObsView, 'state'>): number {
  const isCounted = processes.some(({ isReached }) => isReached)
  return processes.length + (state === 'connected' && !isCounted ? 1 : 0)
}
