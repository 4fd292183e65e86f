import { describe, expect, it } from 'vitest'
import { presetFile, readPresetFile } from '../../../src/ui/sources/preset-file.ts'

// To see it red: without the look at `mattebox`, any JSON with a name and settings is taken.

const preset = { name: 'Evening', settings: { feather: 2, background: 'blur' as const } }

describe('the file of a preset', () => {
  it('is read back as it was written', () => {
    expect(readPresetFile(presetFile(preset))).toEqual(preset)
  })

  it.each(['', '{', 'null', '[]', '{"name":"x","settings":{}}', '{"mattebox":"preset","name":1,"settings":{}}'])(
    'is refused where it is none: %s',
    (text) => {
      expect(() => readPresetFile(text)).toThrow('no preset')
    },
  )
})
