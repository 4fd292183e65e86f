import { describe, expect, it } from 'vitest'
import { colourOf } from '../../../src/ui/matte/look.ts'

describe('a colour that was chosen', () => {
  it('is R, G, B in 0..1', () => {
    expect(colourOf('#ff8000')).toEqual([1, 128 / 255, 0])
  })
})
