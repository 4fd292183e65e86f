import { Value } from 'typebox/value'
import { describe, expect, it } from 'vitest'
import { FilterSettings, Settings } from '../../src/settings/index.ts'

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
    ['max_delay_ms', 20.5],
    ['level_low', -0.1],
    ['feather', 9],
    ['reset_on_scene_change', 'when_new'],
    ['regions', [{ kind: 'keep', points: points(2) }]],
    ['regions', [{ kind: 'keep', points: points(65) }]],
    ['regions', [{ kind: 'hide', points: points(3) }]],
    ['regions', [{ kind: 'keep', points: [...points(3), { x: 1.1, y: 0 }] }]],
    ['regions', Array(17).fill({ kind: 'keep', points: points(3) })],
  ])('refuses %s = %s', (name, value) => {
    expect(Value.Check(Settings, { ...defaults, [name]: value })).toBe(false)
  })

  it('takes every region that a filter can hold', () => {
    const regions = Array(16).fill({ kind: 'keep_out', points: points(64) })
    expect(Value.Check(Settings, { ...defaults, regions })).toBe(true)
  })

  it('keeps the engine’s settings apart from the filter’s', () => {
    const { provider } = Settings.properties
    expect(Settings.properties).toEqual({ ...FilterSettings.properties, provider })
  })
})

function points(count: number): { x: number; y: number }[] {
  return Array.from({ length: count }, (_, i) => ({ x: i / count, y: 1 - i / count }))
}
