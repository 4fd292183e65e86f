import { describe, expect, it } from 'vitest'
import { isSame } from '../../src/settings/same-value.ts'

// Seen red: with numbers compared as they are; with the keys of one side alone looked at.

/** As a filter holds a number and says it. */
const through = (value: number): number => Math.round(Math.fround(value) * 1e6) / 1e6

describe('two values of a setting', () => {
  it.each([1 / 3, 0.05, 63.1234567, -7.7777777, 0, 500])('are the same where a filter has rounded one: %d', (value) => {
    expect(isSame(value, through(value))).toBe(true)
    expect(isSame([{ x: value, y: 0 }], [{ x: through(value), y: 0 }])).toBe(true)
  })

  it.each([
    [0.05, 0.0501],
    ['hide', 'show'],
    [0, false],
    [null, {}],
    [[1], [1, 2]],
    [[1, 2], [1]],
    [{ x: 1 }, { x: 1, y: 2 }],
    [{ x: 1, y: 2 }, { x: 1 }],
    [{ x: 1 }, { y: 1 }],
    [NaN, 1],
  ])('are two: %j and %j', (one, other) => {
    expect(isSame(one, other)).toBe(false)
  })
})
