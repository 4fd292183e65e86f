import { useId, useState } from 'preact/hooks'
import type { PanelState, SourceView } from '../../api/index.ts'
import { call } from '../call.ts'
import { words } from '../locale/index.ts'
import { Busy, Notice, useCall } from '../parts/index.ts'

interface BindingsProps {
  readonly source: SourceView
  readonly state: PanelState
}

/** Presets that this filter takes on when a scene comes on program. */
export function Bindings({ source, state }: BindingsProps) {
  const said = words.sources.bindings
  const id = useId()
  const calling = useCall()
  const [scene, setScene] = useState(source.scene ?? '')
  const [preset, setPreset] = useState('')
  const own = state.bindings.filter(({ filterId }) => filterId === source.id)
  const scenes = [...new Set(state.obs.sources?.flatMap((one) => one.scenes) ?? [])]
  const chosen = state.presets.some(({ name }) => name === preset) ? preset : state.presets[0].name
  const bind = (): void => {
    const binding = { scene: scene.trim(), filterId: source.id, preset: chosen }
    void calling.run(() => call('PUT', '/api/bindings', binding))
  }
  const remove = (bound: string): void => {
    const query = new URLSearchParams({ scene: bound, filterId: source.id })
    void calling.run(() => call('DELETE', `/api/bindings?${query.toString()}`))
  }
  return (
    <div class="bindings">
      <h3>{said.title}</h3>
      <p class="about">{said.about}</p>
      {own.length > 0 && (
        <ul class="keep-list">
          {own.map((binding) => (
            <li key={binding.scene}>
              <span class="keep-name">{said.line(binding.scene, binding.preset)}</span>
              <button
                type="button"
                class="plain danger-text"
                aria-label={said.removeOf(binding.scene)}
                onClick={() => remove(binding.scene)}
              >
                {words.common.remove}
              </button>
            </li>
          ))}
        </ul>
      )}
      <div class="row">
        <input
          type="text"
          aria-label={said.scene}
          placeholder={said.scene}
          value={scene}
          list={`${id}-scenes`}
          maxLength={512}
          onInput={({ currentTarget }) => setScene(currentTarget.value)}
        />
        <datalist id={`${id}-scenes`}>
          {scenes.map((name) => (
            <option key={name} value={name} />
          ))}
        </datalist>
        <select
          aria-label={said.preset}
          value={chosen}
          onChange={({ currentTarget }) => setPreset(currentTarget.value)}
        >
          {state.presets.map(({ name }) => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
        </select>
        <Busy kind="secondary outline" isBusy={calling.isBusy} isDisabled={scene.trim() === ''} onClick={bind}>
          {said.bind}
        </Busy>
      </div>
      {calling.error && <Notice complaint={calling.error} isLive onClose={calling.forget} />}
    </div>
  )
}
