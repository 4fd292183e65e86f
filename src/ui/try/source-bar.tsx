import type { RefObject } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { words } from '../locale/index.ts'
import { Busy } from '../parts/index.ts'
import type { Pictures } from './use-picture.ts'

interface SourceBarProps {
  readonly pictures: Pictures
  readonly video: RefObject<HTMLVideoElement | null>
}

/** Chooses the picture, and stops it. */
export function SourceBar({ pictures, video }: SourceBarProps) {
  const said = words.try.source
  const { picture, cameras, isOpening } = pictures
  const input = useRef<HTMLInputElement>(null)
  const [isPaused, setPaused] = useState(false)
  useEffect(() => setPaused(false), [picture])
  const turn = (): void => {
    const shown = video.current
    if (!shown) return
    setPaused(!shown.paused)
    if (shown.paused) void shown.play().catch(() => undefined)
    else shown.pause()
  }
  return (
    <>
      <div class="actions try-source">
        <Busy
          kind={picture && picture.kind !== 'camera' ? 'secondary outline' : 'primary'}
          isBusy={isOpening}
          isPressed={picture?.kind === 'camera'}
          onClick={() => void pictures.startCamera()}
        >
          {isOpening ? said.opening : said.camera}
        </Busy>
        <button
          type="button"
          class={picture?.kind === 'file' ? 'primary' : 'secondary outline'}
          aria-pressed={picture?.kind === 'file'}
          onClick={() => input.current?.click()}
        >
          {said.file}
        </button>
        <input
          ref={input}
          type="file"
          hidden
          accept="video/*"
          onChange={({ currentTarget }) => {
            const file = currentTarget.files?.[0]
            if (file) pictures.startFile(file)
            // The same one may be chosen again.
            currentTarget.value = ''
          }}
        />
        <button
          type="button"
          class={picture?.kind === 'clip' ? 'primary' : 'secondary outline'}
          aria-pressed={picture?.kind === 'clip'}
          onClick={pictures.startClip}
        >
          {said.clip}
        </button>
        {picture && (
          <span class="try-running">
            {picture.kind !== 'camera' && (
              <button type="button" class="secondary outline" onClick={turn}>
                {isPaused ? said.play : said.pause}
              </button>
            )}
            <button type="button" class="danger" onClick={() => pictures.stop()}>
              {said.stop}
            </button>
          </span>
        )}
      </div>
      {picture?.kind === 'camera' && cameras.length > 1 && (
        <label class="try-cameras">
          {said.which}
          <select value={picture.id} onChange={({ currentTarget }) => void pictures.startCamera(currentTarget.value)}>
            {cameras.map(({ id, label }, i) => (
              <option key={id} value={id}>
                {label || said.unnamed(i + 1)}
              </option>
            ))}
          </select>
        </label>
      )}
    </>
  )
}
