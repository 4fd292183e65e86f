import { state } from '../live.ts'
import { words } from '../locale/index.ts'
import { chosenSource } from '../pages.ts'
import { NoSource } from './no-source.tsx'
import { SourceDetail } from './source-detail.tsx'
import { SourceTiles } from './source-tiles.tsx'
import './style.css'

export function SourcesPage() {
  const now = state.value
  if (now === null) return <h1>{words.pages.sources}</h1>
  const { sources } = now
  const chosen =
    sources.find(({ id }) => id === chosenSource.value) ?? sources.find((one) => one.connected) ?? sources[0]
  return (
    <>
      <h1>{words.pages.sources}</h1>
      {sources.length === 0 && <NoSource />}
      {sources.length > 1 && <SourceTiles sources={sources} chosenId={chosen.id} />}
      {sources.length > 0 && <SourceDetail key={chosen.id} source={chosen} state={now} />}
    </>
  )
}
