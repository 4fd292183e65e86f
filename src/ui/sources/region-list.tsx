import { useState } from 'preact/hooks'
import type { RegionTemplate } from '../../api/index.ts'
import { MOST_POINTS, MOST_REGIONS } from '../../settings/region-limits.ts'
import type { Region } from '../../settings/schema.ts'
import { call } from '../call.ts'
import { words } from '../locale/index.ts'
import { NameDialog, Notice, useCall } from '../parts/index.ts'
import { focusFirstCorner } from './region-overlay.tsx'
import { isPolygon } from './region-shapes.ts'
import type { RegionTools } from './region-tools.ts'

interface RegionListProps {
  readonly tools: RegionTools
  readonly templates: readonly RegionTemplate[]
  /** Width of the picture by its height. */
  readonly aspect: number
}

const KINDS: readonly Region['kind'][] = ['keep_out', 'keep']

/** Adds, lists and removes regions; the corners are moved on the picture. */
export function RegionList({ tools, templates, aspect }: RegionListProps) {
  const said = words.sources.regions
  const { regions, selected, drawing } = tools
  return (
    <section class="card" aria-labelledby="regions">
      <div class="card-head">
        <h2 id="regions" tabIndex={-1}>
          {said.title}
        </h2>
        {drawing === null && (
          <div class="actions">
            {KINDS.map((kind) => (
              <button
                key={kind}
                type="button"
                class={`secondary outline add ${kind}`}
                disabled={!tools.canAdd}
                onClick={(event) => {
                  // A key pressed it: there is no pointer to draw with.
                  if (event.detail === 0) {
                    tools.addInMiddle(kind, aspect)
                    focusFirstCorner()
                  } else tools.draw(kind)
                }}
              >
                {said.add[kind]}
              </button>
            ))}
          </div>
        )}
      </div>
      <div role="status">
        {drawing && (
          <div class="drawing">
            <p>{drawing.points.length < MOST_POINTS ? said.drawing : said.cornersFull(MOST_POINTS)}</p>
            <div class="actions">
              <button type="button" disabled={!isPolygon(drawing.points)} onClick={() => tools.finishDrawing()}>
                {said.done}
              </button>
              <button type="button" class="secondary outline" onClick={() => tools.cancelDrawing()}>
                {words.common.cancel}
              </button>
            </div>
          </div>
        )}
      </div>
      {regions.length === 0 && drawing === null && <p class="muted">{said.about}</p>}
      {regions.length > 0 && (
        <>
          <ul class="region-list">
            {regions.map(({ kind, points }, i) => (
              <li key={i} class={i === selected ? 'is-selected' : ''}>
                <button
                  type="button"
                  class="plain region-name"
                  aria-pressed={i === selected}
                  onClick={({ detail }) => {
                    tools.select(i === selected ? null : i)
                    if (detail === 0 && i !== selected) focusFirstCorner()
                  }}
                >
                  <span class={`swatch ${kind}`} />
                  {said.name(i + 1, points.length)}
                </button>
                <select
                  aria-label={said.kindOf(i + 1)}
                  value={kind}
                  onChange={({ currentTarget }) => tools.setKind(i, currentTarget.value as Region['kind'])}
                >
                  {KINDS.map((one) => (
                    <option key={one} value={one}>
                      {said.kinds[one]}
                    </option>
                  ))}
                </select>
                <button
                  type="button"
                  class="plain danger-text"
                  aria-label={said.removeOf(i + 1)}
                  onClick={() => tools.remove(i)}
                >
                  {words.common.remove}
                </button>
              </li>
            ))}
          </ul>
          {!tools.canAdd && <p class="muted">{said.full(MOST_REGIONS)}</p>}
          {selected !== null && <p class="about">{said.keys}</p>}
          {selected !== null && regions[selected].points.length >= MOST_POINTS && (
            <p class="muted">{said.cornersFull(MOST_POINTS)}</p>
          )}
        </>
      )}
      <Templates tools={tools} templates={templates} />
    </section>
  )
}

function Templates({ tools, templates }: Pick<RegionListProps, 'tools' | 'templates'>) {
  const said = words.sources.regions
  const calling = useCall()
  const [isSaving, setSaving] = useState(false)
  if (templates.length === 0 && tools.regions.length === 0) return null
  return (
    <details>
      <summary>{said.templates(templates.length)}</summary>
      <ul class="keep-list">
        {templates.map(({ name, regions }) => (
          <li key={name}>
            <span class="keep-name">{name}</span>
            <button
              type="button"
              class="plain"
              aria-label={said.applyOf(name)}
              onClick={() => tools.replaceAll(regions)}
            >
              {words.common.apply}
            </button>
            <button
              type="button"
              class="plain danger-text"
              aria-label={said.deleteOf(name)}
              onClick={() =>
                void calling.run(() => call('DELETE', `/api/region-templates/${encodeURIComponent(name)}`))
              }
            >
              {words.common.remove}
            </button>
          </li>
        ))}
      </ul>
      {tools.regions.length > 0 && (
        <button type="button" class="secondary outline" onClick={() => setSaving(true)}>
          {said.saveTemplate}
        </button>
      )}
      {calling.error && <Notice complaint={calling.error} isLive onClose={calling.forget} />}
      {isSaving && (
        <NameDialog
          title={said.saveTemplate}
          taken={templates.map(({ name }) => name)}
          onSave={(name) =>
            call('PUT', `/api/region-templates/${encodeURIComponent(name)}`, { regions: tools.regions })
          }
          onClose={() => setSaving(false)}
        />
      )}
    </details>
  )
}
