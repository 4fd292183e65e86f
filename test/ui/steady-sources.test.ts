/** Seen red: with `seen` never set; with a limit of 0. */
import { expect, it } from 'vitest'
import type { PanelState } from '../../src/api/index.ts'
import { AWAY_AFTER_MS, SteadySources } from '../../src/ui/steady-sources.ts'

const told = (...connected: boolean[]): PanelState =>
  ({ sources: connected.map((is, n) => ({ id: 'a1', obs: { pid: n, version: '32' }, connected: is })) }) as PanelState
const shown = ({ state }: { state: PanelState }) => state.sources.map(({ connected }) => connected)

it('shows a source that leaves as away after a while, and one that is back at once as never gone', () => {
  const steady = new SteadySources()
  expect(shown(steady.show(told(true), 0))).toEqual([true])
  const held = steady.show(told(false), 100)
  expect([shown(held), held.isHeld]).toEqual([[true], true])
  expect(shown(steady.show(told(true), 400))).toEqual([true])
  expect(shown(steady.show(told(false), 400 + AWAY_AFTER_MS - 1))).toEqual([true])
  const gone = steady.show(told(false), 400 + AWAY_AFTER_MS)
  expect([shown(gone), gone.isHeld]).toEqual([[false], false])
})

it('holds none that was away from the beginning, and tells the filters of two OBS apart', () => {
  const steady = new SteadySources()
  expect(shown(steady.show(told(false, true), 0))).toEqual([false, true])
  expect(shown(steady.show(told(false, false), 10))).toEqual([false, true])
})
