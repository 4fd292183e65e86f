import type { ComponentChildren } from 'preact'
import { useState } from 'preact/hooks'
import { words } from '../locale/index.ts'
import { Busy } from './busy.tsx'
import { Dialog } from './dialog.tsx'
import { Notice } from './notice.tsx'
import { TextField } from './text-field.tsx'
import { useCall } from './use-call.ts'

interface NameDialogProps {
  readonly title: string
  /** Names that are there: one of them is replaced. */
  readonly taken: readonly string[]
  /** Whether there is something to be saved; default: there is. */
  readonly canSave?: boolean
  /** It closes where this goes well, and shows the error where it does not. */
  readonly onSave: (name: string) => Promise<unknown>
  readonly onClose: () => void
  readonly children?: ComponentChildren
}

/** Saves something under a name. */
export function NameDialog({ title, taken, canSave = true, onSave, onClose, children }: NameDialogProps) {
  const { isBusy, error, run } = useCall()
  const [typed, setTyped] = useState('')
  const name = typed.trim()
  const isReady = name !== '' && canSave
  const save = async (): Promise<void> => {
    if (await run(() => onSave(name))) onClose()
  }
  const actions = (
    <>
      <Busy kind="secondary outline" isBusy={false} onClick={onClose}>
        {words.common.cancel}
      </Busy>
      <Busy isBusy={isBusy} isDisabled={!isReady} onClick={() => void save()}>
        {taken.includes(name) ? words.common.replace : words.common.save}
      </Busy>
    </>
  )
  return (
    <Dialog title={title} onClose={onClose} actions={actions}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          if (isReady) void save()
        }}
      >
        <TextField title={words.common.name} value={typed} maxLength={64} onInput={setTyped} />
      </form>
      {children}
      {error && <Notice complaint={error} isLive />}
    </Dialog>
  )
}
