/**
 * The addon's install script, in a copy of the package. Seen red: with an exit code of 1 where there is no compiler;
 * with a prebuilt file that is taken without a look whether it loads.
 */
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs' // prettier-ignore
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadAddon } from '../../../src/sidecar/inference/channel/index.ts'

let root: string
let built: string
let prebuilt: string

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'mattebox-build-'))
  for (const part of ['native/addon', 'native/channel', 'binding.gyp', 'package.json']) {
    cpSync(part, join(root, part), { recursive: true })
  }
  symlinkSync(resolve('node_modules'), join(root, 'node_modules'))
  mkdirSync(join(root, 'bin'))
  symlinkSync(process.execPath, join(root, 'bin', 'node'))
  built = join(root, 'build', 'Release', 'mattebox.node')
  prebuilt = join(root, 'prebuilds', `${process.platform}-${process.arch}`, 'mattebox.node')
})

afterAll(() => rmSync(root, { recursive: true }))

/** Runs the install script. @param compiler - whether the PATH has one */
function install({ compiler, force = false }: { compiler: boolean; force?: boolean }) {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [join(root, 'native/addon/build.mjs'), ...(force ? ['--force'] : [])],
    { encoding: 'utf8', env: { ...process.env, PATH: compiler ? process.env['PATH'] : join(root, 'bin') } },
  )
  return { status, said: stdout + stderr }
}

describe('the install script of the addon', () => {
  it('says what is missing where there is no compiler, and lets the installation go on', () => {
    const { status, said } = install({ compiler: false })
    expect(status).toBe(0)
    expect(said).toContain('g++')
    expect(said).toContain('npm run build:native')
    expect(existsSync(built)).toBe(false)
    expect(install({ compiler: false, force: true }).status).toBe(1)
  })

  it('compiles, once', { timeout: 180_000 }, () => {
    expect(install({ compiler: true })).toEqual({ status: 0, said: '' })
    expect(loadAddon([built]).limits).toMatchObject({ wireVersion: 1 })
    const { mtimeMs } = statSync(built)
    install({ compiler: true })
    expect(statSync(built).mtimeMs).toBe(mtimeMs)
    expect(readdirSync(join(root, 'build', 'Release'))).toEqual(['mattebox.node'])
  })

  it('compiles again for a source that is newer; a failure leaves what was there', () => {
    const { mtimeMs } = statSync(built)
    writeFileSync(join(root, 'native/channel/half.c'), 'int broken = ;')
    const { status, said } = install({ compiler: true })
    expect(status).toBe(0)
    expect(said).toContain('half.c')
    expect(statSync(built).mtimeMs).toBe(mtimeMs)
    cpSync('native/channel/half.c', join(root, 'native/channel/half.c'), { preserveTimestamps: true })
  })

  it('takes a prebuilt one that loads', () => {
    mkdirSync(join(prebuilt, '..'), { recursive: true })
    cpSync(built, prebuilt)
    rmSync(join(root, 'build'), { recursive: true })
    expect(install({ compiler: false })).toEqual({ status: 0, said: '' })
    expect(existsSync(built)).toBe(false)
  })

  it('does not take one that does not load', () => {
    writeFileSync(prebuilt, 'not for this machine')
    expect(install({ compiler: false }).said).toContain('no C++ compiler')
  })
})

describe('binding.gyp', () => {
  it('lists every source, for node-gyp and for the script', async () => {
    const { readFile } = await import('node:fs/promises')
    const gyp = await readFile('binding.gyp', 'utf8')
    const listed = [...gyp.matchAll(/'(native\/.+\.cc?)'/g)].map(([, file]) => file)
    const there = ['native/addon', 'native/channel'].flatMap((folder) =>
      readdirSync(folder)
        .filter((file) => /\.cc?$/.test(file))
        .map((file) => `${folder}/${file}`),
    )
    expect(listed.sort()).toEqual(there.sort())
  })
})

describe('loading the addon', () => {
  it('says how to build it where it is not there', () => {
    expect(() => loadAddon([join(root, 'nowhere.node')])).toThrow(
      expect.objectContaining({
        code: 'CHANNEL_ADDON',
        message: expect.stringContaining('not built') as string,
        mend: expect.stringContaining('npm run build:native') as string,
      }) as Error,
    )
  })

  it('says why one does not load', () => {
    const file = join(root, 'damaged.node')
    writeFileSync(file, 'not an addon')
    expect(() => loadAddon([file])).toThrow(/does not load: .*damaged\.node/)
  })

  it('refuses one that was built from another wire.h', () => {
    const file = join(root, 'other-wire.cjs')
    const { limits, messages, reasons } = loadAddon()
    const other = { limits: { ...limits, messageMax: 16384 }, messages, reasons }
    writeFileSync(file, `module.exports = ${JSON.stringify(other)}`)
    expect(() => loadAddon([file])).toThrow('another version of the wire')
  })
})
