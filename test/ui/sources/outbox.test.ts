import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Changes } from '../../../src/ui/sources/edits.ts'
import { Outbox } from '../../../src/ui/sources/outbox.ts'

// To see it red: with BUILD_GAP_MS 0 the network is built for every value; with requests that do not wait for each other, the
// slow first one ends after the second.

describe('changes on their way to a filter', () => {
  let sent: { readonly atMs: number; readonly changes: Changes }[]
  let answerMs: number
  let outbox: Outbox

  beforeEach(() => {
    vi.useFakeTimers()
    sent = []
    answerMs = 0
    const startMs = performance.now()
    outbox = new Outbox(async (changes) => {
      sent.push({ atMs: performance.now() - startMs, changes })
      await new Promise((resolve) => setTimeout(resolve, answerMs))
    })
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  it('go at once where nothing went before', async () => {
    outbox.put({ feather: 1 })
    await vi.advanceTimersByTimeAsync(0)
    expect(sent).toEqual([{ atMs: 0, changes: { feather: 1 } }])
  })

  it('go at most ten times a second while a slider is dragged, the last value in the end', async () => {
    for (let i = 0; i <= 50; i++) {
      outbox.put({ feather: i / 10 })
      await vi.advanceTimersByTimeAsync(20)
    }
    await vi.advanceTimersByTimeAsync(500)
    expect(sent.length).toBeLessThanOrEqual(12)
    expect(sent.at(-1)?.changes).toEqual({ feather: 5 })
  })

  it('build the network at most once in 500 ms, with the last value of each key', async () => {
    for (const ratio of [0.2, 0.3, 0.4, 0.5]) {
      outbox.put({ ratio })
      await vi.advanceTimersByTimeAsync(50)
    }
    outbox.put({ refiner: 'fast' })
    await vi.advanceTimersByTimeAsync(2000)
    expect(sent).toEqual([
      { atMs: 0, changes: { ratio: 0.2 } },
      { atMs: 500, changes: { ratio: 0.5, refiner: 'fast' } },
    ])
  })

  it('do not wait for a network where they need none', async () => {
    outbox.put({ ratio: 0.2 })
    await vi.advanceTimersByTimeAsync(10)
    outbox.put({ ratio: 0.3, feather: 2 })
    await vi.advanceTimersByTimeAsync(10)
    expect(sent.at(-1)?.changes).toEqual({ feather: 2 })
  })

  it('go one request at a time, so that they arrive in order', async () => {
    answerMs = 800
    outbox.put({ feather: 1 })
    outbox.put({ feather: 2 })
    await vi.advanceTimersByTimeAsync(700)
    expect(sent).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(200)
    expect(sent.at(-1)?.changes).toEqual({ feather: 2 })
    expect(sent.at(-1)?.atMs).toBeGreaterThanOrEqual(800)
  })
})
