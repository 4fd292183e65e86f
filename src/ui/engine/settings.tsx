import { engine as fields } from 'virtual:settings'
import type { EngineSettings } from '../../settings/index.ts'
import { call } from '../call.ts'
import { words } from '../locale/index.ts'
import { Card, Notice, SettingField, TextField, useCall } from '../parts/index.ts'

/** A slider over all that the API takes would put every real machine into its first millimetres. */
const MOST_THREADS = 32

/** The engine's settings; the model has a list of its own. */
export function EngineSettingsCard({ settings }: { readonly settings: EngineSettings }) {
  const said = words.engine.settings
  const { isBusy, error, run, forget } = useCall()
  const set = (changes: Partial<EngineSettings>) => run(() => call('PATCH', '/api/engine', changes))
  const threads = { ...fields.threads, maximum: Math.max(MOST_THREADS, settings.threads) }
  return (
    <Card title={said.title} aside={isBusy ? <span class="state" aria-busy="true" /> : undefined}>
      <p class="muted">{said.restarts}</p>
      <SettingField
        name="provider"
        field={fields.provider}
        value={settings.provider}
        onChange={(provider) => void set({ provider: provider as EngineSettings['provider'] })}
      />
      <TextField
        title={fields.device.title}
        description={fields.device.description}
        maxLength={4}
        value={settings.device}
        onChange={(device) => set({ device: device.trim() })}
      />
      <SettingField
        name="threads"
        field={threads}
        value={settings.threads}
        onChange={(count) => void set({ threads: count as number })}
      />
      {error && <Notice complaint={error} isLive onClose={forget} />}
      <h3 class="engine-heading">{said.nextStart}</h3>
      <TextField
        title={fields.port.title}
        description={fields.port.description}
        type="number"
        value={String(settings.port)}
        // An emptied field, or one with no number in it, asks for nothing.
        onChange={(port) => port !== '' && set({ port: Number(port) })}
      />
      <TextField
        title={fields.listen.title}
        description={fields.listen.description}
        maxLength={256}
        value={settings.listen}
        onChange={(listen) => set({ listen: listen.trim() })}
      />
    </Card>
  )
}
