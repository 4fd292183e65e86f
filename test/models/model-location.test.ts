import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  defaultModel,
  installedModels,
  modelFolders,
  ownModelPath,
  resolveModel,
  type ModelFolders,
} from '../../src/models/model-location.ts'

let root: string
let folders: ModelFolders
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'mattebox-models-'))
  folders = { own: join(root, 'own'), shipped: join(root, 'shipped') }
  mkdirSync(folders.own)
  mkdirSync(folders.shipped)
})
afterEach(() => rmSync(root, { recursive: true }))

const install = (folder: keyof ModelFolders, name: string): string => {
  const path = join(folders[folder], `${name}.safetensors`)
  writeFileSync(path, '')
  return path
}

describe('where models live', () => {
  it('is the XDG data folder of the user, unless that is relative', () => {
    expect(modelFolders({ XDG_DATA_HOME: '/data' }).own).toBe('/data/mattebox/models')
    const usual = join(homedir(), '.local/share/mattebox/models')
    expect(modelFolders({}).own).toBe(usual)
    expect(modelFolders({ XDG_DATA_HOME: 'data' }).own).toBe(usual)
  })

  it('keeps the package’s own beside the program, unless a distribution moves it', () => {
    expect(modelFolders({}).shipped).toBe(join(import.meta.dirname, '..', '..', 'models'))
    expect(modelFolders({ MATTEBOX_SHIPPED_MODELS: '/usr/share/mattebox' }).shipped).toBe('/usr/share/mattebox')
  })

  it('lists the models of both folders; the user’s hides a shipped one of its name', async () => {
    install('shipped', 'default')
    const shipped = install('shipped', 'b')
    const own = install('own', 'default')
    writeFileSync(join(folders.own, '.default.safetensors.12.part'), '')
    writeFileSync(join(folders.own, 'README.md'), '')
    expect(await installedModels(folders)).toEqual([
      { name: 'b', path: shipped },
      { name: 'default', path: own },
    ])
  })

  it('finds nothing where there are no folders', async () => {
    expect(await installedModels({ own: join(root, 'no'), shipped: join(root, 'nowhere') })).toEqual([])
  })

  it.each(['', '.hidden', 'a/b', '..', 'a b', 'x'.repeat(65), 'a.safetensors'])('takes no model named "%s"', (name) => {
    expect(() => ownModelPath(name, folders)).toThrow('cannot be the name of a model')
  })
})

describe('the model that is meant', () => {
  it('is a path if it looks like one or such a file exists, else an installed name', async () => {
    const path = install('own', 'portrait')
    expect(await resolveModel('portrait', folders)).toBe(path)
    expect(await resolveModel('./portrait', folders)).toBe('./portrait')
    expect(await resolveModel('elsewhere.onnx', folders)).toBe('elsewhere.onnx')
    expect(await resolveModel('package.json', folders)).toBe('package.json')
    await expect(resolveModel('other', folders)).rejects.toMatchObject({ code: 'MODEL_UNKNOWN', mend: /portrait/ })
  })

  it('is, where none is named, the only one that is installed, or the one called default', async () => {
    const only = install('own', 'only')
    expect(await resolveModel(undefined, folders)).toBe(only)
    install('own', 'second')
    await expect(resolveModel(undefined, folders)).rejects.toMatchObject({ code: 'USAGE', message: /only, second/ })
    const byName = install('shipped', 'default')
    expect(await resolveModel(undefined, folders)).toBe(byName)
    expect(defaultModel(await installedModels(folders))?.name).toBe('default')
  })

  it('is the package’s own where the user has installed none; what they installed goes before it', async () => {
    const shipped = install('shipped', 'mattebox-default')
    expect(await resolveModel(undefined, folders)).toBe(shipped)
    const only = install('own', 'only')
    expect(await resolveModel(undefined, folders)).toBe(only)
    expect(await resolveModel('mattebox-default', folders)).toBe(shipped)
    install('own', 'second')
    await expect(resolveModel(undefined, folders)).rejects.toMatchObject({ code: 'USAGE' })
    const named = install('own', 'default')
    expect(await resolveModel(undefined, folders)).toBe(named)
  })

  it('is an error with the two ways to get one where none is installed', async () => {
    for (const named of [undefined, 'some-name']) {
      const error = await resolveModel(named, folders).catch((caught: unknown) => caught)
      expect(error).toMatchObject({ code: named ? 'MODEL_UNKNOWN' : 'MODEL_NONE', exitCode: 2 })
      const { mend } = error as { mend: string }
      expect(mend).toContain('releases/download/v1.0.0/rvm_mobilenetv3_fp32.onnx')
      expect(mend).toContain('`mattebox models import rvm_mobilenetv3_fp32.onnx`')
      expect(mend).toContain('--model PATH')
    }
  })
})
