import { call } from '../call.ts'
import { words } from '../locale/index.ts'
import { Busy, Dialog, Notice, useCall } from '../parts/index.ts'
import type { RemovedFilter } from './removed-filter.ts'

interface RemoveDialogProps {
  readonly filter: RemovedFilter
  readonly onClose: () => void
  readonly onRemoved: () => void
}

/** Asks before a filter is removed: the room is seen from then on. */
export function RemoveDialog({ filter: { source, filter, settings }, onClose, onRemoved }: RemoveDialogProps) {
  const said = words.obs.removing
  const { isBusy, error, run } = useCall()
  const remove = async () => {
    const query = new URLSearchParams({ source, filter }).toString()
    if (!(await run(() => call('DELETE', `/api/obs/filters?${query}`)))) return
    onRemoved()
    onClose()
  }
  return (
    <Dialog
      title={said.title(filter)}
      onClose={onClose}
      actions={
        <>
          <button type="button" class="secondary outline" onClick={onClose}>
            {words.common.cancel}
          </button>
          <Busy isBusy={isBusy} kind="danger" onClick={() => void remove()}>
            {said.remove}
          </Busy>
        </>
      }
    >
      <p>{said.roomIsShown(source)}</p>
      <p class="muted">{settings ? said.undoable : said.settingsAreLost}</p>
      {error && <Notice complaint={error} isLive />}
    </Dialog>
  )
}
