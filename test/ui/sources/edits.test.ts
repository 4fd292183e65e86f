import { describe, expect, it } from 'vitest'
import type { FilterSettings } from '../../../src/settings/schema.ts'
import {
  awaiting,
  changed,
  dragged,
  expired,
  failed,
  NO_EDITS,
  sending,
  shown,
  told,
  undone,
  unsent,
  type Edits,
} from '../../../src/ui/sources/edits.ts'

// To see it red: without `before` in a pending value, “one step a drag” undoes to the last value that was sent while dragging;
// with `told` not looking at what was sent, every own change counts as somebody else's and no undo is granted. Seen red
// with `awaiting` that marks nothing, with `RUN_MS` of 0 and of 10 000, and with a run that goes on over others' changes.

const SETTINGS: FilterSettings = {
  ratio: 0,
  refiner: 'deep',
  background: 'remove',
  blur_radius: 24,
  view: 'result',
  decontaminate: true,
  level_low: 0,
  level_high: 1,
  feather: 0,
  regions: [],
  pairing: 'matched',
  in_between: 'nearest',
  max_delay_ms: 150,
  when_unavailable: 'hide',
  reset_on_scene_change: 'always',
  cut_detection: true,
}
const START = told(NO_EDITS, SETTINGS)

/** A change that was sent and answered. */
function done(edits: Edits, changes: Partial<FilterSettings>): Edits {
  return told(sending(changed(edits, changes), changes, 0), { ...edits.known!, ...changes })
}

describe('changes of settings in a page', () => {
  it('shows nothing before the filter was heard', () => {
    expect(shown(NO_EDITS)).toBeNull()
  })

  it('shows its own value at once, before the filter has answered', () => {
    expect(shown(changed(START, { feather: 2 }))?.feather).toBe(2)
  })

  it('keeps its own value while older ones come back', () => {
    let edits = sending(changed(START, { feather: 1 }), { feather: 1 }, 0)
    edits = sending(changed(edits, { feather: 2 }), { feather: 2 }, 100)
    edits = told(edits, { ...SETTINGS, feather: 1 })
    expect(shown(edits)?.feather).toBe(2)
    expect(shown(told(edits, { ...SETTINGS, feather: 2 }))?.feather).toBe(2)
  })

  it('shows what others write, of another key at once', () => {
    const edits = changed(START, { feather: 2 })
    expect(shown(told(edits, { ...SETTINGS, blur_radius: 8 }))).toMatchObject({ feather: 2, blur_radius: 8 })
  })

  it('shows what others wrote after it, once its own was answered', () => {
    const edits = done(START, { feather: 2 })
    expect(shown(told(edits, { ...SETTINGS, feather: 5 }))?.feather).toBe(5)
  })

  it('does not let others break a drag in progress', () => {
    const edits = told(dragged(START, { feather: 2 }), { ...SETTINGS, feather: -3 })
    expect(shown(edits)?.feather).toBe(2)
    expect(shown(expired(edits, 60_000))?.feather).toBe(2)
  })

  it('shows the filter’s value again where it has not taken the change on within a second', () => {
    const edits = sending(changed(START, { feather: 2 }), { feather: 2 }, 5000)
    expect(shown(expired(edits, 5999))?.feather).toBe(2)
    expect(shown(expired(edits, 6000))?.feather).toBe(0)
  })

  it('shows what others wrote over the end of a drag that had been sent before it was let go', () => {
    let edits = changed(sending(dragged(START, { feather: 2 }), { feather: 2 }, 0), { feather: 2 })
    edits = told(awaiting(edits, { feather: 2 }, 100), { ...SETTINGS, feather: -1 })
    expect(shown(expired(edits, 1100))?.feather).toBe(-1)
  })

  it('shows the filter’s value again where the change failed, with nothing to undo', () => {
    const edits = failed(sending(changed(START, { feather: 2 }), { feather: 2 }, 0), { feather: 2 })
    expect(shown(edits)?.feather).toBe(0)
    expect(undone(edits)).toBeNull()
  })
})

