import type { FilterSettings } from '../../../settings/index.ts'
import { isSame } from '../../../settings/same-value.ts'
import type { Sidecar } from '../../main/sidecar.ts'
import { Answer } from '../route.ts'

/** Filters answer at once, and their process reports soon after: longer means that OBS hangs, or has just gone. */
const WAIT_MS = 1_000

/**
 * Asks a filter to change settings, and answers with those that it has then; 202 and those that it said last where it
 * does not say so in time.
 */
export async function setFilter(
  sidecar: Sidecar,
  filterId: string,
  changes: Partial<FilterSettings>,
): Promise<unknown> {
  sidecar.setFilter(filterId, changes)
  return (await settingsOnce(sidecar, filterId, changes)) ?? new Answer(202, settingsOf(sidecar, filterId) ?? {})
}

function settingsOnce(
  sidecar: Sidecar,
  filterId: string,
  changes: Partial<FilterSettings>,
): Promise<FilterSettings | undefined> {
  const now = (): FilterSettings | undefined => {
    const settings = settingsOf(sidecar, filterId)
    return settings && isSame({ ...settings, ...changes }, settings) ? settings : undefined
  }
  return new Promise((resolve) => {
    const finish = (settings?: FilterSettings): void => {
      sidecar.off('state', look)
      clearTimeout(timer)
      resolve(settings)
    }
    const look = (): void => {
      const settings = now()
      if (settings) finish(settings)
    }
    const timer = setTimeout(finish, WAIT_MS)
    sidecar.on('state', look)
    look()
  })
}

function settingsOf(sidecar: Sidecar, filterId: string): FilterSettings | undefined {
  return sidecar.state.sources.find((source) => source.filterId === filterId)?.last.settings ?? undefined
}
