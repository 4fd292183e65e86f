import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ENGINE_DEFAULTS } from '../../../src/sidecar/main/engine-settings.ts'
import { SettingsFile } from '../../../src/sidecar/main/settings-file.ts'
import { compiled } from '../inference/compiled.ts'

/**
 * Row 18 of the reliability table; 1,000 kills with MATTEBOX_FULL=1. Seen red: with the text written straight to the
 * file instead of beside it, "are the old or the new ones …" finds an empty file within the first kills.
 */

const KILLS = process.env['MATTEBOX_FULL'] ? 1000 : 50
const root = mkdtempSync(join(tmpdir(), 'mattebox-settings-'))
let count = 0
/** A path of a settings file in a folder that is not there yet. */
const freshPath = (): string => join(root, String(++count), 'mattebox', 'settings.json')

function put(text: string): string {
  const path = freshPath()
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text)
  return path
}
const parsed = (path: string) => JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>
const mode = (path: string): number => statSync(path).mode & 0o777

afterAll(() => rmSync(root, { recursive: true, force: true }))

describe('the file of settings', () => {
  it('need not be there: the defaults serve, and nothing is written', async () => {
    const path = freshPath()
    const file = await SettingsFile.open(path)
    expect(file.engine).toEqual(ENGINE_DEFAULTS)
    expect(file.damaged).toBeUndefined()
    expect(existsSync(dirname(path))).toBe(false)
  })

  it('keeps what was saved, for its user alone', async () => {
    const path = freshPath()
    const file = await SettingsFile.open(path)
    await file.saveEngine({ provider: 'cpu', threads: 2 })
    expect(parsed(path)).toEqual({ version: 1, engine: { provider: 'cpu', threads: 2 } })
    expect((await SettingsFile.open(path)).engine).toEqual({ ...ENGINE_DEFAULTS, provider: 'cpu', threads: 2 })
    expect([mode(path), mode(dirname(path))]).toEqual([0o600, 0o700])
    expect(readdirSync(dirname(path))).toEqual(['settings.json'])
  })

  it('keeps what it does not know, as others write it meanwhile', async () => {
    const path = put('{"version":1,"scripts":{"studio":{"feather":2}},"engine":{"threads":1,"newer":[1]}}')
    const file = await SettingsFile.open(path)
    writeFileSync(path, '{"version":1,"scripts":{"studio":{"feather":3}},"engine":{"threads":1,"newer":[1]}}')
    await file.saveEngine({ threads: 8 })
    expect(parsed(path)).toEqual({
      version: 1,
      scripts: { studio: { feather: 3 } },
      engine: { threads: 8, newer: [1] },
    })
  })

  it('is closed to others where it was not', async () => {
    const path = put('{"version":1}')
    chmodSync(dirname(path), 0o755)
    chmodSync(path, 0o644)
    await (await SettingsFile.open(path)).saveEngine({ threads: 1 })
    expect([mode(path), mode(dirname(path))]).toEqual([0o600, 0o700])
  })

  it('stays behind a link where its user keeps it', async () => {
    const real = put('{"version":1}')
    const path = join(dirname(real), 'link.json')
    symlinkSync(real, path)
    await (await SettingsFile.open(path)).saveEngine({ threads: 5 })
    expect(lstatSync(path).isSymbolicLink()).toBe(true)
    expect(parsed(real)).toMatchObject({ engine: { threads: 5 } })
  })

  it.each([
    ['an empty file', '', 'not JSON'],
    ['half a file', '{"version":1,"engine":{"thr', 'not JSON'],
    ['zeros', '\0'.repeat(100), 'not JSON'],
    ['another thing', '[1]', 'no object'],
    ['no version', '{"engine":{}}', 'version none'],
    ['a newer version', '{"version":2}', 'version 2'],
    ['an engine that is none', '{"version":1,"engine":5}', 'engine'],
    ['a wrong value', '{"version":1,"engine":{"threads":"many"}}', 'threads'],
    ['a wrong word', '{"version":1,"engine":{"provider":"abacus"}}', 'provider'],
    ['presets that are no list', '{"version":1,"presets":{}}', 'presets'],
    ['a preset without a name', '{"version":1,"presets":[{"settings":{}}]}', 'presets/0'],
    ['a preset of null', '{"version":1,"presets":[null]}', 'presets/0'],
    ['a preset out of range', '{"version":1,"presets":[{"name":"a","settings":{"feather":9}}]}', '/0/settings/feather'],
    ['a binding of no filter', '{"version":1,"bindings":[{"scene":"a","filterId":"b","preset":"c"}]}', 'bindings/0'],
    [
      'a region of one point',
      '{"version":1,"regionTemplates":[{"name":"a","regions":[{"kind":"keep","points":[]}]}]}',
      'Templates/0',
    ],
    ['audio delays that are none', '{"version":1,"audioDelays":[5]}', 'audioDelays/0'],
  ])('that is damaged is put aside and said: %s', async (_, text, fault) => {
    const path = put(text)
    const file = await SettingsFile.open(path)
    expect(file.engine).toEqual(ENGINE_DEFAULTS)
    expect(file.damaged).toMatchObject({ code: 'SETTINGS_DAMAGED', message: expect.stringContaining(fault) as string })
    expect(file.damaged?.mend).toContain(`${path}.damaged-1`)
    expect(readFileSync(`${path}.damaged-1`, 'utf8')).toBe(text)
    expect(existsSync(path)).toBe(false)
    // The next one takes nobody's place.
    writeFileSync(path, '[]')
    await SettingsFile.open(path)
    expect(readFileSync(`${path}.damaged-1`, 'utf8')).toBe(text)
    expect(readFileSync(`${path}.damaged-2`, 'utf8')).toBe('[]')
  })

  it('that is a folder is put aside too', async () => {
    const path = freshPath()
    mkdirSync(path, { recursive: true })
    const file = await SettingsFile.open(path)
    expect(file.damaged?.code).toBe('SETTINGS_DAMAGED')
    await file.saveEngine({ threads: 1 })
    expect(parsed(path)).toMatchObject({ engine: { threads: 1 } })
  })

  it('that cannot be written leaves the old settings, and says so', async () => {
    const path = put('{"version":1,"engine":{"threads":1}}')
    const file = await SettingsFile.open(path)
    // What would be written beside it cannot be made: a folder bears its name.
    mkdirSync(join(dirname(path), `.settings.json.${process.pid}.part`))
    await expect(file.saveEngine({ threads: 2 })).rejects.toMatchObject({ code: 'SETTINGS_FILE' })
    expect(file.engine.threads).toBe(1)
    expect(parsed(path)).toMatchObject({ engine: { threads: 1 } })
  })

  it('takes saves that overlap one after the other', async () => {
    const file = await SettingsFile.open(freshPath())
    await Promise.all([
      file.saveEngine({ threads: 1 }),
      file.saveEngine({ port: 5000 }),
      file.saveEngine({ threads: 3 }),
    ])
    expect(parsed(file.path)).toEqual({ version: 1, engine: { threads: 3, port: 5000 } })
  })
})

