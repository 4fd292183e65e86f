import { describe, expect, it } from 'vitest'
import { megabytes, pixels } from '../../../src/ui/locale/format.ts'

// Seen red with MiB.
describe('sizes', () => {
  it('of files are in megabytes, as file managers have them', () => {
    expect(megabytes(14_975_696)).toBe('15.0 MB')
  })

  it('of pictures are width × height', () => {
    expect(pixels({ width: 512, height: 288 })).toBe('512 × 288')
  })
})
