import { useState } from 'preact/hooks'
import { filter } from 'virtual:settings'
import type { Preset } from '../../api/index.ts'
import { call } from '../call.ts'
import { words } from '../locale/index.ts'
import { Busy, Dialog, Notice, TextField, useCall } from '../parts/index.ts'
import { shown, type Key } from './edits.ts'
import type { Editor } from './editor.ts'

interface SavePresetProps {
  readonly editor: Editor
  readonly presets: readonly Preset[]
  readonly onClose: () => void
}

const KEYS = Object.keys(filter) as Key[]
/** Those that belong to one camera's place, or to a moment, are left out unless they are wished. */
const LEFT_OUT: readonly Key[] = ['regions', 'view']

/** Asks for a name, and which of the settings it is to hold. */
export function SavePreset({ editor, presets, onClose }: SavePresetProps) {
  const said = words.sources.presets
  const calling = useCall()
  const [name, setName] = useState('')
  const [keys, setKeys] = useState<readonly Key[]>(KEYS.filter((key) => !LEFT_OUT.includes(key)))
  const values = shown(editor.edits.value)
  const exists = presets.some((one) => one.name === name.trim())
  const canSave = name.trim() !== '' && keys.length > 0 && values !== null
  const save = async (): Promise<void> => {
    const settings = Object.fromEntries(keys.map((key) => [key, values?.[key]]))
    const address = `/api/presets/${encodeURIComponent(name.trim())}`
    if (await calling.run(() => call('PUT', address, { settings }))) onClose()
  }
  const actions = (
    <>
      <Busy kind="secondary outline" isBusy={false} onClick={onClose}>
        {words.common.cancel}
      </Busy>
      <Busy isBusy={calling.isBusy} isDisabled={!canSave} onClick={() => void save()}>
        {exists ? said.replace : words.common.save}
      </Busy>
    </>
  )
  return (
    <Dialog title={said.saveTitle} onClose={onClose} actions={actions}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          if (canSave) void save()
        }}
      >
        <TextField title={words.common.name} value={name} maxLength={64} onInput={setName} />
      </form>
      <fieldset class="ticks">
        <legend>{said.which}</legend>
        {KEYS.map((key) => (
          <label key={key}>
            <input
              type="checkbox"
              checked={keys.includes(key)}
              onChange={({ currentTarget }) =>
                setKeys(currentTarget.checked ? [...keys, key] : keys.filter((one) => one !== key))
              }
            />
            {filter[key].title}
          </label>
        ))}
      </fieldset>
      {calling.error && <Notice complaint={calling.error} isLive />}
    </Dialog>
  )
}
