import type { Complaint } from '../errors/complaint.ts'
import { isConnected, state } from './live.ts'
import { words } from './locale/index.ts'
import { showsRoom, warningsOf } from './obs/findings.ts'
import { linkTo, page } from './pages.ts'
import { Notice } from './parts/index.ts'

/** What is to be seen on every page: the room is shown, mattebox is away, nothing is matted. */
export function Alerts() {
  const now = state.value
  const shown = now?.sources.filter((source) => source.connected && source.roomIsShown) ?? []
  const warnings = now ? warningsOf(now.obs).filter(showsRoom) : []
  return (
    <section class="alerts" aria-label={words.common.alerts}>
      <div role="status">{!isConnected.value && <Notice kind="info">{awayLine(now !== null)}</Notice>}</div>
      {shown.length > 0 && (
        <Notice
          kind="danger"
          complaint={{
            message: words.connection.roomIsShown(shown.map(({ source }) => `“${source}”`).join(', ')),
            mend: words.connection.roomIsShownMend,
          }}
        >
          {page.value !== 'sources' && <a href={linkTo('sources')}>{words.connection.toSources}</a>}
        </Notice>
      )}
      {warnings.map(({ kind, source, filter }) => (
        <Notice key={`${kind} ${source} ${filter}`} kind="danger" complaint={words.obs.warnings[kind](source, filter)}>
          {page.value !== 'obs' && <a href={linkTo('obs')}>{words.connection.toObs}</a>}
        </Notice>
      ))}
      {isConnected.value && now && complaints(now.error, now.engine.error)}
      {now?.isExposed && (
        <Notice kind="warning" complaint={{ message: words.connection.exposed, mend: words.connection.exposedMend }} />
      )}
    </section>
  )
}

function awayLine(wasThere: boolean) {
  return <p>{wasThere ? words.connection.away : words.connection.waiting}</p>
}

/** The same complaint of the engine and of the whole is said once. */
function complaints(...found: (Complaint | null)[]) {
  const different = found.filter((one, i) => one && found.findIndex((other) => other?.code === one.code) === i)
  return different.map((complaint) => complaint && <Notice key={complaint.code} complaint={complaint} />)
}
