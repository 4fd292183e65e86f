import { useState } from 'preact/hooks'
import type { EngineView, ModelView } from '../../api/index.ts'
import { call } from '../call.ts'
import { megabytes } from '../locale/format.ts'
import { words } from '../locale/index.ts'
import { Busy, Card, ConfirmDialog, Notice, useCall } from '../parts/index.ts'
import { ImportModel } from './import-model.tsx'
import { OfficialModel } from './official-model.tsx'

/** What the setting is called where the choice is left to mattebox. */
const DEFAULT = 'default'

/** The models that are installed, which of them is in use, and how to get others. */
export function ModelsCard({ engine }: { readonly engine: EngineView }) {
  const said = words.engine.models
  const { models, settings } = engine
  const { isBusy, error, run, forget } = useCall()
  const [deleting, setDeleting] = useState<ModelView | null>(null)
  const choose = (model: string) => void run(() => call('PATCH', '/api/engine', { model }))
  // A file that was given by its path is in use without being installed.
  const isByPath = settings.model !== DEFAULT && !models.some(({ name }) => name === settings.model)
  return (
    <Card title={said.title}>
      {models.length === 0 && !isByPath && <p>{said.none}</p>}
      {isByPath && (
        <p class="engine-path">
          {said.byPath} <code>{settings.model}</code>
        </p>
      )}
      {models.length > 0 && (
        <ul class="engine-models">
          {models.map((model) => (
            <li key={model.name} class={model.inUse ? 'engine-model engine-model-in-use' : 'engine-model'}>
              <div class="engine-model-about">
                <strong>{model.name}</strong> {model.inUse && <span class="state state-good">{said.inUse}</span>}
                <span class="muted engine-model-facts">{facts(model)}</span>
              </div>
              <div class="actions">
                {settings.model === model.name ? (
                  <span class="muted">{said.chosen}</span>
                ) : (
                  <Busy
                    isBusy={isBusy}
                    kind="secondary outline"
                    label={said.useOne(model.name)}
                    onClick={() => choose(model.name)}
                  >
                    {said.use}
                  </Busy>
                )}
                {model.isOwn && !model.inUse && (
                  <button
                    type="button"
                    class="danger"
                    aria-label={said.deleteOne(model.name)}
                    onClick={() => setDeleting(model)}
                  >
                    {said.delete}
                  </button>
                )}
              </div>
            </li>
          ))}
        </ul>
      )}
      {settings.model !== DEFAULT && (
        <p>
          <Busy isBusy={isBusy} kind="plain" onClick={() => choose(DEFAULT)}>
            {said.useDefault}
          </Busy>
        </p>
      )}
      {error && <Notice complaint={error} isLive onClose={forget} />}
      <ImportModel />
      <OfficialModel engine={engine} isOpen={models.length === 0} />
      {deleting && <DeleteDialog model={deleting} onClose={() => setDeleting(null)} />}
    </Card>
  )
}

function facts({ bytes, licence, variant }: ModelView): string {
  const said = words.engine.models
  return [variant, megabytes(bytes), licence === null ? said.noLicence : said.licence(licence)]
    .filter((fact) => fact !== null)
    .join(' · ')
}

function DeleteDialog({ model, onClose }: { readonly model: ModelView; readonly onClose: () => void }) {
  const said = words.engine.models
  return (
    <ConfirmDialog
      title={said.deleteTitle(model.name)}
      action={said.delete}
      work={() => call('DELETE', `/api/models/${encodeURIComponent(model.name)}`)}
      onClose={onClose}
    >
      <p>{said.deleteAbout(megabytes(model.bytes))}</p>
    </ConfirmDialog>
  )
}
