import { describe, expect, it } from 'vitest'
import { History, SPAN_MS } from '../../../src/ui/figures/history.ts'
import { silenceAt } from '../../../src/ui/figures/sample.ts'

// Seen red with the bound by time taken out, and with the bound by number taken out.
describe('what the page remembers of the figures', () => {
  it('is every sample, oldest first', () => {
    const history = new History()
    for (const atMs of [10, 20, 30]) history.add(silenceAt(atMs))
    expect(history.samples.map(({ atMs }) => atMs)).toEqual([10, 20, 30])
  })

  it('is no older than five minutes', () => {
    const history = new History()
    for (const atMs of [0, 1, 1000]) history.add(silenceAt(atMs))
    history.add(silenceAt(SPAN_MS + 1))
    expect(history.samples.map(({ atMs }) => atMs)).toEqual([1, 1000, SPAN_MS + 1])
    history.add(silenceAt(10 * SPAN_MS))
    expect(history.samples.map(({ atMs }) => atMs)).toEqual([10 * SPAN_MS])
  })

  it('stays bounded, however often the sidecar tells its state', () => {
    const history = new History()
    for (let atMs = 0; atMs < 5000; atMs++) history.add(silenceAt(atMs))
    expect(history.samples.length).toBe(1500)
    expect(history.samples.at(-1)!.atMs).toBe(4999)
    expect(history.samples[0].atMs).toBe(3500)
  })

  it('does not change under a reader', () => {
    const history = new History()
    history.add(silenceAt(1))
    const seen = history.samples
    history.add(silenceAt(2))
    expect(seen.length).toBe(1)
  })
})
