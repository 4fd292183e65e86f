import { describe, expect, it } from 'vitest'
import { isAlike, knownColours } from '../../../src/ui/matte/true-reads.ts'

describe('the test of a browser that may scramble what is read', () => {
  it('passes pixels that were rounded on their way', () => {
    const colours = knownColours()
    expect(
      isAlike(
        colours,
        colours.map((value, i) => value + (i % 3) - 1),
      ),
    ).toBe(true)
  })

  it('fails where one pixel is another, and where all are the same', () => {
    const colours = knownColours()
    expect(
      isAlike(
        colours,
        colours.map((value, i) => (i === 5000 ? value ^ 4 : value)),
      ),
    ).toBe(false)
    expect(
      isAlike(
        colours,
        colours.map(() => 255),
      ),
    ).toBe(false)
  })
})
