import { effect, signal, type ReadonlySignal } from '@preact/signals'
import type { Complaint } from '../../errors/complaint.ts'
import { call } from '../call.ts'
import { state } from '../live.ts'
import { complaintOf } from '../parts/index.ts'
import {
  ANSWER_MS,
  awaiting,
  changed,
  dragged,
  expired,
  failed,
  NO_EDITS,
  sending,
  told,
  undone,
  unsent,
  type Changes,
  type Edits,
  type Key,
} from './edits.ts'
import { isRebuild, Outbox } from './outbox.ts'

/** Changes one filter's settings from this page, and takes them back. */
export interface Editor {
  readonly edits: ReadonlySignal<Edits>
  /** Why the last change was refused. */
  readonly error: ReadonlySignal<Complaint | null>
  /** What the last undo left as it is. */
  readonly refused: ReadonlySignal<readonly Key[]>
  /** While the user drags: what rebuilds the network waits until he lets go. */
  drag(changes: Changes): void
  /** @param run - what this is done with; what is done with it again within a second is the same step of undo */
  change(changes: Changes, run?: string): void
  /**
   * As `change`, where the sidecar is asked in another way than key by key.
   *
   * @returns why it was refused, as `error` says it; null: it was not
   */
  changeBy(changes: Changes, work: () => Promise<unknown>): Promise<Complaint | null>
  undo(): void
  /** The notices were read. */
  forget(): void
}

const editors = new Map<string, Editor>()

/** The filter's one editor in this page: its undo lasts while the page does. */
export function editorOf(filterId: string): Editor {
  const editor = editors.get(filterId) ?? makeEditor(filterId)
  editors.set(filterId, editor)
  return editor
}

function makeEditor(filterId: string): Editor {
  const edits = signal(NO_EDITS)
  const error = signal<Complaint | null>(null)
  const refused = signal<readonly Key[]>([])

  const expireLater = (): void => {
    setTimeout(() => (edits.value = expired(edits.value, performance.now())), ANSWER_MS)
  }
  const send = async (changes: Changes, work: () => Promise<unknown>): Promise<Complaint | null> => {
    edits.value = sending(edits.value, changes, performance.now())
    let complaint: Complaint | null = null
    try {
      await work()
    } catch (cause) {
      complaint = complaintOf(cause)
      error.value = complaint
      edits.value = failed(edits.value, changes)
    }
    expireLater()
    return complaint
  }
  const outbox = new Outbox(async (waiting) => {
    const changes = unsent(edits.value, waiting)
    // What was sent while it was dragged is not sent again; somebody else may have overwritten it since.
    edits.value = awaiting(edits.value, waiting, performance.now())
    if (Object.keys(changes).length === 0) expireLater()
    else await send(changes, () => call('PATCH', `/api/sources/${filterId}/settings`, changes))
  })
  const forget = (): void => {
    error.value = null
    refused.value = []
  }

  effect(() => {
    const settings = state.value?.sources.find(({ id }) => id === filterId)?.settings
    if (settings) edits.value = told(edits.peek(), settings)
  })

  return {
    edits,
    error,
    refused,
    drag(changes) {
      edits.value = dragged(edits.value, changes)
      const live = Object.entries(changes).filter(([key]) => !isRebuild(key as Key))
      if (live.length > 0) outbox.put(Object.fromEntries(live))
    },
    change(changes, run) {
      forget()
      const named = run === undefined ? null : { name: run, atMs: performance.now() }
      edits.value = changed(edits.value, changes, named)
      outbox.put(changes)
    },
    async changeBy(changes, work) {
      forget()
      edits.value = changed(edits.value, changes)
      return send(changes, work)
    },
    undo() {
      forget()
      const result = undone(edits.value)
      if (result === null) return
      edits.value = result.edits
      refused.value = result.refused
      outbox.put(result.changes)
    },
    forget,
  }
}
