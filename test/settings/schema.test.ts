import { Value } from 'typebox/value'
import { describe, expect, it } from 'vitest'
import { Settings } from '../../src/settings/index.ts'

describe('the settings’ schema', () => {
  const defaults = Object.fromEntries(
    Object.entries(Settings.properties).map(([name, { default: value }]) => [name, value]),
  )

  it('takes its own defaults', () => {
    expect(Value.Check(Settings, defaults)).toBe(true)
  })

  it('says a title and one plain sentence of every setting', () => {
    for (const { title, description } of Object.values(Settings.properties)) {
      expect(title).toMatch(/^[A-Z]/)
      expect(description).toMatch(/\.$/)
    }
  })

  it.each([
    ['ratio', 0.01],
    ['ratio', 1.5],
    ['refiner', 'sharp'],
    ['decontaminate', 'on'],
    ['blur_radius', 65],
    ['unknown', 1],
  ])('refuses %s = %s', (name, value) => {
    expect(Value.Check(Settings, { ...defaults, [name]: value })).toBe(false)
  })
})
