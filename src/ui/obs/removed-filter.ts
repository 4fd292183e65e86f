import type { SourceView } from '../../api/index.ts'
import type { FilterSettings } from '../../settings/index.ts'
import { call, CallError } from '../call.ts'
import { state } from '../live.ts'
import { words } from '../locale/index.ts'

/** All that is needed to put a filter back as it was. */
export interface RemovedFilter {
  readonly source: string
  readonly filter: string
  readonly index: number
  readonly enabled: boolean
  /** Null where it was not connected: it comes back with the defaults. */
  readonly settings: FilterSettings | null
}

/** OBS makes the filter at once; a busy one connects within a few seconds. */
const CONNECTS_WITHIN_MS = 15_000
const LOOKS_EVERY_MS = 200

/** Goes on where it failed, when it is called again. @throws {CallError} */
export type PutBack = () => Promise<void>

/** Adds a filter again as it was, under a new id. */
export function puttingBack(removed: RemovedFilter): PutBack {
  const { source, filter, index, enabled } = removed
  let added: { readonly filterId: string | null } | undefined
  return async () => {
    added ??= await call<{ filterId: string | null }>('POST', '/api/obs/filters', { source, name: filter })
    await call('PATCH', '/api/obs/filters', { source, filter, index, enabled })
    await giveSettings(removed, added.filterId)
  }
}

async function giveSettings({ source, filter, settings }: RemovedFilter, filterId: string | null): Promise<void> {
  if (settings === null) return
  const isMeant = (found: SourceView) =>
    filterId === null ? found.source === source && found.filter === filter : found.id === filterId
  const connected = await hasConnected((found) => found.connected && found.settings !== null && isMeant(found))
  if (!connected) throw new CallError({ code: 'SOURCE_AWAY', ...words.obs.settingsLost(filter) })
  await call('PATCH', `/api/sources/${connected.id}/settings`, settings)
}

/** The filter that is meant, when it is there; null: it did not come in time. */
async function hasConnected(isMeant: (source: SourceView) => boolean): Promise<SourceView | null> {
  const end = performance.now() + CONNECTS_WITHIN_MS
  for (;;) {
    const found = state.value?.sources.find(isMeant)
    if (found) return found
    if (performance.now() > end) return null
    await new Promise((resolve) => setTimeout(resolve, LOOKS_EVERY_MS))
  }
}
