import { useState } from 'preact/hooks'
import { filter } from 'virtual:settings'
import type { Preset } from '../../api/index.ts'
import { call } from '../call.ts'
import { words } from '../locale/index.ts'
import { NameDialog } from '../parts/index.ts'
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
  const [keys, setKeys] = useState<readonly Key[]>(KEYS.filter((key) => !LEFT_OUT.includes(key)))
  const values = shown(editor.edits.value)
  const save = (name: string): Promise<unknown> => {
    const settings = Object.fromEntries(keys.map((key) => [key, values?.[key]]))
    return call('PUT', `/api/presets/${encodeURIComponent(name)}`, { settings })
  }
  return (
    <NameDialog
      title={said.saveTitle}
      taken={presets.map(({ name }) => name)}
      canSave={keys.length > 0 && values !== null}
      onSave={save}
      onClose={onClose}
    >
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
    </NameDialog>
  )
}
