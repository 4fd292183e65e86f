import { describe, expect, it } from 'vitest'
import { addReports, NO_HISTORY, processMetrics, sourceMetrics } from '../../../src/sidecar/main/metrics.ts'
import type { SourceReport } from '../../../src/sidecar/contract/inference-process.ts'
import { report } from './told.ts'

// Seen red: with reports keyed by the id alone, one of two OBS is lost; with nothing forgotten, all 70 stay; with
// `known.before` carried over at a reconnect in `addReports`, the totals fall.

const received = (...counts: (number | undefined)[]) =>
  sourceMetrics(
    counts.reduce(
      (history, count) => addReports(history, count === undefined ? [] : [report('a1', { received: count })]),
      NO_HISTORY,
    ),
  )

describe('figures of a source', () => {
  it('are those of its last report while it is connected', () => {
    expect(received(10, 20)).toMatchObject([
      {
        filterId: 'a1',
        connected: true,
        last: { counters: { received: 20 } },
        totals: { received: 20, answered: 19, dropped: { newer: 1 }, connections: 1 },
      },
    ])
  })

  it('add up over reconnects', () => {
    const expected = { received: 70, answered: 67, dropped: { newer: 3 }, connections: 3 }
    expect(received(10, 20, undefined, 30, 10, 20)[0]).toMatchObject({ connected: true, totals: expected })
  })

  it('add up where it comes back with more than it had', () => {
    expect(received(10, undefined, 30)[0].totals).toMatchObject({ received: 40, connections: 2 })
  })

  it('stay when it has gone, after those that are connected', () => {
    let history = addReports(NO_HISTORY, [report('a1', { received: 5 }), report('b2', { received: 6 })])
    history = addReports(history, [report('b2', { received: 7 })])
    history = addReports(history, [report('b2', { received: 8 })])
    expect(sourceMetrics(history)).toMatchObject([
      { filterId: 'b2', connected: true, totals: { received: 8 } },
      { filterId: 'a1', connected: false, totals: { received: 5, connections: 1 } },
    ])
  })
})

describe('a filter that two OBS have at once', () => {
  const inObs = (pid: number, received: number) => {
    const given = report('a1', { received })
    return { ...given, hello: { ...given.hello, pid } }
  }
  const shown = (...reports: (readonly SourceReport[])[]) =>
    sourceMetrics(reports.reduce(addReports, NO_HISTORY)).map(({ connected, last, totals }) => ({
      pid: last.hello.pid,
      connected,
      received: totals.received,
    }))

  it('is two filters, each with its own figures', () => {
    expect(shown([inObs(1, 10), inObs(2, 20)], [inObs(2, 25), inObs(1, 15)])).toEqual([
      { pid: 1, connected: true, received: 15 },
      { pid: 2, connected: true, received: 25 },
    ])
  })

  it('is one again when one of them has gone, and when both have', () => {
    const both = [inObs(1, 10), inObs(2, 20)]
    expect(shown(both, [inObs(2, 25)])).toEqual([{ pid: 2, connected: true, received: 25 }])
    expect(shown(both, [])).toMatchObject([{ connected: false }])
  })

  it('keeps the counts of each over its reconnects', () => {
    expect(shown([inObs(1, 10), inObs(2, 20)], [inObs(2, 25)], [inObs(2, 25), inObs(1, 5)])).toEqual([
      { pid: 1, connected: true, received: 15 },
      { pid: 2, connected: true, received: 25 },
    ])
  })

  it('is the same one in an OBS that was started again', () => {
    const once = { pid: 2, connected: true, received: 13 }
    expect(shown([inObs(1, 10)], [], [inObs(2, 3)])).toEqual([once])
    expect(shown([inObs(1, 10)], [inObs(2, 3)])).toEqual([once])
  })
})

describe('filters that have gone', () => {
  it('are remembered, the 64 that went last', () => {
    const id = (n: number) => String(n).padStart(16, '0')
    const all = Array.from({ length: 70 }, (_, n) => report(id(n)))
    let history = addReports(NO_HISTORY, all)
    history = addReports(history, all.slice(0, 3))
    history = addReports(history, [])
    const left = sourceMetrics(history).map(({ filterId }) => filterId)
    expect(left).toHaveLength(64)
    expect(left).toEqual([id(0), id(1), id(2), ...Array.from({ length: 61 }, (_, n) => id(n + 9))])
  })

  it('are forgotten where they were duplicates of studio mode', () => {
    const given = report('b2')
    const duplicate = { ...given, hello: { ...given.hello, private: true } }
    const history = addReports(NO_HISTORY, [report('a1'), duplicate])
    expect(sourceMetrics(history)).toHaveLength(2)
    expect(sourceMetrics(addReports(history, []))).toMatchObject([{ filterId: 'a1' }])
  })
})

describe('resets of a source', () => {
  const at = (...times: number[]) =>
    times.map((atMs) => ({ atMs, reason: 'cut', by: 'sidecar', from: null, to: null }) as const)
  const after = (...reports: (readonly [received: number, ...times: number[]] | undefined)[]) =>
    sourceMetrics(
      reports.reduce((history, found) => {
        const [received = 0, ...times] = found ?? []
        return addReports(history, found ? [{ ...report('a1', { received }), recentResets: at(...times) }] : [])
      }, NO_HISTORY),
    )[0].last.recentResets.map(({ atMs }) => atMs)

  it('are remembered over reconnects, newest first', () => {
    expect(after([10, 2, 1], [20, 3, 2, 1], undefined)).toEqual([3, 2, 1])
    expect(after([10, 2, 1], [20, 3, 2, 1], [5, 4], undefined, [5, 6, 5], [8, 7, 6, 5])).toEqual([7, 6, 5, 4, 3, 2, 1])
  })

  it('are 20 at most', () => {
    const twenty = Array.from({ length: 20 }, (_, n) => 20 - n)
    expect(after([10, ...twenty], [5, 22, 21])).toEqual([22, 21, ...twenty.slice(0, 18)])
  })
})

describe('figures of processes', () => {
  it('are those of the main process and of each that it started', () => {
    const main = { name: 'main', pid: 1, role: 'main', rssBytes: 10, cpuPercent: 1, uptimeMs: 5 } as const
    const usage = { rssBytes: 20, cpuMs: 3, cpuPercent: 2 }
    expect(processMetrics(main, [{ pid: 2, role: 'serving', phase: 'run', uptimeMs: 4, usage }])).toEqual([
      main,
      { name: 'inference', pid: 2, role: 'serving', rssBytes: 20, cpuPercent: 2, uptimeMs: 4 },
    ])
  })
})
