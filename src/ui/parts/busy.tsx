import type { ComponentChildren } from 'preact'

interface BusyProps {
  readonly isBusy: boolean
  readonly onClick: () => void
  readonly kind?: 'primary' | 'secondary outline' | 'danger' | 'plain'
  readonly isDisabled?: boolean
  /** Whether it is pressed, of a button that stays so. */
  readonly isPressed?: boolean
  /** What a screen reader says in place of its text. */
  readonly label?: string
  readonly children: ComponentChildren
}

/** A button whose work takes a while: it shows so, and does not start twice. It keeps its focus meanwhile. */
export function Busy({ isBusy, onClick, kind = 'primary', isDisabled = false, isPressed, label, children }: BusyProps) {
  return (
    <button
      type="button"
      class={kind}
      disabled={isDisabled}
      aria-busy={isBusy || undefined}
      aria-pressed={isPressed}
      aria-label={label}
      onClick={() => {
        if (!isBusy) onClick()
      }}
    >
      {children}
    </button>
  )
}
