import { useRef, useState } from 'preact/hooks'
import type { PanelState, Preset, SourceView } from '../../api/index.ts'
import type { Complaint } from '../../errors/complaint.ts'
import { call } from '../call.ts'
import { words } from '../locale/index.ts'
import { Card, Notice, useCall } from '../parts/index.ts'
import { saveFile } from '../save-file.ts'
import { Bindings } from './bindings.tsx'
import { editorOf, type Editor } from './editor.ts'
import { presetFile, readPresetFile } from './preset-file.ts'
import { SavePreset } from './save-preset.tsx'

interface PresetsProps {
  readonly source: SourceView
  readonly state: PanelState
  readonly editor: Editor
}

/** Settings under a name: saved, applied to this or another source, taken to a file and back, bound to a scene. */
export function Presets({ source, state, editor }: PresetsProps) {
  const said = words.sources.presets
  const calling = useCall()
  const [isSaving, setSaving] = useState(false)
  const [target, setTarget] = useState(source.id)
  const [sent, setSent] = useState<SentPreset | null>(null)
  const file = useRef<HTMLInputElement>(null)
  const { presets } = state
  const targets = state.sources.filter(({ connected, id }) => connected || id === source.id)

  const apply = async ({ name, settings }: Preset): Promise<void> => {
    setSent(null)
    const work = () => call('POST', `/api/sources/${target}/preset`, { name })
    const complaint = await editorOf(target).changeBy(settings, work)
    // What came of it here, this source's own form shows.
    if (target === source.id) return
    setSent({ preset: name, source: state.sources.find(({ id }) => id === target)?.source ?? target, complaint })
  }
  const take = async (chosen: File | undefined): Promise<void> => {
    if (!chosen) return
    await calling.run(async () => {
      const { name, settings } = readPresetFile(await chosen.text())
      await call('PUT', addressOf(name), { settings })
    })
    if (file.current) file.current.value = ''
  }
  return (
    <Card
      title={said.title}
      aside={
        <div class="actions">
          <button type="button" class="secondary outline small" onClick={() => setSaving(true)}>
            {said.save}
          </button>
          <button type="button" class="secondary outline small" onClick={() => file.current?.click()}>
            {said.import}
          </button>
          <input
            ref={file}
            class="visually-hidden"
            type="file"
            accept="application/json,.json"
            aria-label={said.importFile}
            tabIndex={-1}
            onChange={({ currentTarget }) => void take(currentTarget.files?.[0])}
          />
        </div>
      }
    >
      {calling.error && <Notice complaint={calling.error} isLive onClose={calling.forget} />}
      {presets.length === 0 && <p class="muted">{said.none}</p>}
      {presets.length > 0 && targets.length > 1 && (
        <label class="row">
          <span>{said.applyTo}</span>
          <select value={target} onChange={({ currentTarget }) => setTarget(currentTarget.value)}>
            {targets.map((one) => (
              <option key={one.id} value={one.id}>
                {one.id === source.id ? said.thisSource(one.source) : `${one.source} / ${one.filter}`}
              </option>
            ))}
          </select>
        </label>
      )}
      <div role="status">{sent && <SentNotice sent={sent} onClose={() => setSent(null)} />}</div>
      <ul class="keep-list">
        {presets.map((preset) => (
          <li key={preset.name}>
            <span class="keep-name">{preset.name}</span>
            <button
              type="button"
              class="plain"
              aria-label={said.applyOf(preset.name)}
              onClick={() => void apply(preset)}
            >
              {words.common.apply}
            </button>
            <button type="button" class="plain" aria-label={said.exportOf(preset.name)} onClick={() => offer(preset)}>
              {said.export}
            </button>
            <button
              type="button"
              class="plain danger-text"
              aria-label={said.deleteOf(preset.name)}
              onClick={() => void calling.run(() => call('DELETE', addressOf(preset.name)))}
            >
              {words.common.remove}
            </button>
          </li>
        ))}
      </ul>
      {presets.length > 0 && <Bindings source={source} state={state} />}
      {isSaving && <SavePreset editor={editor} presets={presets} onClose={() => setSaving(false)} />}
    </Card>
  )
}

/** A preset that was applied to another source than the one that is shown. */
interface SentPreset {
  readonly preset: string
  readonly source: string
  /** Null: it was taken on. */
  readonly complaint: Complaint | null
}

function SentNotice({ sent, onClose }: { readonly sent: SentPreset; readonly onClose: () => void }) {
  const { preset, source, complaint } = sent
  if (complaint) return <Notice complaint={complaint} onClose={onClose} />
  return (
    <Notice kind="good" onClose={onClose}>
      <p>{words.sources.presets.applied(preset, source)}</p>
    </Notice>
  )
}

function addressOf(name: string): string {
  return `/api/presets/${encodeURIComponent(name)}`
}

function offer(preset: Preset): void {
  const name = `${preset.name.replace(/[^\p{L}\p{N} _-]/gu, '_')}.mattebox.json`
  saveFile(name, 'application/json', presetFile(preset))
}
