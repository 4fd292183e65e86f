import { isSame } from '../../settings/same-value.ts'
import type { FilterSettings } from '../../settings/schema.ts'

/**
 * What this page changes in one filter's settings: the value that is shown before the filter has answered, and the steps
 * that can be taken back. Pure: times are handed in.
 */

export type Key = keyof FilterSettings
export type Changes = Partial<FilterSettings>

interface Pending {
  readonly value: unknown
  /** Under the user's finger: what others write is not shown meanwhile. */
  readonly isDragged: boolean
  /** What was shown before the drag: the filter's own values follow it. */
  readonly before: unknown
  /** Null: not sent yet. */
  readonly sentAtMs: number | null
}

interface Sent {
  readonly key: Key
  readonly value: unknown
  readonly atMs: number
}

/** Changes that are one step of undo together, such as presses of an arrow key. */
export interface Run {
  readonly name: string
  readonly atMs: number
}

/** One step of undo: a drag, a choice, a preset. */
interface Step {
  readonly before: Changes
  readonly after: Changes
  /** Keys that somebody else has changed since. */
  readonly changedElsewhere: readonly Key[]
  /** It goes on with the next change of the same name. */
  readonly run: Run | null
}

export interface Edits {
  /** As the filter said them last. */
  readonly known: FilterSettings | null
  readonly pending: Readonly<Partial<Record<Key, Pending>>>
  /** Sent, and not heard of yet: so that the page knows its own writes when they come back. */
  readonly sent: readonly Sent[]
  /** Oldest first. */
  readonly steps: readonly Step[]
}

export const NO_EDITS: Edits = { known: null, pending: {}, sent: [], steps: [] }

/** For so long the page shows what it sent while the filter says otherwise. */
export const ANSWER_MS = 1000
/** For so long a value that comes back is taken for the page's own. */
const OWN_MS = 5000
const MOST_STEPS = 100
/** A run goes on with what comes so soon. */
const RUN_MS = 1000

/** What is to be shown: the page's own value until the filter has answered it. Null until the filter was heard. */
export function shown(edits: Edits): FilterSettings | null {
  if (edits.known === null) return null
  const own = keysOf(edits.pending).map((key) => [key, edits.pending[key]!.value] as const)
  return { ...edits.known, ...(Object.fromEntries(own) as Changes) }
}

/** The filter has said its settings. */
export function told(edits: Edits, settings: FilterSettings): Edits {
  const { known } = edits
  const changed = known === null ? [] : keysOf(settings).filter((key) => !isSame(known[key], settings[key]))
  let { sent } = edits
  const elsewhere: Key[] = []
  for (const key of changed) {
    const own = sent.map((one) => one.key === key && isSame(one.value, settings[key])).lastIndexOf(true)
    if (own < 0) elsewhere.push(key)
    // What was sent before it was overwritten on the way. After somebody else's nothing of it counts any more.
    sent = sent.filter((one, i) => one.key !== key || (own >= 0 && i > own))
  }
  const steps = edits.steps.map((step) => {
    const touched = elsewhere.filter((key) => key in step.after && !step.changedElsewhere.includes(key))
    return touched.length === 0 ? step : { ...step, changedElsewhere: [...step.changedElsewhere, ...touched] }
  })
  const isAnswered = (key: Key, one: Pending): boolean => !one.isDragged && isSame(one.value, settings[key])
  return { known: settings, pending: keep(edits.pending, (key, one) => !isAnswered(key, one)), sent, steps }
}

/** A slider or a corner is being dragged. */
export function dragged(edits: Edits, changes: Changes): Edits {
  return { ...edits, pending: { ...edits.pending, ...pendingOf(changes, startOf(edits), true) } }
}

/** The user has let go, or chosen: one step of undo, with the value from before the drag or the run. */
export function changed(edits: Edits, changes: Changes, run: Run | null = null): Edits {
  const from = startOf(edits)
  const keys = keysOf(changes).filter((key) => !isSame(from[key], changes[key]))
  const pending = { ...edits.pending, ...pendingOf(changes, from, false) }
  if (keys.length === 0) return { ...edits, pending }
  const step: Step = { before: pick(from, keys), after: pick(changes, keys), changedElsewhere: [], run }
  const last = edits.steps.at(-1)
  if (last !== undefined && goesOn(last, run)) {
    const whole = { ...step, before: { ...step.before, ...last.before }, after: { ...last.after, ...step.after } }
    return { ...edits, pending, steps: [...edits.steps.slice(0, -1), whole] }
  }
  return { ...edits, pending, steps: [...edits.steps, step].slice(-MOST_STEPS) }
}

