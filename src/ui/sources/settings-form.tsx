import { filter } from 'virtual:settings'
import type { SourceView } from '../../api/index.ts'
import { isSame } from '../../settings/same-value.ts'
import type { FilterSettings } from '../../settings/schema.ts'
import { words } from '../locale/index.ts'
import { Notice, RatioField, SettingField } from '../parts/index.ts'
import { shown, type Changes, type Key } from './edits.ts'
import type { Editor } from './editor.ts'
import { measurements, networkOf } from './measurements.ts'
import { costOf } from './ratio-cost.ts'

interface Group {
  readonly name: keyof typeof words.sources.groups
  readonly keys: readonly Key[]
  /** Rarely used. */
  readonly folded?: readonly Key[]
}

const GROUPS: readonly Group[] = [
  { name: 'matte', keys: ['ratio'], folded: ['refiner', 'decontaminate', 'view'] },
  { name: 'safety', keys: ['when_unavailable'] },
  { name: 'background', keys: ['background', 'blur_radius'] },
  { name: 'edges', keys: ['feather'], folded: ['level_low', 'level_high'] },
  { name: 'timing', keys: ['pairing', 'max_delay_ms'], folded: ['in_between'] },
  { name: 'memory', keys: ['reset_on_scene_change'], folded: ['cut_detection'] },
]

interface SettingsFormProps {
  readonly source: SourceView
  readonly editor: Editor
}

/** Every setting of a filter, but for the regions, which are drawn on the picture. */
export function SettingsForm({ source, editor }: SettingsFormProps) {
  const said = words.sources
  const edits = editor.edits.value
  const values = shown(edits)
  if (values === null) return null
  const defaults = Object.fromEntries(
    Object.entries(filter)
      .filter(([key]) => key !== 'regions')
      .map(([key, field]) => [key, field.default]),
  ) as Changes
  const isChanged = (key: Key): boolean => !isSame(values[key], filter[key].default)
  const refused = editor.refused.value
  return (
    <section class="card settings" aria-labelledby="settings">
      <div class="card-head">
        <h2 id="settings">{said.settings}</h2>
        <div class="actions">
          <button
            type="button"
            class="secondary outline small"
            disabled={edits.steps.length === 0}
            onClick={() => editor.undo()}
          >
            {said.undo}
          </button>
          <button
            type="button"
            class="secondary outline small"
            disabled={!(Object.keys(defaults) as Key[]).some(isChanged)}
            onClick={() => editor.change(defaults)}
          >
            {said.resetAll}
          </button>
        </div>
      </div>
      {editor.error.value && <Notice complaint={editor.error.value} isLive onClose={() => editor.forget()} />}
      {refused.length > 0 && (
        <Notice kind="warning" isLive onClose={() => editor.forget()}>
          <p>{said.undoRefused(refused.map((key) => `“${filter[key].title}”`).join(', '))}</p>
        </Notice>
      )}
      <fieldset class="settings-groups" disabled={!source.connected}>
        <legend class="visually-hidden">{said.settings}</legend>
        {GROUPS.map(({ name, keys, folded = [] }) => (
          <section key={name} aria-label={said.groups[name]}>
            <h3>{said.groups[name]}</h3>
            {keys.map((key) => (
              <Setting key={key} name={key} values={values} source={source} editor={editor} />
            ))}
            {folded.length > 0 && (
              <details open={folded.some(isChanged)}>
                <summary>{said.more}</summary>
                {folded.map((key) => (
                  <Setting key={key} name={key} values={values} source={source} editor={editor} />
                ))}
              </details>
            )}
          </section>
        ))}
      </fieldset>
    </section>
  )
}

interface SettingProps extends SettingsFormProps {
  readonly name: Key
  readonly values: FilterSettings
}

function Setting({ name, values, source, editor }: SettingProps) {
  const field = filter[name]
  const aside = isSame(values[name], field.default) ? undefined : (
    <button
      type="button"
      class="plain to-default"
      aria-label={words.sources.resetOne(field.title)}
      title={words.sources.resetOne(field.title)}
      onClick={() => editor.change({ [name]: field.default })}
    >
      ↺
    </button>
  )
  if (name === 'ratio') {
    return (
      <RatioField
        ratio={values.ratio}
        size={source.sourceSize}
        onInput={(ratio) => editor.drag({ ratio })}
        onChange={(ratio) => editor.change({ ratio })}
        aside={aside}
        costAt={(low) => {
          const cost = costOf(low, networkOf(source, values), measurements.value)
          return cost && words.ratio.costs(cost.ms, cost.isMeasured)
        }}
      />
    )
  }
  return (
    <SettingField
      name={name}
      field={field}
      value={values[name]}
      onInput={(value) => editor.drag({ [name]: value })}
      onChange={(value) => editor.change({ [name]: value })}
      aside={aside}
    >
      {name === 'when_unavailable' && values.when_unavailable === 'show' && (
        <Notice kind="danger">
          <p>{words.sources.roomIsShown}</p>
        </Notice>
      )}
    </SettingField>
  )
}
