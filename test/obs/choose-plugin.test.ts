/**
 * Seen red: glibc not compared, and compared for Flatpak too; the machine, the sum and the named folder not looked at.
 */
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { buildPlugin } from '../../src/obs/build-plugin.ts'
import { choosePlugin, thisHost, type Host } from '../../src/obs/choose-plugin.ts'
import { Stage, madeUpPlugin } from './stage.ts'

let stage: Stage
beforeEach(() => (stage = new Stage()))
afterEach(() => stage[Symbol.dispose]())

const choose = (host: Partial<Host> = {}, kind: 'native' | 'flatpak' = 'native', from?: string) =>
  choosePlugin({
    kind,
    packageRoot: stage.folder,
    from,
    host: { arch: 'x64', glibc: '2.35', ...host },
    // No compiler is on this PATH.
    build: (why) => buildPlugin(stage.folder, why, { env: stage.env(), signal: new AbortController().signal }),
  })
const carried = (arch = 'x64') => join(stage.folder, 'prebuilds', `linux-${arch}`, 'obs-plugin', 'mattebox')

describe('the plugin that is put in', () => {
  it('is the one that the package carries', async () => {
    madeUpPlugin(stage, carried(), { machine: 62 })
    expect(await choose()).toMatchObject({ folder: carried(), origin: 'package', manifest: { version: '0.1.0' } })
  })

  it('has to be built where the package carries none for this machine; what that needs is said', async () => {
    madeUpPlugin(stage, carried(), { machine: 62 })
    await expect(choose({ arch: 'arm64' })).rejects.toMatchObject({
      code: 'OBS_PLUGIN_UNBUILT',
      message:
        'The package carries no plugin for linux-arm64. It cannot be built here: cmake, make, a C compiler, pkg-config, OBS’s headers are missing.',
      mend: expect.stringMatching(/apt install .*libobs-dev\n.*dnf install .*obs-studio-devel\n.*pacman -S/) as string,
    })
  })

  it('is not one for another machine', async () => {
    madeUpPlugin(stage, carried(), { machine: 183 })
    await expect(choose()).rejects.toThrow('The plugin that the package carries is for arm64, this machine is x64.')
  })

  it.skipIf(process.platform !== 'linux')('is not one that needs a newer glibc; a Flatpak brings its own', async () => {
    const { arch } = process
    // Any program of this machine needs some glibc.
    madeUpPlugin(stage, carried(arch), { binary: readFileSync('/bin/sleep') })
    expect(await choose({ arch, glibc: '2.99' })).toMatchObject({ origin: 'package' })
    await expect(choose({ arch, glibc: '2.1' })).rejects.toThrow(/ needs glibc 2\.\d+, this machine has 2\.1\. /)
    await expect(choose({ arch, glibc: null })).rejects.toThrow(
      / needs glibc .*, and this machine has another C library/,
    )
    expect(await choose({ arch, glibc: '2.1' }, 'flatpak')).toMatchObject({ origin: 'package' })
  })

  it('is not one that was changed or cut off on its way', async () => {
    madeUpPlugin(stage, carried(), { machine: 62 })
    stage.file(join(carried(), 'bin/64bit/mattebox.so'), 'cut off')
    await expect(choose()).rejects.toMatchObject({ code: 'OBS_PLUGIN_DAMAGED' })
  })

  it('is the one in the folder that was named; another folder is wrong use', async () => {
    const from = madeUpPlugin(stage, join(stage.folder, 'mine'), { machine: 62, version: '0.3.0' })
    expect(await choose({}, 'native', from)).toMatchObject({ folder: from, origin: 'given' })
    await expect(choose({}, 'native', stage.home)).rejects.toMatchObject({ code: 'USAGE' })
    rmSync(join(from, 'manifest.json'))
    await expect(choose({}, 'native', from)).rejects.toMatchObject({ code: 'USAGE' })
    expect(existsSync(from)).toBe(true)
  })
})

describe('this machine', () => {
  it.skipIf(process.platform !== 'linux')('knows its C library', () => {
    expect(thisHost()).toEqual({ arch: process.arch, glibc: expect.stringMatching(/^2\.\d+$/) as string })
  })
})
