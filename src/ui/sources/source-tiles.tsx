import type { SourceView } from '../../api/index.ts'
import { words } from '../locale/index.ts'
import { linkToSource } from '../pages.ts'
import { Picture } from './picture.tsx'

interface SourceTilesProps {
  readonly sources: readonly SourceView[]
  readonly chosenId: string
}

/** All sources with their live pictures; one of them is chosen. Grouped by OBS where there are two. */
export function SourceTiles({ sources, chosenId }: SourceTilesProps) {
  const pids = [...new Set(sources.map(({ obs }) => obs.pid))]
  return (
    <nav class="tile-groups" aria-label={words.sources.all}>
      {pids.map((pid) => {
        const own = sources.filter(({ obs }) => obs.pid === pid)
        return (
          <section key={pid}>
            {pids.length > 1 && <h2>{words.sources.obs(own[0].obs.version, pid)}</h2>}
            <ul class="tiles">
              {own.map((source) => (
                <li key={source.id}>
                  <Tile source={source} isChosen={source.id === chosenId} />
                </li>
              ))}
            </ul>
          </section>
        )
      })}
    </nav>
  )
}

function Tile({ source, isChosen }: { readonly source: SourceView; readonly isChosen: boolean }) {
  return (
    <a class="tile" href={linkToSource(source.id)} aria-current={isChosen ? 'true' : undefined}>
      <Picture source={source} view="result" />
      <span class="tile-text">
        <strong>{source.source}</strong>
        <span class={`muted ${source.error ? 'bad' : ''}`}>{stateLine(source)}</span>
      </span>
    </a>
  )
}

function stateLine(source: SourceView): string {
  const said = words.sources.states
  const { fps, inferenceMs } = source.figures
  if (!source.connected) return said.away
  if (source.error) return said.error
  if (source.covered) return said.covered
  if (fps === null || inferenceMs === null) return said.waiting
  return said.running(fps.toFixed(0), inferenceMs.toFixed(0))
}
