import type { Advice, AudioDelay, SourceView } from '../../api/index.ts'

/** Less than this between sound and picture nobody notices: a frame of a 30-fps camera, and half a tick. */
const NOTICED_MS = 40

/** The delays that were added to audio for this source and are no longer those of its picture. */
export function audioAdvice({ id, figures }: SourceView, delays: readonly AudioDelay[]): Advice[] {
  const { delayMs } = figures
  if (delayMs === null) return []
  return delays
    .filter(({ filterId, addedMs }) => filterId === id && Math.abs(delayMs - addedMs) > NOTICED_MS)
    .map(({ input, addedMs }) => ({
      code: 'AUDIO_DELAY_MOVED',
      message: `The picture is ${Math.round(delayMs)} ms late now, and ${input} was given ${addedMs} ms: add the delay to the audio again.`,
    }))
}
