import { useState } from 'preact/hooks'
import type { Complaint } from '../../errors/complaint.ts'
import { CallError } from '../call.ts'
import { words } from '../locale/index.ts'

export interface Calling {
  readonly isBusy: boolean
  /** Why the last one failed. */
  readonly error: Complaint | null
  /** Does it, and resolves to whether it went well; never rejects. */
  readonly run: (work: () => Promise<unknown>) => Promise<boolean>
  readonly forget: () => void
}

/** An action on the sidecar: busy while it runs, its error kept to be shown in a `Notice`. */
export function useCall(): Calling {
  const [isBusy, setBusy] = useState(false)
  const [error, setError] = useState<Complaint | null>(null)
  const run = async (work: () => Promise<unknown>): Promise<boolean> => {
    setBusy(true)
    setError(null)
    try {
      await work()
      return true
    } catch (cause) {
      setError(complaintOf(cause))
      return false
    } finally {
      setBusy(false)
    }
  }
  return { isBusy, error, run, forget: () => setError(null) }
}

export function complaintOf(cause: unknown): Complaint {
  if (cause instanceof CallError) return cause.complaint
  return { code: 'PAGE', message: cause instanceof Error ? cause.message : String(cause), mend: words.common.reload }
}
