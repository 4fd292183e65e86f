import type { AddFilter, ChangeFilter, NamedFilter, ObsFilter } from '../api/index.ts'
import { MatteboxError } from '../errors/index.ts'
import { hasStatus, refused, STATUS, type ObsSocket } from './obs-socket.ts'
import { filterView } from './read-contents.ts'
import { OUR_KIND } from './source-kinds.ts'

/** What OBS itself would call a new one. */
const DEFAULT_NAME = 'Mattebox background removal'

/** Whether an OBS knows our filter; null where it cannot be asked. */
export async function knowsOurFilter(socket: ObsSocket): Promise<boolean | null> {
  try {
    await socket.call('GetSourceFilterDefaultSettings', { filterKind: OUR_KIND })
    return true
  } catch (error) {
    if (error instanceof MatteboxError) throw error
    return hasStatus(error, STATUS.InvalidFilterKind) ? false : null
  }
}

/**
 * Puts our filter on a source, behind those that are there, as OBS itself does. A crop then stands before it, and the
 * network sees only what the crop leaves: a larger person, less of the room. Corrections of colour come first too, so
 * that the foreground's colour is found on the corrected picture.
 *
 * @returns the id of the filter; null where OBS does not tell it
 * @throws {MatteboxError} OBS_SOURCE_NONE, OBS_PLUGIN_NONE, OBS_REFUSED, OBS_AWAY, OBS_SILENT
 */
export async function addFilter(
  socket: ObsSocket,
  { source, name = DEFAULT_NAME }: AddFilter,
): Promise<{ filterId: string | null }> {
  const taken = new Set((await filtersOf(socket, source)).map((filter) => filter.name))
  for (;;) {
    const filterName = freeName(name, taken)
    try {
      await socket.call('CreateSourceFilter', { sourceName: source, filterName, filterKind: OUR_KIND })
      const made = await findFilter(socket, { source, filter: filterName })
      return { filterId: made.filterId }
    } catch (error) {
      if (hasStatus(error, STATUS.InvalidFilterKind)) throw withoutPlugin()
      if (hasStatus(error, STATUS.ResourceNotFound)) throw noSource(source)
      if (!hasStatus(error, STATUS.ResourceAlreadyExists)) throw refused(error)
      // Somebody took it just now.
      taken.add(filterName)
    }
  }
}

/** @throws {MatteboxError} OBS_SOURCE_NONE, OBS_FILTER_NONE, OBS_FILTER_FOREIGN, OBS_REFUSED, OBS_AWAY, OBS_SILENT */
export async function removeFilter(socket: ObsSocket, which: NamedFilter): Promise<void> {
  await findFilter(socket, which)
  await change(which, () => socket.call('RemoveSourceFilter', { sourceName: which.source, filterName: which.filter }))
}

/**
 * Switches a filter of ours on or off, or moves it; an index past the end means the end.
 *
 * @throws {MatteboxError} OBS_SOURCE_NONE, OBS_FILTER_NONE, OBS_FILTER_FOREIGN, OBS_REFUSED, OBS_AWAY, OBS_SILENT
 */
export async function changeFilter(socket: ObsSocket, { source, filter, enabled, index }: ChangeFilter): Promise<void> {
  const which = { source, filter }
  const named = { sourceName: source, filterName: filter }
  await findFilter(socket, which)
  if (enabled !== undefined)
    await change(which, () => socket.call('SetSourceFilterEnabled', { ...named, filterEnabled: enabled }))
  if (index === undefined) return
  const last = (await filtersOf(socket, source)).length - 1
  const filterIndex = Math.min(index, last)
  await change(which, () => socket.call('SetSourceFilterIndex', { ...named, filterIndex }))
}

/** A filter of ours. */
async function findFilter(socket: ObsSocket, { source, filter }: NamedFilter): Promise<ObsFilter> {
  const found = (await filtersOf(socket, source)).find(({ name }) => name === filter)
  if (!found) throw noFilter({ source, filter })
  if (found.kind === OUR_KIND) return found
  const message = `The filter “${filter}” on “${source}” is not mattebox’s (${found.kind}).`
  throw new MatteboxError('OBS_FILTER_FOREIGN', message, 'Change it in OBS.')
}

async function filtersOf(socket: ObsSocket, sourceName: string): Promise<ObsFilter[]> {
  try {
    const { filters } = await socket.call('GetSourceFilterList', { sourceName })
    return filters.map(filterView)
  } catch (error) {
    throw hasStatus(error, STATUS.ResourceNotFound) ? noSource(sourceName) : refused(error)
  }
}

async function change(which: NamedFilter, request: () => Promise<unknown>): Promise<void> {
  try {
    await request()
  } catch (error) {
    throw hasStatus(error, STATUS.ResourceNotFound) ? noFilter(which) : refused(error)
  }
}

function freeName(wanted: string, taken: ReadonlySet<string>): string {
  if (!taken.has(wanted)) return wanted
  for (let n = 2; ; n++) if (!taken.has(`${wanted} ${n}`)) return `${wanted} ${n}`
}

function noSource(source: string): MatteboxError {
  const message = `There is no source “${source}” in OBS.`
  return new MatteboxError('OBS_SOURCE_NONE', message, 'It was removed or renamed: choose it anew.')
}

function noFilter({ source, filter }: NamedFilter): MatteboxError {
  const message = `There is no filter “${filter}” on “${source}” in OBS.`
  return new MatteboxError('OBS_FILTER_NONE', message, 'It was removed or renamed: choose it anew.')
}

function withoutPlugin(): MatteboxError {
  const message = 'The OBS that runs does not know the filter of mattebox.'
  return new MatteboxError('OBS_PLUGIN_NONE', message, 'Run `mattebox obs install`, then restart OBS.')
}
