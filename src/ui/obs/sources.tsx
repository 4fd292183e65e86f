import { useState } from 'preact/hooks'
import type { ObsFilter, ObsVideoSource, ObsView, SourceView } from '../../api/index.ts'
import { call } from '../call.ts'
import { words } from '../locale/index.ts'
import { linkToSource } from '../pages.ts'
import { Busy, Card, Notice, useCall } from '../parts/index.ts'
import { AddDialog } from './add-dialog.tsx'
import { isOurs, sorted } from './findings.ts'
import { RemoveDialog } from './remove-dialog.tsx'
import { puttingBack, type PutBack, type RemovedFilter } from './removed-filter.ts'

interface SourcesCardProps {
  readonly obs: ObsView
  readonly sources: readonly SourceView[]
}

/** What was done last, and can be gone on from. */
type Done =
  | { readonly kind: 'added'; readonly source: string; readonly filterId: string | null }
  | { readonly kind: 'removed'; readonly removed: RemovedFilter; readonly putBack: PutBack }
  | { readonly kind: 'back'; readonly filter: string }

/** Every source with a picture in the OBS that is connected, and its filters. */
export function SourcesCard({ obs, sources }: SourcesCardProps) {
  const said = words.obs.sources
  const [adding, setAdding] = useState<ObsVideoSource | null>(null)
  const [removing, setRemoving] = useState<RemovedFilter | null>(null)
  const [done, setDone] = useState<Done | null>(null)
  const { withFilter, cameras, others } = sorted(obs.sources ?? [])
  const canAdd = obs.hasPlugin !== false
  const ask = (source: ObsVideoSource, { name, enabled, index, filterId }: ObsFilter) => {
    const settings = sources.find(({ id, connected }) => connected && id === filterId)?.settings ?? null
    setRemoving({ source: source.name, filter: name, index, enabled, settings })
  }
  const without = (found: readonly ObsVideoSource[]) => (
    <ul class="obs-list">
      {found.map((source) => (
        <li key={source.name} class="obs-source obs-source-row">
          <SourceName source={source} />
          <button
            type="button"
            class={source.isCamera ? 'primary' : 'secondary outline'}
            disabled={!canAdd}
            aria-label={said.addTo(source.name)}
            onClick={() => setAdding(source)}
          >
            {said.add}
          </button>
        </li>
      ))}
    </ul>
  )
  return (
    <Card title={said.title}>
      <div role="status">{done && <DoneNotice done={done} sources={sources} onDone={setDone} />}</div>
      {withFilter.length > 0 && (
        <>
          <h3>{said.withFilter}</h3>
          <ul class="obs-list">
            {withFilter.map((source) => (
              <li key={source.name} class="obs-source">
                <SourceName source={source} />
                <FilterList source={source} sources={sources} onRemove={(filter) => ask(source, filter)} />
              </li>
            ))}
          </ul>
        </>
      )}
      <h3>{said.cameras}</h3>
      {cameras.length > 0 ? (
        without(cameras)
      ) : (
        <p class="muted">{withFilter.some(({ isCamera }) => isCamera) ? said.allCameras : said.noCamera}</p>
      )}
      {others.length > 0 && (
        <details open={withFilter.length + cameras.length === 0}>
          <summary>{said.others(others.length)}</summary>
          {without(others)}
        </details>
      )}
      {adding && (
        <AddDialog
          source={adding.name}
          onClose={() => setAdding(null)}
          onAdded={(filterId) => setDone({ kind: 'added', source: adding.name, filterId })}
        />
      )}
      {removing && (
        <RemoveDialog
          filter={removing}
          onClose={() => setRemoving(null)}
          onRemoved={() => setDone({ kind: 'removed', removed: removing, putBack: puttingBack(removing) })}
        />
      )}
    </Card>
  )
}

interface DoneNoticeProps {
  readonly done: Done
  readonly sources: readonly SourceView[]
  readonly onDone: (done: Done | null) => void
}

