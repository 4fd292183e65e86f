import type { ComponentChildren } from 'preact'
import type { Complaint } from '../../errors/complaint.ts'
import { words } from '../locale/index.ts'
import { Sentence } from './sentence.tsx'

interface NoticeProps {
  /** `danger`: the room is seen; `error`: something does not work; `warning`: it works otherwise than wished. */
  readonly kind?: 'danger' | 'error' | 'warning' | 'info' | 'good'
  /** What was found, and what to do. */
  readonly complaint?: Pick<Complaint, 'message' | 'mend'>
  /** Whether a screen reader says it at once: for the answer to something that the user did. */
  readonly isLive?: boolean
  readonly onClose?: () => void
  readonly children?: ComponentChildren
}

/** A line that wants to be seen: an error with its mend, a warning, advice. */
export function Notice({ kind = 'error', complaint, isLive = false, onClose, children }: NoticeProps) {
  return (
    <div class={`notice notice-${kind}`} role={isLive ? 'alert' : undefined}>
      <div class="notice-text">
        {complaint && (
          <p>
            <strong>
              <Sentence text={complaint.message} />
            </strong>{' '}
            <Sentence text={complaint.mend} />
          </p>
        )}
        {children}
      </div>
      {onClose && (
        <button type="button" class="plain close" aria-label={words.common.dismiss} onClick={onClose}>
          ×
        </button>
      )}
    </div>
  )
}
