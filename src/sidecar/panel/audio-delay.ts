import type { AudioDelay, AudioDelayRemoved, SourceView } from '../../api/index.ts'
import { MatteboxError } from '../../errors/index.ts'
import type { PanelParts } from './panel-parts.ts'

type Parts = Pick<PanelParts, 'obs' | 'keepsakes'>

/** OBS takes no longer one. */
const OFFSET_MAX_MS = 20_000

/**
 * Adds the delay of a source's picture to an audio input's own offset, and keeps that offset. Where a delay was added
 * before, it takes its place.
 *
 * @throws {MatteboxError} SOURCE_AWAY (no delay is known yet), KEPT_FULL, SETTINGS_FILE, OBS_REFUSED and those of src/obs
 */
export async function addAudioDelay({ obs, keepsakes }: Parts, source: SourceView, input: string): Promise<AudioDelay> {
  const { delayMs } = source.figures
  if (delayMs === null) {
    throw new MatteboxError('SOURCE_AWAY', 'The filter has told no delay yet.', 'Try again in a second.')
  }
  const before = keepsakes.all.audioDelays.find((delay) => delay.input === input)
  const now = await obs.audioOffset(input)
  // Whoever moved the offset himself since then means the new one.
  const originalMs = before && isOurs(before, now) ? before.originalMs : Math.round(now)
  const delay = { filterId: source.id, input, originalMs, addedMs: Math.round(delayMs) }
  if (originalMs + delay.addedMs > OFFSET_MAX_MS) {
    const message = `${input} would have an offset of ${originalMs + delay.addedMs} ms, and OBS takes ${OFFSET_MAX_MS} ms.`
    throw new MatteboxError('OBS_REFUSED', message, 'Lower its own offset in OBS first.')
  }
  // Kept first: what is on the disk can be given back, whatever comes between.
  await keepsakes.putAudioDelay(delay)
  await obs.setAudioOffset(input, originalMs + delay.addedMs).catch(async (error: unknown) => {
    await (before ? keepsakes.putAudioDelay(before) : keepsakes.removeAudioDelay(input))
    throw error
  })
  return delay
}

/**
 * Gives the input its own offset back, unless somebody changed it since: then he means the new one, and it stays.
 *
 * @throws {MatteboxError} NOT_KEPT, SETTINGS_FILE and those of src/obs
 */
export async function removeAudioDelay({ obs, keepsakes }: Parts, input: string): Promise<AudioDelayRemoved> {
  const delay = keepsakes.audioDelay(input)
  const restored = await giveBack(obs, delay).catch((error: unknown) => {
    // An input that was removed in OBS has none to be given back.
    if (error instanceof MatteboxError && error.code === 'OBS_SOURCE_NONE') return false
    throw error
  })
  await keepsakes.removeAudioDelay(input)
  return { restored }
}

/** Whether it was still as it was made. */
async function giveBack(obs: Parts['obs'], delay: AudioDelay): Promise<boolean> {
  if (!isOurs(delay, await obs.audioOffset(delay.input))) return false
  await obs.setAudioOffset(delay.input, delay.originalMs)
  return true
}

function isOurs({ originalMs, addedMs }: AudioDelay, offsetMs: number): boolean {
  return Math.round(offsetMs) === originalMs + addedMs
}