function DoneNotice({ done, sources, onDone }: DoneNoticeProps) {
  const said = words.obs.sources
  const { isBusy, error, run } = useCall()
  if (done.kind === 'added') {
    // OBS may not tell the new one's id: it is known when the filter has connected.
    const id = done.filterId ?? sources.find(({ connected, source }) => connected && source === done.source)?.id
    return (
      <Notice kind="good" onClose={() => onDone(null)}>
        <p>
          {said.added(done.source)} {id !== undefined && <a href={linkToSource(id)}>{said.toSettings}</a>}
        </p>
      </Notice>
    )
  }
  if (done.kind === 'back') {
    return (
      <Notice kind="good" onClose={() => onDone(null)}>
        <p>{said.isBack(done.filter)}</p>
      </Notice>
    )
  }
  const { removed, putBack } = done
  const undo = async () => {
    if (await run(putBack)) onDone({ kind: 'back', filter: removed.filter })
  }
  return (
    // It stays beside what went wrong: pressed again, it goes on from there.
    <Notice kind={error ? 'error' : 'warning'} {...(error && { complaint: error })} onClose={() => onDone(null)}>
      <p>{said.removed(removed.filter, removed.source)}</p>
      <Busy isBusy={isBusy} kind="secondary outline" onClick={() => void undo()}>
        {said.undo}
      </Busy>
    </Notice>
  )
}

function SourceName({ source }: { readonly source: ObsVideoSource }) {
  const said = words.obs.sources
  const scenes = source.scenes.length === 0 ? said.inNoScene : said.inScenes(source.scenes.join(', '))
  return (
    <div class="obs-source-name">
      <strong>{source.name}</strong>
      <span class="muted">
        {kindName(source.kind)} · {scenes}
      </span>
    </div>
  )
}

interface FilterListProps {
  readonly source: ObsVideoSource
  readonly sources: readonly SourceView[]
  readonly onRemove: (filter: ObsFilter) => void
}

/** A source's filters in the order in which OBS applies them; those of ours can be changed. */
function FilterList({ source, sources, onRemove }: FilterListProps) {
  const said = words.obs.filters
  const { isBusy, error, run, forget } = useCall()
  const { filters } = source
  const change = (filter: string, changes: { enabled?: boolean; index?: number }) =>
    void run(() => call('PATCH', '/api/obs/filters', { source: source.name, filter, ...changes }))
  return (
    <>
      <ol class="obs-filters" aria-label={said.label(source.name)}>
        {filters.map((filter) => {
          const { name, kind, enabled, index, filterId } = filter
          const view = sources.find(({ id }) => id === filterId)
          if (!isOurs(filter)) {
            return (
              <li key={name} class="obs-filter">
                <span class="obs-filter-name">
                  {name} {kindName(kind) !== name && <span class="muted">{kindName(kind)}</span>}
                </span>
                {!enabled && <span class="state">{said.off}</span>}
              </li>
            )
          }
          return (
            <li key={name} class="obs-filter obs-filter-ours">
              <span class="obs-filter-name">
                <strong>{name}</strong>
                <span class={`state ${enabled ? 'state-good' : 'state-bad'}`}>{enabled ? said.on : said.off}</span>
                {view && (
                  <a href={linkToSource(view.id)} aria-label={said.settingsOf(name)}>
                    {said.settings}
                  </a>
                )}
              </span>
              <span class="actions">
                <button
                  type="button"
                  class="secondary outline arrow"
                  aria-label={said.up(name)}
                  disabled={index === 0}
                  onClick={() => !isBusy && change(name, { index: index - 1 })}
                >
                  ↑
                </button>
                <button
                  type="button"
                  class="secondary outline arrow"
                  aria-label={said.down(name)}
                  disabled={index === filters.length - 1}
                  onClick={() => !isBusy && change(name, { index: index + 1 })}
                >
                  ↓
                </button>
                <Busy
                  isBusy={isBusy}
                  kind={enabled ? 'secondary outline' : 'primary'}
                  label={enabled ? said.disableOne(name) : said.enableOne(name)}
                  onClick={() => change(name, { enabled: !enabled })}
                >
                  {enabled ? said.disable : said.enable}
                </Busy>
                <button type="button" class="danger" aria-label={said.removeOne(name)} onClick={() => onRemove(filter)}>
                  {said.remove}
                </button>
              </span>
            </li>
          )
        })}
      </ol>
      {error && <Notice complaint={error} isLive onClose={forget} />}
    </>
  )
}

/** What OBS calls a kind; its own word for one that is not known here. */
function kindName(kind: string): string {
  const known: Readonly<Record<string, string>> = words.obs.kinds
  return known[kind.replace(/_v\d+$/, '')] ?? kind
}
