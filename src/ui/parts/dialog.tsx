import type { ComponentChildren } from 'preact'
import { useEffect, useId, useRef } from 'preact/hooks'
import { words } from '../locale/index.ts'

interface DialogProps {
  readonly title: string
  readonly onClose: () => void
  /** The buttons at its end; the last is the one that does it. */
  readonly actions?: ComponentChildren
  readonly children: ComponentChildren
}

/**
 * A question over the page, open while it is drawn. Its first field has the focus, so that it can be typed in at once.
 * Escape closes it, and the focus goes back to where it was.
 */
export function Dialog({ title, onClose, actions, children }: DialogProps) {
  const id = useId()
  const dialog = useRef<HTMLDialogElement>(null)
  useEffect(() => {
    const before = document.activeElement
    dialog.current?.showModal()
    dialog.current?.querySelector('input')?.focus()
    return () => {
      if (before instanceof HTMLElement) before.focus()
    }
  }, [])
  return (
    <dialog ref={dialog} aria-labelledby={id} onClose={onClose}>
      <article>
        <div class="card-head">
          <h2 id={id}>{title}</h2>
          <button type="button" class="plain close" aria-label={words.common.close} onClick={onClose}>
            ×
          </button>
        </div>
        {children}
        {actions !== undefined && <div class="actions">{actions}</div>}
      </article>
    </dialog>
  )
}
