import type { SourceView } from '../../api/index.ts'
import { words } from '../locale/index.ts'
import { dropReason, resetReason } from '../locale/names.ts'
import { Card } from '../parts/index.ts'

/** When the network forgot what it saw, and which frames it never got: both by reason. */
export function Resets({ source }: { readonly source: SourceView }) {
  const said = words.sources.history
  const { recentResets, resets, counts } = source
  return (
    <Card title={said.title}>
      <div class="counts">
        <Counts title={said.resets} counts={resets} nameOf={resetReason} />
        <Counts title={said.dropped} counts={counts.dropped} nameOf={dropReason} />
      </div>
      <p class="muted">{said.frames(counts.shown, counts.covered)}</p>
      {recentResets.length > 0 && (
        <details>
          <summary>{said.recent(recentResets.length)}</summary>
          <ol class="resets">
            {recentResets.map(({ at, reason, from, to }, i) => (
              <li key={i}>
                <time dateTime={at}>{new Date(at).toLocaleTimeString()}</time> <strong>{resetReason(reason)}</strong>
                {(from !== null || to !== null) && <span> {said.scenes(from, to)}</span>}
              </li>
            ))}
          </ol>
        </details>
      )}
    </Card>
  )
}

interface CountsProps {
  readonly title: string
  readonly counts: Readonly<Record<string, number>>
  readonly nameOf: (reason: string) => string
}

function Counts({ title, counts, nameOf }: CountsProps) {
  const found = Object.entries(counts).filter(([, count]) => count > 0)
  return (
    <div>
      <h3>{title}</h3>
      {found.length === 0 ? (
        <p class="muted">{words.sources.history.none}</p>
      ) : (
        <ul class="count-list">
          {found.map(([reason, count]) => (
            <li key={reason}>
              {nameOf(reason)} <strong>{count}</strong>
            </li>
          ))}
        </ul>
      )}
    </div>
  )
}
