import { describe, expect, it } from 'vitest'
import { Watchdog } from '../../../src/sidecar/main/watchdog.ts'

// Seen red: without the check for lateness in `ask`, "gives one more period …" finds a silence of 11 s.

const LIMITS = { runMs: 5_000, createMs: 180_000 }

/** A watchdog that has heard its process run, at 0 ms. */
function running(): Watchdog {
  const watchdog = new Watchdog(LIMITS, 0)
  watchdog.heard(0)
  return watchdog
}

/** Asks as often as it should, and answers when it finds a hang. */
function askUntilHang(watchdog: Watchdog, from: number, to: number): number | undefined {
  for (let now = from; now <= to; now += watchdog.intervalMs) if (watchdog.ask(now) !== undefined) return now
  return undefined
}

describe('the watchdog', () => {
  it('finds a hang after 5 s of silence', () => {
    expect(askUntilHang(running(), 1000, 60_000)).toBe(6000)
  })

  it('takes whatever is said as a sign of life', () => {
    const watchdog = running()
    for (let now = 1000; now <= 60_000; now += 1000) {
      expect(watchdog.ask(now)).toBeUndefined()
      if (now % 4000 === 0) watchdog.heard(now)
    }
  })

  it('waits 180 s for the creation of a network, and 5 s again when that is done', () => {
    const watchdog = running()
    watchdog.heard(1000, 'create')
    expect(askUntilHang(watchdog, 1000, 180_000)).toBeUndefined()
    watchdog.heard(180_000, 'run')
    expect(askUntilHang(watchdog, 181_000, 300_000)).toBe(186_000)
  })

  it('knows no phase by itself: signs of life in between leave it as it is', () => {
    const watchdog = running()
    watchdog.heard(1000, 'create')
    watchdog.heard(1500)
    expect(watchdog.phase).toBe('create')
  })

  it('gives a process that has said nothing yet the time of a creation', () => {
    expect(askUntilHang(new Watchdog(LIMITS, 0), 1000, 180_000)).toBeUndefined()
  })

  it('gives one more period where it was asked late itself, and only one', () => {
    const watchdog = running()
    watchdog.ask(1000)
    expect(watchdog.ask(11_000)).toBeUndefined()
    expect(askUntilHang(watchdog, 12_000, 60_000)).toBe(17_000)
  })
})
