/** Seen red: with `connections` never compared; with what was heard kept; with nothing forgotten in time. */
import { expect, it } from 'vitest'
import { ask, askedStill, NOTHING_ASKED } from '../../../src/sidecar/main/asked.ts'
import { addReports, NO_HISTORY, sourceMetrics, type SourceMetrics } from '../../../src/sidecar/main/metrics.ts'
import type { FilterSettings } from '../../../src/settings/index.ts'
import { report } from './told.ts'

const ID = '00000000000000aa'
const CHANGES = { feather: 3, blur_radius: 40 }

function told(settings: Partial<FilterSettings> | null, received = 0) {
  const one = report(ID, { received })
  return { ...one, settings: settings && { ...one.settings!, ...settings } }
}

/** The filter, as reported one time after the other; null: it is gone. */
function heard(...reports: (ReturnType<typeof told> | null)[]): SourceMetrics[] {
  return sourceMetrics(reports.reduce((history, one) => addReports(history, one ? [one] : []), NO_HISTORY))
}

const asked = ask(NOTHING_ASKED, ID, CHANGES, heard(told({}, 5)), 0)

it('asks once, and forgets what the filter has taken on', () => {
  const some = askedStill(asked, heard(told({ feather: 3.0000001 }, 6)), 100)
  expect(some.again).toEqual([])
  expect(some.left.get(ID)?.changes).toEqual({ blur_radius: 40 })
  expect(askedStill(some.left, heard(told(CHANGES, 7)), 200).left.size).toBe(0)
})

it('asks a filter again that has connected anew without it, once, and only for what it has not', () => {
  const away = askedStill(asked, heard(told({}, 5), null), 100)
  expect(away.again).toEqual([])
  const silent = askedStill(away.left, heard(told({}, 5), null, told(null)), 200)
  expect(silent.again, 'before it has told its settings').toEqual([])
  const back = heard(told({}, 5), null, told({ feather: 3 }))
  const first = askedStill(silent.left, back, 300)
  expect(first.again).toEqual([{ filterId: ID, changes: { blur_radius: 40 } }])
  expect(askedStill(first.left, back, 400).again).toEqual([])
})

it('asks a filter that was away when it was asked', () => {
  const away = ask(NOTHING_ASKED, ID, CHANGES, heard(told({}, 5), null), 0)
  const { again } = askedStill(away, heard(told({}, 5), null, told({})), 100)
  expect(again).toEqual([{ filterId: ID, changes: CHANGES }])
})

it('sends the last value of what was asked for twice', () => {
  const twice = ask(asked, ID, { feather: -1 }, heard(told({}, 5)), 0)
  const { again } = askedStill(twice, heard(told({}, 5), null, told({})), 100)
  expect(again).toEqual([{ filterId: ID, changes: { feather: -1, blur_radius: 40 } }])
})

it('forgets it after ten seconds: what the user sets in OBS meanwhile stays', () => {
  const back = heard(told({}, 5), null, told({}))
  expect(askedStill(asked, back, 9_999).again).toHaveLength(1)
  expect(askedStill(asked, back, 10_000)).toEqual({ left: NOTHING_ASKED, again: [] })
})