describe('the settings', () => {
  let module: ReturnType<typeof compiled>
  beforeAll(() => (module = compiled('sidecar/main/replace-file.ts')))
  afterAll(() => module.remove())

  it(`are the old or the new ones after each of ${KILLS} kills during writes`, async () => {
    const path = put('{"version":1}')
    const ports = new Set<unknown>()
    for (let kill = 0; kill < KILLS; kill++) {
      const args = [join(import.meta.dirname, 'write-settings.mjs'), module.path, path]
      const writer = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
      await once(writer.stdout, 'data')
      await sleep(Math.random() * 20)
      writer.kill('SIGKILL')
      await once(writer, 'exit')
      const { engine, presets } = parsed(path) as {
        engine?: { port: number; threads: number }
        presets?: { settings: { max_delay_ms: number } }[]
      }
      if (engine) expect(engine.threads).toBe(engine.port % 257)
      // What the panel keeps is of the same writing.
      if (engine) expect(presets?.map(({ settings }) => settings.max_delay_ms)).toEqual([20 + (engine.port % 481)])
      ports.add(engine?.port)
    }
    // They were writing indeed.
    expect(ports.size).toBeGreaterThan(2)
    const file = await SettingsFile.open(path)
    expect(file.damaged).toBeUndefined()
    expect(file.kept.presets).toHaveLength(1)
    // What the killed ones left half-written is gone.
    expect(readdirSync(dirname(path))).toEqual(['settings.json'])
  }, 600_000)
})
