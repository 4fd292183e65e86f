/**
 * Real folders. Seen red: the old binary written into, the old plugin removed before the new one was copied, a foreign
 * folder replaced, no folders removed or three always, the count of folders forgotten at the second installation,
 * what a killed process left not restored, a living one's work removed, folders not copied. Not seen: the old one
 * coming back where the last rename fails.
 */
import { spawnSync } from 'node:child_process'
import { closeSync, existsSync, lstatSync, mkdirSync, openSync, readFileSync, renameSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { inspectPlugin } from '../../src/obs/plugin-manifest.ts'
import { putPlugin, removePlugin } from '../../src/obs/put-plugin.ts'
import { madeUpPlugin, Stage } from './stage.ts'

let stage: Stage
let source: string
beforeEach(() => {
  stage = new Stage()
  source = madeUpPlugin(stage, join(stage.folder, 'source'))
})
afterEach(() => stage[Symbol.dispose]())

const binary = (folder: string) => join(folder, 'bin', '64bit', 'mattebox.so')
const version = async (folder: string) => {
  const found = await inspectPlugin(folder)
  return found.state === 'whole' ? found.manifest.version : found.state
}
/** The number of a process that has ended. */
const deadPid = () => spawnSync('true').pid

describe('putting the plugin in', () => {
  it('makes the folders that OBS has not made yet', async () => {
    expect(await putPlugin(source, stage.native)).toEqual({ replaced: false })
    expect(await version(stage.native)).toBe('0.1.0')
    expect(readFileSync(join(stage.native, 'data/locale/en-US.ini'), 'utf8')).toBe('Name="mattebox"\n')
  })

  it('replaces an older one by other files: what a running OBS has open stays as it was', async () => {
    const old = readFileSync(binary(madeUpPlugin(stage, stage.native, { version: '0.0.9' })))
    const open = openSync(binary(stage.native), 'r')
    expect(await putPlugin(source, stage.native)).toEqual({ replaced: true })
    expect(readFileSync(open).equals(old)).toBe(true)
    closeSync(open)
    expect(await version(stage.native)).toBe('0.1.0')
    expect(stage.tree(join(stage.native, '..')).filter((name) => !name.startsWith('mattebox'))).toEqual([])
  })

  it('leaves nothing of the older one', async () => {
    madeUpPlugin(stage, stage.native, { version: '0.0.9' })
    stage.file(join(stage.native, 'data', 'old.effect'), '')
    await putPlugin(source, stage.native)
    expect(existsSync(join(stage.native, 'data', 'old.effect'))).toBe(false)
  })

  it('replaces one that was put there by hand, without a manifest', async () => {
    stage.file(binary(stage.native), 'by hand')
    expect(await inspectPlugin(stage.native)).toEqual({ state: 'unknown' })
    await putPlugin(source, stage.native)
    expect(await version(stage.native)).toBe('0.1.0')
  })

  it('replaces a link to a build, and not what it leads to', async () => {
    const build = madeUpPlugin(stage, join(stage.folder, 'build'), { version: '0.0.9' })
    mkdirSync(join(stage.native, '..'), { recursive: true })
    symlinkSync(build, stage.native)
    await putPlugin(source, stage.native)
    expect(lstatSync(stage.native).isSymbolicLink()).toBe(false)
    expect([await version(stage.native), await version(build)]).toEqual(['0.1.0', '0.0.9'])
  })

  it('keeps off a folder of that name that is not ours', async () => {
    stage.file(join(stage.native, 'notes.txt'), 'mine')
    await expect(putPlugin(source, stage.native)).rejects.toMatchObject({ code: 'OBS_PLUGIN_FOREIGN' })
    await expect(removePlugin(stage.native)).rejects.toMatchObject({ code: 'OBS_PLUGIN_FOREIGN' })
    expect(readFileSync(join(stage.native, 'notes.txt'), 'utf8')).toBe('mine')
  })

  it('leaves no folders where it fails', async () => {
    await expect(putPlugin(join(stage.folder, 'nowhere'), stage.native)).rejects.toMatchObject({
      code: 'OUTPUT_UNWRITABLE',
    })
    expect(stage.tree()).toEqual([])
  })

  it('keeps the old one where the new one cannot be copied', async () => {
    madeUpPlugin(stage, stage.native, { version: '0.0.9' })
    await expect(putPlugin(join(stage.folder, 'nowhere'), stage.native)).rejects.toThrow()
    expect(await version(stage.native)).toBe('0.0.9')
  })

  it('cleans up after one that was killed', async () => {
    const plugins = join(stage.native, '..')
    stage.file(join(plugins, `.mattebox.${deadPid()}.part`, 'half'), '')
    stage.file(join(plugins, `.mattebox.${process.ppid}.part`, 'of a living process'), '')
    await putPlugin(source, stage.native)
    expect(stage.tree(plugins).filter((name) => /^\.[^/]*$/.test(name))).toEqual([`.mattebox.${process.ppid}.part`])
  })
})

describe('taking it out', () => {
  it('leaves the home as it was before', async () => {
    mkdirSync(join(stage.home, '.config'))
    const before = stage.tree()
    await putPlugin(source, stage.native)
    await putPlugin(source, stage.native)
    expect(await removePlugin(stage.native)).toBe(true)
    expect(stage.tree()).toEqual(before)
  })

  it('leaves folders that were there before, though empty, and those that others use', async () => {
    mkdirSync(join(stage.native, '..'), { recursive: true })
    await putPlugin(source, stage.native)
    await putPlugin(source, stage.flatpaks)
    stage.file(join(stage.flatpaks, '..', '..', 'global.ini'), '')
    expect([await removePlugin(stage.native), await removePlugin(stage.flatpaks)]).toEqual([true, true])
    expect(existsSync(join(stage.native, '..'))).toBe(true)
    expect(existsSync(join(stage.flatpaks, '..'))).toBe(false)
    expect(existsSync(join(stage.flatpaks, '..', '..', 'global.ini'))).toBe(true)
  })

  it('is done where nothing is there', async () => {
    expect(await removePlugin(stage.native)).toBe(false)
    expect(stage.tree()).toEqual([])
  })

  it('also takes out what an installation left aside that was killed in the middle', async () => {
    await putPlugin(source, stage.native)
    renameSync(stage.native, join(stage.native, '..', `.mattebox.${deadPid()}.old`))
    expect(await removePlugin(stage.native)).toBe(true)
    expect(stage.tree()).toEqual([])
  })
})
