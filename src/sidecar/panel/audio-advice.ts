import type { Advice, AudioDelay, AudioDelayView, SourceView } from '../../api/index.ts'

/** Less than this between sound and picture nobody notices: a frame of a 30-fps camera, and half a tick. */
const NOTICED_MS = 40

/** The delays that were added to audio, beside those of the pictures. */
export function audioDelayViews(sources: readonly SourceView[], delays: readonly AudioDelay[]): AudioDelayView[] {
  return delays.map((delay) => {
    const delayMs = sources.find(({ id }) => id === delay.filterId)?.figures.delayMs ?? null
    return { ...delay, hasMoved: delayMs !== null && Math.abs(delayMs - delay.addedMs) > NOTICED_MS }
  })
}

/** The delays that were added to audio for this source and are no longer those of its picture. */
export function audioAdvice(source: SourceView, delays: readonly AudioDelay[]): Advice[] {
  return audioDelayViews([source], delays)
    .filter(({ hasMoved }) => hasMoved)
    .map(({ input, addedMs }) => ({
      code: 'AUDIO_DELAY_MOVED',
      message: `The picture is ${Math.round(source.figures.delayMs!)} ms late now, and ${input} was given ${addedMs} ms: add the delay to the audio again.`,
    }))
}
