import type { ComponentChildren } from 'preact'
import { words } from '../locale/index.ts'
import { Busy } from './busy.tsx'
import { Dialog } from './dialog.tsx'
import { Notice } from './notice.tsx'
import { useCall } from './use-call.ts'

interface ConfirmDialogProps {
  readonly title: string
  /** On the button that does it. */
  readonly action: string
  /** It closes where this goes well, and shows the error where it does not. */
  readonly work: () => Promise<unknown>
  readonly onClose: () => void
  readonly children: ComponentChildren
}

/** Asks before something is done that takes something away. */
export function ConfirmDialog({ title, action, work, onClose, children }: ConfirmDialogProps) {
  const { isBusy, error, run } = useCall()
  const act = async (): Promise<void> => {
    if (await run(work)) onClose()
  }
  const actions = (
    <>
      <button type="button" class="secondary outline" onClick={onClose}>
        {words.common.cancel}
      </button>
      <Busy isBusy={isBusy} kind="danger" onClick={() => void act()}>
        {action}
      </Busy>
    </>
  )
  return (
    <Dialog title={title} onClose={onClose} actions={actions}>
      {children}
      {error && <Notice complaint={error} isLive />}
    </Dialog>
  )
}
