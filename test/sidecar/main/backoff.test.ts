import { describe, expect, it } from 'vitest'
import { Backoff } from '../../../src/sidecar/main/backoff.ts'

describe('the wait before a process is started again', () => {
  it('is 0, 0.5, 1, 2 and then always 5 s', () => {
    const backoff = new Backoff()
    expect(Array.from({ length: 7 }, () => backoff.died(0))).toEqual([0, 500, 1000, 2000, 5000, 5000, 5000])
  })

  it('begins anew after 10 healthy seconds', () => {
    const backoff = new Backoff()
    for (const servedMs of [0, 0, 9_999]) backoff.died(servedMs)
    expect(backoff.died(9_999)).toBe(2000)
    expect([backoff.died(10_000), backoff.died(0)]).toEqual([0, 500])
  })
})
