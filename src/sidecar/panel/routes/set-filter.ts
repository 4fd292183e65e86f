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

/** Waits, a second at most, until a filter is connected: it is away for a moment where another process takes over. */
export async function untilThere(sidecar: Sidecar, filterId: string): Promise<void> {
  const isThere = (): true | undefined =>
    sidecar.state.sources.some((source) => source.filterId === filterId && source.connected) || undefined
  await once(sidecar, isThere)
}

function settingsOnce(
  sidecar: Sidecar,
  filterId: string,
  changes: Partial<FilterSettings>,
): Promise<FilterSettings | undefined> {
  return once(sidecar, () => {
    const settings = settingsOf(sidecar, filterId)
    return settings && isSame({ ...settings, ...changes }, settings) ? settings : undefined
  })
}

/** What `look` sees, as soon as it sees something; undefined: not in time. */
function once<T>(sidecar: Sidecar, look: () => T | undefined): Promise<T | undefined> {
  return new Promise((resolve) => {
    const finish = (seen?: T): void => {
      sidecar.off('state', lookAgain)
      clearTimeout(timer)
      resolve(seen)
    }
    const lookAgain = (): void => {
      const seen = look()
      if (seen !== undefined) finish(seen)
    }
    const timer = setTimeout(finish, WAIT_MS)
    sidecar.on('state', lookAgain)
    lookAgain()
  })
}

function settingsOf(sidecar: Sidecar, filterId: string): FilterSettings | undefined {
  return sidecar.state.sources.find((source) => source.filterId === filterId)?.last.settings ?? undefined
}
