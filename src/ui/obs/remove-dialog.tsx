import { call } from '../call.ts'
import { words } from '../locale/index.ts'
import { ConfirmDialog } from '../parts/index.ts'
import type { RemovedFilter } from './removed-filter.ts'

interface RemoveDialogProps {
  readonly filter: RemovedFilter
  readonly onClose: () => void
  readonly onRemoved: () => void
}

/** Asks before a filter is removed: the room is seen from then on. */
export function RemoveDialog({ filter: { source, filter, settings }, onClose, onRemoved }: RemoveDialogProps) {
  const said = words.obs.removing
  const query = new URLSearchParams({ source, filter }).toString()
  const remove = async (): Promise<void> => {
    await call('DELETE', `/api/obs/filters?${query}`)
    onRemoved()
  }
  return (
    <ConfirmDialog title={said.title(filter)} action={said.remove} work={remove} onClose={onClose}>
      <p>{said.roomIsShown(source)}</p>
      <p class="muted">{settings ? said.undoable : said.settingsAreLost}</p>
    </ConfirmDialog>
  )
}
