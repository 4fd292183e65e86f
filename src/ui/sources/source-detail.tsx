import { useRef, useState } from 'preact/hooks'
import type { PanelState, SourceView } from '../../api/index.ts'
import { call } from '../call.ts'
import { words } from '../locale/index.ts'
import { Busy, Notice, useCall, WordsField } from '../parts/index.ts'
import { AudioDelays } from './audio-delays.tsx'
import { PICTURE_VIEWS, type PictureView } from './compose.ts'
import { editorOf } from './editor.ts'
import { FollowingPicture } from './following-picture.tsx'
import { pictureSize } from './picture-size.ts'
import { Picture } from './picture.tsx'
import { Presets } from './presets.tsx'
import { RegionList } from './region-list.tsx'
import { RegionOverlay } from './region-overlay.tsx'
import { useRegionTools } from './region-tools.ts'
import { Resets } from './resets.tsx'
import { SettingsForm } from './settings-form.tsx'
import { SourceFigures } from './source-figures.tsx'

interface SourceDetailProps {
  readonly source: SourceView
  readonly state: PanelState
}

/** One source: its picture, its state and all that can be set. */
export function SourceDetail({ source, state }: SourceDetailProps) {
  const said = words.sources
  const editor = editorOf(source.id)
  const tools = useRegionTools(editor)
  const [view, setView] = useState<PictureView>('result')
  const acting = useCall()
  const stage = useRef<HTMLDivElement>(null)
  const views = PICTURE_VIEWS.map((word) => ({ word, label: said.views[word] }))
  const { width, height } = pictureSize(source)
  const post = (what: string, body?: unknown): void => {
    void acting.run(() => call('POST', `/api/sources/${source.id}/${what}`, body))
  }

  return (
    <div class="source">
      <FollowingPicture source={source} view={view} stage={stage} />
      <div class="source-main">
        <section class="card" aria-label={said.pictureCard(source.source)}>
          <div class="card-head">
            <h2 class="names">
              {source.source} <span class="muted filter-name">{source.filter}</span>
            </h2>
            <div class="tags">
              {source.private && <span class="tag">{said.duplicate}</span>}
              <span class={source.connected ? 'tag good' : 'tag'}>
                {source.connected ? said.states.connected : said.states.away}
              </span>
            </div>
          </div>
          {source.error && <Notice complaint={source.error} />}
          {source.pairing?.because && <Notice kind="warning" complaint={source.pairing.because} />}
          {source.advice.map(({ code, message }) => (
            <Notice key={code} kind="info">
              <p>{message}</p>
            </Notice>
          ))}
          <div class="stage" ref={stage}>
            <Picture source={source} view={view}>
              <RegionOverlay tools={tools} />
            </Picture>
          </div>
          <div class="stage-tools">
            <WordsField title={said.view} isTitleHidden value={view} options={views} onChange={setView} />
            <div class="actions">
              <Busy
                kind="secondary outline"
                isBusy={false}
                isDisabled={!source.connected}
                onClick={() => post('reset')}
              >
                {said.reset}
              </Busy>
              <Busy
                kind="secondary outline"
                isBusy={acting.isBusy}
                isDisabled={!source.connected}
                onClick={() => post('cover', { on: !source.covered })}
              >
                {source.covered ? said.uncover : said.cover}
              </Busy>
            </div>
          </div>
          {acting.error && <Notice complaint={acting.error} isLive onClose={acting.forget} />}
          <SourceFigures source={source} />
        </section>
        <RegionList tools={tools} templates={state.regionTemplates} aspect={width / height} />
      </div>
      <div class="source-side">
        <SettingsForm source={source} editor={editor} />
      </div>
      <div class="source-more">
        <Presets source={source} state={state} editor={editor} />
        <AudioDelays source={source} state={state} />
        <Resets source={source} />
      </div>
    </div>
  )
}
