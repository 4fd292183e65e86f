import { words } from '../locale/index.ts'
import { linkToSource } from '../pages.ts'
import { Card } from '../parts/index.ts'
import type { ObsProcess } from './findings.ts'

interface ProcessesCardProps {
  readonly processes: readonly ObsProcess[]
  /** Whether some other OBS is reached by its WebSocket. */
  readonly isConnected: boolean
}

/** Filters that are connected from an OBS whose WebSocket is not: all works but what needs that. */
export function ProcessesCard({ processes, isConnected }: ProcessesCardProps) {
  const said = words.obs.processes
  return (
    <Card title={isConnected ? said.titleOther : said.title}>
      <p class="muted">{said.about}</p>
      {processes.map(({ pid, version, filters }) => (
        <section key={pid} class="obs-source">
          <h3>{said.name(version, pid)}</h3>
          <ul class="obs-filters">
            {filters.map(({ id, source, filter, private: isCopy }) => (
              <li key={id} class="obs-filter">
                <span class="obs-filter-name">
                  <strong>{source}</strong> <span class="muted">{isCopy ? said.copyOf(filter) : filter}</span>
                </span>
                <a href={linkToSource(id)} aria-label={said.settingsOf(source)}>
                  {said.settings}
                </a>
              </li>
            ))}
          </ul>
        </section>
      ))}
    </Card>
  )
}
