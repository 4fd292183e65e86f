/** Seen red: suffixes ordered as text alone. */
import { describe, expect, it } from 'vitest'
import { compareVersions } from '../../src/obs/version-order.ts'

describe('versions', () => {
  it('are ordered by their numbers, and before a version come those with a suffix', () => {
    const ordered = ['0.2.0-beta.2', '0.2.0-beta.10', '0.2.0', '0.9.1', '0.10', '2.4', '2.34']
    expect([...ordered].reverse().sort(compareVersions)).toEqual(ordered)
  })

  it('are the same with zeros at their end, and whatever build they name', () => {
    expect(compareVersions('2.34', '2.34.0')).toBe(0)
    expect(compareVersions('1.0.0+debian', '1.0.0')).toBe(0)
  })
})
