import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { Keepsakes } from '../../../src/sidecar/main/keepsakes.ts'
import { MOST_KEPT } from '../../../src/sidecar/main/kept.ts'
import { SettingsFile } from '../../../src/sidecar/main/settings-file.ts'

/**
 * Seen red: with the section of `changeKept` taken from memory instead of the file, "goes into the file as others wrote it
 * meanwhile" loses theirs; with `withKnownSettings` left out, "of a newer version" is damaged.
 */

const root = mkdtempSync(join(tmpdir(), 'mattebox-keepsakes-'))
afterAll(() => rmSync(root, { recursive: true }))
let count = 0

async function keeping(text?: string): Promise<{ keepsakes: Keepsakes; path: string; file: SettingsFile }> {
  const path = join(root, String(++count), 'settings.json')
  mkdirSync(dirname(path))
  if (text !== undefined) writeFileSync(path, text)
  const file = await SettingsFile.open(path)
  return { keepsakes: new Keepsakes(file), path, file }
}
const parsed = (path: string) => JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>
const filterId = '0123456789abcdef'

describe('what the panel keeps', () => {
  it('is on the disk once it is put, beside the engine’s settings, and there again after a start', async () => {
    const { keepsakes, path, file } = await keeping('{"version":1,"engine":{"threads":2}}')
    let changes = 0
    keepsakes.on('change', () => changes++)
    await keepsakes.putPreset({ name: 'Evening', settings: { feather: 2 } })
    await keepsakes.putBinding({ scene: 'Desk', filterId, preset: 'Evening' })
    await keepsakes.putRegionTemplate({ name: 'Chair', regions: [] })
    await keepsakes.putAudioDelay({ filterId, input: 'Mic', originalMs: -20, addedMs: 100 })
    expect(changes).toBe(4)
    expect(parsed(path)).toEqual({
      version: 1,
      engine: { threads: 2 },
      presets: [{ name: 'Evening', settings: { feather: 2 } }],
      bindings: [{ scene: 'Desk', filterId, preset: 'Evening' }],
      regionTemplates: [{ name: 'Chair', regions: [] }],
      audioDelays: [{ filterId, input: 'Mic', originalMs: -20, addedMs: 100 }],
    })
    expect((await SettingsFile.open(path)).kept).toEqual(keepsakes.all)
    await file.saveEngine({ threads: 3 })
    expect(keepsakes.all.presets).toHaveLength(1)
  })

  it('takes the place of what has its name, scene and filter, or input', async () => {
    const { keepsakes } = await keeping()
    await keepsakes.putPreset({ name: 'A', settings: { feather: 1 } })
    await keepsakes.putPreset({ name: 'B', settings: { feather: 2 } })
    await keepsakes.putPreset({ name: 'A', settings: { view: 'alpha' } })
    expect(keepsakes.all.presets).toEqual([
      { name: 'A', settings: { view: 'alpha' } },
      { name: 'B', settings: { feather: 2 } },
    ])
    await keepsakes.putBinding({ scene: 'Desk', filterId, preset: 'A' })
    await keepsakes.putBinding({ scene: 'Desk', filterId, preset: 'B' })
    expect(keepsakes.all.bindings).toEqual([{ scene: 'Desk', filterId, preset: 'B' }])
  })

  it('goes when it is removed; a preset takes its bindings with it', async () => {
    const { keepsakes, path } = await keeping()
    await keepsakes.putPreset({ name: 'A', settings: {} })
    await keepsakes.putBinding({ scene: 'Desk', filterId, preset: 'A' })
    await keepsakes.removePreset('A')
    expect(parsed(path)).toMatchObject({ presets: [], bindings: [] })
    await expect(keepsakes.removePreset('A')).rejects.toMatchObject({ code: 'NOT_KEPT' })
    await expect(keepsakes.removeBinding({ scene: 'Desk', filterId })).rejects.toMatchObject({ code: 'NOT_KEPT' })
  })

  it('says which presets there are, where one is meant that is not', async () => {
    const { keepsakes } = await keeping()
    await keepsakes.putPreset({ name: 'A', settings: {} })
    const binding = { scene: 'Desk', filterId, preset: 'B' }
    await expect(keepsakes.putBinding(binding)).rejects.toMatchObject({ code: 'NOT_KEPT', mend: 'Choose one of: A.' })
    expect(keepsakes.all.bindings).toEqual([])
  })

  it('has an end', async () => {
    const presets = Array.from({ length: MOST_KEPT.presets }, (_, n) => ({ name: `p${n}`, settings: {} }))
    const { keepsakes, path } = await keeping(JSON.stringify({ version: 1, presets }))
    await expect(keepsakes.putPreset({ name: 'one more', settings: {} })).rejects.toMatchObject({ code: 'KEPT_FULL' })
    expect(parsed(path)['presets']).toHaveLength(MOST_KEPT.presets)
    // The place of another is no more.
    await keepsakes.putPreset({ name: 'p7', settings: { feather: 1 } })
    expect(keepsakes.all.presets).toHaveLength(MOST_KEPT.presets)
  })

  it('goes into the file as others wrote it meanwhile', async () => {
    const { keepsakes, path } = await keeping('{"version":1}')
    writeFileSync(path, '{"version":1,"presets":[{"name":"theirs","settings":{}}]}')
    await keepsakes.putPreset({ name: 'ours', settings: {} })
    expect(keepsakes.all.presets.map(({ name }) => name)).toEqual(['theirs', 'ours'])
  })

  it('keeps settings of a newer version, and does not look at them', async () => {
    const newer = { name: 'newer', settings: { feather: 1, sparkle: 'much' } }
    const { keepsakes, path, file } = await keeping(JSON.stringify({ version: 1, presets: [newer] }))
    expect(file.damaged).toBeUndefined()
    expect(keepsakes.all.presets).toEqual([{ name: 'newer', settings: { feather: 1 } }])
    await keepsakes.putPreset({ name: 'ours', settings: {} })
    expect(parsed(path)['presets']).toEqual([newer, { name: 'ours', settings: {} }])
  })

  it('takes names that mean something to JavaScript for names', async () => {
    const { keepsakes } = await keeping()
    for (const name of ['__proto__', 'constructor', 'toString']) await keepsakes.putPreset({ name, settings: {} })
    expect(keepsakes.all.presets.map(({ name }) => name)).toEqual(['__proto__', 'constructor', 'toString'])
    expect(({} as Record<string, unknown>)['settings']).toBeUndefined()
  })

  it('stays as it was where it cannot be written', async () => {
    const { keepsakes, path } = await keeping('{"version":1}')
    mkdirSync(join(dirname(path), `.settings.json.${process.pid}.part`))
    await expect(keepsakes.putPreset({ name: 'A', settings: {} })).rejects.toMatchObject({ code: 'SETTINGS_FILE' })
    expect(keepsakes.all.presets).toEqual([])
    expect(readFileSync(path, 'utf8')).toBe('{"version":1}')
  })
})
