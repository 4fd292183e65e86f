import type { RefObject } from 'preact'
import { words } from '../locale/index.ts'
import type { ChosenLook } from './controls.tsx'

interface StageProps {
  readonly canvas: RefObject<HTMLCanvasElement | null>
  readonly video: RefObject<HTMLVideoElement | null>
  /** Of the picture: each is drawn by a canvas of its own. */
  readonly run: number
  /** Of the picture that is shown; null: there is none yet. */
  readonly size: { readonly width: number; readonly height: number } | null
  /** What is waited for, or to be done; null: nothing. */
  readonly note: string | null
  readonly look: ChosenLook
  readonly onDivider: (divider: number) => void
  readonly onUnplayable: () => void
}

/** The matted picture, over a checkerboard where it is transparent. */
export function Stage({ canvas, video, run, size, note, look, onDivider, onUnplayable }: StageProps) {
  const shape = size ? { '--width': String(size.width), '--height': String(size.height) } : {}
  return (
    <div class={`try-stage${size ? '' : ' try-stage-empty'}`} style={shape}>
      {!size && (
        <svg class="try-figure" viewBox="0 0 32 24" aria-hidden="true">
          <circle cx="16" cy="9" r="4.5" />
          <path d="M6 24c1-7 5-9 10-9s9 2 10 9z" />
        </svg>
      )}
      <canvas
        key={run}
        ref={canvas}
        class="try-canvas"
        role="img"
        aria-label={words.try.picture}
        hidden={size === null}
      />
      <video
        ref={video}
        class="try-video"
        muted
        playsInline
        loop
        aria-hidden="true"
        onLoadedMetadata={({ currentTarget }) => {
          if (currentTarget.videoWidth === 0) onUnplayable()
        }}
        onError={({ currentTarget }) => {
          // Taking the picture away is no error.
          if (currentTarget.hasAttribute('src')) onUnplayable()
        }}
      />
      {size && look.compares && (
        <div class="try-divider" style={{ '--at': String(look.divider) }}>
          <input
            type="range"
            min={0}
            max={1}
            step={0.01}
            value={look.divider}
            aria-label={words.try.look.divider}
            onInput={({ currentTarget }) => onDivider(currentTarget.valueAsNumber)}
          />
        </div>
      )}
      <p role="status" class={size ? 'try-note try-note-over' : 'try-note'}>
        {note}
      </p>
    </div>
  )
}
