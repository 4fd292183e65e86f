import { describe, expect, it } from 'vitest'
import { compose } from '../../../src/ui/sources/compose.ts'

// To see it red: with `?? 255` for a missing matte the result shows the room.

const rgba = new Uint8Array([10, 20, 30, 255, 40, 50, 60, 128])
const alpha = new Uint8Array([255, 128])

describe('a source’s picture', () => {
  it('shows the result as transparent as matte and source are', () => {
    expect([...compose({ rgba, alpha }, 'result')]).toEqual([10, 20, 30, 255, 40, 50, 60, 64])
  })

  it('shows the matte in gray, opaque as the source is', () => {
    expect([...compose({ rgba, alpha }, 'alpha')]).toEqual([255, 255, 255, 255, 128, 128, 128, 128])
  })

  it('shows the source as it came', () => {
    expect([...compose({ rgba, alpha }, 'source')]).toEqual([...rgba])
  })

  it('shows nothing of the room in a result without a matte', () => {
    const result = compose({ rgba, alpha: null }, 'result')
    expect([result[3], result[7]]).toEqual([0, 0])
  })
})
