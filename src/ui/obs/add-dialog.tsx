import { useState } from 'preact/hooks'
import { call } from '../call.ts'
import { words } from '../locale/index.ts'
import { Busy, Dialog, Notice, TextField, useCall } from '../parts/index.ts'

interface AddDialogProps {
  readonly source: string
  readonly onClose: () => void
  readonly onAdded: (filterId: string | null) => void
}

/** Puts the filter on a source, under a name. */
export function AddDialog({ source, onClose, onAdded }: AddDialogProps) {
  const said = words.obs.adding
  const [name, setName] = useState<string>(said.defaultName)
  const { isBusy, error, run } = useCall()
  const add = async () => {
    if (isBusy || name.trim() === '') return
    const done = await run(async () => {
      const { filterId } = await call<{ filterId: string | null }>('POST', '/api/obs/filters', {
        source,
        name: name.trim(),
      })
      onAdded(filterId)
    })
    if (done) onClose()
  }
  return (
    <Dialog
      title={said.title(source)}
      onClose={onClose}
      actions={
        <>
          <button type="button" class="secondary outline" onClick={onClose}>
            {words.common.cancel}
          </button>
          <Busy isBusy={isBusy} isDisabled={name.trim() === ''} onClick={() => void add()}>
            {said.add}
          </Busy>
        </>
      }
    >
      <form
        onSubmit={(event) => {
          event.preventDefault()
          void add()
        }}
      >
        <TextField title={said.name} description={said.nameAbout} maxLength={512} value={name} onInput={setName} />
      </form>
      {error && <Notice complaint={error} isLive />}
    </Dialog>
  )
}
