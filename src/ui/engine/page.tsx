import { state } from '../live.ts'
import { words } from '../locale/index.ts'
import { EngineInUse } from './in-use.tsx'
import { ModelsCard } from './models.tsx'
import { EngineSettingsCard } from './settings.tsx'
import './style.css'

/** What runs the network, why nothing better does, and which model it runs. */
export function EnginePage() {
  const now = state.value
  if (!now) return <h1>{words.pages.engine}</h1>
  return (
    <section class="engine">
      <h1>{words.pages.engine}</h1>
      <div class="columns">
        <div>
          <EngineInUse engine={now.engine} refused={now.refused} />
          <EngineSettingsCard settings={now.engine.settings} />
        </div>
        <ModelsCard engine={now.engine} />
      </div>
    </section>
  )
}