describe('what is still to be sent', () => {
  it('is not the end of a drag that was sent already', () => {
    const edits = changed(sending(dragged(START, { feather: 2 }), { feather: 2 }, 0), { feather: 2 })
    expect(unsent(edits, { feather: 2 })).toEqual({})
    expect(unsent(told(edits, { ...SETTINGS, feather: 2 }), { feather: 2 })).toEqual({})
  })

  it('is what the filter has, where something else is on its way to it', () => {
    const edits = sending(START, { feather: 2 }, 0)
    expect(unsent(edits, { feather: 0, blur_radius: 24 })).toEqual({ feather: 0 })
  })

  it('is the end of a drag that somebody else has written over', () => {
    const edits = sending(dragged(START, { feather: 2 }), { feather: 2 }, 0)
    expect(unsent(told(edits, { ...SETTINGS, feather: -3 }), { feather: 2 })).toEqual({ feather: 2 })
  })
})

describe('undo', () => {
  it('takes a whole drag back in one step, though the filter followed it', () => {
    let edits = START
    for (const feather of [1, 2, 3]) {
      edits = told(sending(dragged(edits, { feather }), { feather }, 0), { ...SETTINGS, feather })
    }
    edits = done(edits, { feather: 4 })
    expect(edits.steps).toHaveLength(1)
    expect(undone(edits)).toMatchObject({ changes: { feather: 0 }, refused: [] })
  })

  it('takes a run of presses of a key back in one step, until it pauses, or another key or corner is taken', () => {
    const press = (edits: Edits, feather: number, name: string, atMs: number): Edits => {
      const next = changed(edits, { feather }, { name, atMs })
      return told(sending(next, { feather }, atMs), { ...SETTINGS, feather })
    }
    let edits = press(press(press(START, 1, 'corner 1', 0), 2, 'corner 1', 900), 3, 'corner 1', 1800)
    expect(undone(edits)?.changes).toEqual({ feather: 0 })
    edits = press(press(edits, 4, 'corner 1', 2900), 5, 'corner 2', 3000)
    const first = undone(edits)!
    const second = undone(first.edits)!
    expect([first, second, undone(second.edits)].map((one) => one?.changes)).toEqual([
      { feather: 4 },
      { feather: 3 },
      { feather: 0 },
    ])
  })

  it('begins a new step where somebody else has changed something between two presses', () => {
    let edits = done(changed(START, { feather: 1 }, { name: 'key', atMs: 0 }), { feather: 1 })
    edits = told(edits, { ...SETTINGS, feather: 7 })
    expect(undone(changed(edits, { feather: 8 }, { name: 'key', atMs: 100 }))).toMatchObject({
      changes: { feather: 7 },
      refused: [],
    })
  })

  it('takes steps back in turn, the last first', () => {
    const edits = done(done(START, { feather: 1 }), { view: 'alpha' })
    const first = undone(edits)!
    expect(first.changes).toEqual({ view: 'result' })
    expect(undone(first.edits)?.changes).toEqual({ feather: 0 })
  })

  it('makes no step where nothing has changed', () => {
    expect(undone(done(START, { feather: 0 }))).toBeNull()
  })

  it('takes a preset back as one step', () => {
    const edits = done(START, { feather: 2, background: 'blur' })
    expect(undone(edits)?.changes).toEqual({ feather: 0, background: 'remove' })
  })

  it('refuses keys that were changed elsewhere since, and takes back the others', () => {
    const edits = told(done(START, { feather: 2, background: 'blur' }), {
      ...SETTINGS,
      feather: 7,
      background: 'blur',
    })
    expect(undone(edits)).toMatchObject({ changes: { background: 'remove' }, refused: ['feather'] })
  })

  it('refuses a key that was changed elsewhere and back again', () => {
    let edits = done(START, { feather: 2 })
    edits = told(edits, { ...SETTINGS, feather: 7 })
    edits = told(edits, { ...SETTINGS, feather: 2 })
    expect(undone(edits)).toMatchObject({ changes: {}, refused: ['feather'] })
  })

  it('does not take its own values for somebody else’s when some were lost on the way', () => {
    let edits = START
    for (const feather of [1, 2, 3]) edits = sending(changed(edits, { feather }), { feather }, 0)
    edits = told(edits, { ...SETTINGS, feather: 3 })
    expect(undone(edits)).toMatchObject({ changes: { feather: 2 }, refused: [] })
    expect(edits.sent).toEqual([])
  })

  it('is not refused for numbers that went through single precision', () => {
    const sent = sending(changed(START, { level_low: 0.1 }), { level_low: 0.1 }, 0)
    const edits = told(sent, { ...SETTINGS, level_low: Math.fround(0.1) })
    expect(edits.pending).toEqual({})
    expect(undone(edits)?.refused).toEqual([])
  })
})
