import type { TryMatte } from '../../api/index.ts'

/**
 * A frame that was shown, as it was used: for tests, which hold what the page draws against the same network run
 * without it. Off unless the page's address is `#/try/export`; frames are then kept in `window.usedFrames`.
 */
export interface UsedFrame {
  readonly header: TryMatte
  /** uint8 RGBA [header.height, header.width, 4], straight: what was sent. */
  readonly low: Uint8Array
  /** uint8 RGBA, straight: the full-resolution picture that it was made from. */
  readonly picture: Uint8Array
  /** uint8 RGBA, premultiplied: the canvas. */
  readonly drawn: Uint8Array
}

declare global {
  interface Window {
    usedFrames?: UsedFrame[]
  }
}

/** As many are kept, from the first on. */
const FRAMES_MAX = 64

/** What takes the frames that are shown; undefined where nobody asked for them. */
export function frameExport(): ((frame: UsedFrame) => void) | undefined {
  if (location.hash !== '#/try/export') return undefined
  return (frame) => {
    const frames = (window.usedFrames ??= [])
    if (frames.length < FRAMES_MAX) frames.push(frame)
  }
}