function goesOn({ run: last, changedElsewhere }: Step, run: Run | null): boolean {
  if (last === null || run === null || changedElsewhere.length > 0) return false
  return last.name === run.name && run.atMs - last.atMs <= RUN_MS
}

/** Without what the filter has already, or is being told: the last value of a drag, when it is let go. */
export function unsent(edits: Edits, changes: Changes): Changes {
  const isOnItsWay = (key: Key): boolean => {
    const last = edits.sent.filter((one) => one.key === key).at(-1)
    return isSame(last ? last.value : edits.known?.[key], changes[key])
  }
  return pick(
    changes,
    keysOf(changes).filter((key) => !isOnItsWay(key)),
  )
}

/** The filter's answer to changes is awaited from now on, whether they are sent now or were sent before. */
export function awaiting(edits: Edits, changes: Changes, nowMs: number): Edits {
  const pending = { ...edits.pending }
  for (const key of keysOf(changes)) {
    const one = pending[key]
    if (one && isSame(one.value, changes[key])) pending[key] = { ...one, sentAtMs: nowMs }
  }
  return { ...edits, pending }
}

/** Changes are on their way to the filter. */
export function sending(edits: Edits, changes: Changes, nowMs: number): Edits {
  const sent = keysOf(changes).map((key) => ({ key, value: changes[key], atMs: nowMs }))
  return { ...awaiting(edits, changes, nowMs), sent: [...edits.sent, ...sent] }
}

/** Changes were refused or did not arrive: the filter's own values are shown again, and there is nothing to undo. */
export function failed(edits: Edits, changes: Changes): Edits {
  const isFailed = (key: Key, value: unknown): boolean => key in changes && isSame(value, changes[key])
  const pending = keep(edits.pending, (key, one) => one.isDragged || !isFailed(key, one.value))
  const last = edits.steps.at(-1)
  const isLast = last !== undefined && keysOf(last.after).every((key) => isFailed(key, last.after[key]))
  return { ...edits, pending, steps: isLast ? edits.steps.slice(0, -1) : edits.steps }
}

/** Time has passed: what the filter has not taken on is no longer shown as if it had. */
export function expired(edits: Edits, nowMs: number): Edits {
  const isLate = (one: Pending): boolean => one.sentAtMs !== null && nowMs - one.sentAtMs >= ANSWER_MS
  return {
    ...edits,
    pending: keep(edits.pending, (_, one) => one.isDragged || !isLate(one)),
    sent: edits.sent.filter(({ atMs }) => nowMs - atMs < OWN_MS),
  }
}

export interface Undone {
  readonly edits: Edits
  /** To be sent. */
  readonly changes: Changes
  /** Left as they are, since somebody else has changed them. */
  readonly refused: readonly Key[]
}

/** Takes the last step back, but for the keys that were changed elsewhere since. Null: there is no step. */
export function undone(edits: Edits): Undone | null {
  const step = edits.steps.at(-1)
  if (step === undefined) return null
  const refused = step.changedElsewhere
  const changes = pick(
    step.before,
    keysOf(step.before).filter((key) => !refused.includes(key)),
  )
  const pending = { ...edits.pending, ...pendingOf(changes, startOf(edits), false) }
  return { edits: { ...edits, pending, steps: edits.steps.slice(0, -1) }, changes, refused }
}

function keysOf(of: Readonly<Partial<Record<Key, unknown>>>): Key[] {
  return Object.keys(of) as Key[]
}

function pick(from: Changes, keys: readonly Key[]): Changes {
  return Object.fromEntries(keys.map((key) => [key, from[key]]))
}

/** The values from before the drags that are going on. */
function startOf(edits: Edits): Changes {
  const drags = keysOf(edits.pending).filter((key) => edits.pending[key]!.isDragged)
  return { ...shown(edits), ...Object.fromEntries(drags.map((key) => [key, edits.pending[key]!.before])) }
}

function pendingOf(changes: Changes, from: Changes, isDragged: boolean): Edits['pending'] {
  const one = (key: Key): Pending => ({ value: changes[key], before: from[key], isDragged, sentAtMs: null })
  return Object.fromEntries(keysOf(changes).map((key) => [key, one(key)]))
}

function keep(pending: Edits['pending'], isKept: (key: Key, one: Pending) => boolean): Edits['pending'] {
  return Object.fromEntries(keysOf(pending).flatMap((key) => (isKept(key, pending[key]!) ? [[key, pending[key]]] : [])))
}
