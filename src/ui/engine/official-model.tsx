import { useState } from 'preact/hooks'
import type { EngineView, FetchableModel, FetchingView } from '../../api/index.ts'
import { call } from '../call.ts'
import { megabytes } from '../locale/format.ts'
import { words } from '../locale/index.ts'
import { Busy, CommandLine, Notice, useCall } from '../parts/index.ts'

interface OfficialModelProps {
  readonly engine: EngineView
  /** Whether its words are seen at first without asking for them; default: they are. */
  readonly isOpen?: boolean
}

/** The official weights: fetched by mattebox, or put in by hand. */
export function OfficialModel({ engine, isOpen = true }: OfficialModelProps) {
  const said = words.engine.official
  const { fetchable, fetching, models, modelsFolder } = engine
  // It must not close by itself when the first model is there, before anybody has read so.
  const [isUnfolded, setUnfolded] = useState(isOpen)
  return (
    <details
      class="engine-part"
      open={isUnfolded || fetching !== null}
      onToggle={({ currentTarget }) => setUnfolded(currentTarget.open)}
    >
      <summary>{said.title}</summary>
      {fetchable.length === 0 && <p>{said.none}</p>}
      {fetchable.map((model) => (
        <Fetchable
          key={model.name}
          model={model}
          fetching={fetching}
          isInstalled={models.some(({ name }) => name === model.name)}
        />
      ))}
      <p>{said.folder}</p>
      <CommandLine text={modelsFolder} />
    </details>
  )
}

interface FetchableProps {
  readonly model: FetchableModel
  readonly fetching: FetchingView | null
  readonly isInstalled: boolean
}

function Fetchable({ model, fetching, isInstalled }: FetchableProps) {
  const said = words.engine.official
  const { name, bytes, licence } = model
  const { isBusy, error, run, forget } = useCall()
  const path = `/api/models/${encodeURIComponent(name)}/fetch`
  const mine = fetching?.name === name ? fetching : null
  const isRunning = mine !== null && mine.error === null
  const begin = () => void run(() => call('POST', path))
  const end = () => void run(() => call('DELETE', path))
  return (
    <>
      <p>{said.about(name, megabytes(bytes), licence)}</p>
      {isInstalled && <p role="status">{said.installed(name)}</p>}
      {!isInstalled && !isRunning && (
        <>
          <Busy isBusy={isBusy} onClick={begin}>
            {mine ? said.goOn : said.fetch}
          </Busy>
          <p class="about">{said.consent(licence)}</p>
        </>
      )}
      {isRunning && (
        <div class="engine-progress">
          <progress value={mine.arrivedBytes} max={bytes} aria-label={said.progress(name)} />
          <span>{said.arrived(megabytes(mine.arrivedBytes), megabytes(bytes))}</span>
          <Busy isBusy={isBusy} kind="secondary outline" onClick={end}>
            {words.common.cancel}
          </Busy>
        </div>
      )}
      {mine?.error && <Notice complaint={mine.error} isLive onClose={end} />}
      {error && <Notice complaint={error} isLive onClose={forget} />}
      {!isInstalled && <ByHand model={model} />}
    </>
  )
}

/** For computers without a network, or without a way to that server. */
function ByHand({ model: { file, bytes, sha256, address } }: { readonly model: FetchableModel }) {
  const said = words.engine.official
  return (
    <details>
      <summary>{said.byHand}</summary>
      <ol>
        <li>
          <a href={address} rel="noreferrer">
            {said.download(file)}
          </a>
          <p class="about engine-hash">{said.hash(bytes, sha256)}</p>
        </li>
        <li>{said.importIt}</li>
      </ol>
      <p>{said.orInTerminal}</p>
      <CommandLine text={`mattebox models import ${file}`} />
    </details>
  )
}
