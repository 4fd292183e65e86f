/** Seen red: with the clocks not raised on return (an idle source then starves the others); with turns by order of arrival. */
import { describe, expect, it } from 'vitest'
import { FairShare } from '../../../src/sidecar/inference/fair-share.ts'

/** Serves sources that always have a frame, each with its own cost, for so long; answers the time that each had. */
function serve(shares: FairShare<string>, costs: Readonly<Record<string, number>>, ms: number): Record<string, number> {
  const had = Object.fromEntries(Object.keys(costs).map((source) => [source, 0]))
  for (let now = 0; now < ms;) {
    for (const source of Object.keys(costs)) shares.offer(source)
    const source = shares.next()!
    shares.charge(source, costs[source])
    had[source] += costs[source]
    now += costs[source]
  }
  return had
}

describe('a fair share', () => {
  it('gives nobody a turn where nobody waits', () => {
    const shares = new FairShare<string>()
    expect(shares.next()).toBeUndefined()
    shares.offer('one')
    expect(shares.next()).toBe('one')
    expect(shares.next()).toBeUndefined()
  })

  it('gives equal turns to equal sources', () => {
    expect(serve(new FairShare(), { one: 10, other: 10 }, 1000)).toEqual({ one: 500, other: 500 })
  })

  it('gives equal time, not equal turns, to a source with larger frames', () => {
    const { large, small } = serve(new FairShare(), { large: 40, small: 10 }, 10_000)
    expect(Math.abs(large - small)).toBeLessThanOrEqual(40)
  })

  it('gives a source that was idle no credit for it', () => {
    const shares = new FairShare<string>()
    serve(shares, { busy: 10 }, 10_000)
    const { busy, back } = serve(shares, { busy: 10, back: 10 }, 1000)
    expect(Math.abs(busy - back)).toBeLessThanOrEqual(10)
  })

  it('leaves what one does not want to the others', () => {
    const shares = new FairShare<string>()
    let greedy = 0
    for (let turn = 0; turn < 100; turn++) {
      shares.offer('greedy')
      if (turn % 10 === 0) shares.offer('modest')
      const source = shares.next()!
      shares.charge(source, 10)
      if (source === 'greedy') greedy++
    }
    expect(greedy).toBe(90)
  })

  it('forgets a source that is gone, and lets it be charged for what it was still given', () => {
    const shares = new FairShare<string>()
    shares.offer('gone')
    shares.remove('gone')
    shares.charge('gone', 10)
    expect(shares.next()).toBeUndefined()
  })
})
