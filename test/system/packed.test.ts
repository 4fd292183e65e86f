/**
 * What users get: the tarball as `npm pack` makes it, installed into an empty project. Slow (it builds, and npm copies
 * onnxruntime): with MATTEBOX_FULL=1 only. Seen red: with prebuilds left out of package.json’s `files`.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { Stage } from '../obs/stage.ts'

const full = process.env['MATTEBOX_FULL'] === '1' && process.platform === 'linux'
const folder = mkdtempSync(join(tmpdir(), 'mattebox-packed-'))
afterAll(() => rmSync(folder, { recursive: true }))

describe.skipIf(!full)('the packed tarball', () => {
  it('carries addon and filter, and puts the filter into OBS without compiler or clone', () => {
    // `npm test` built dist just now: npm's own scripts would do it again.
    execFileSync(process.execPath, ['native/prebuilds.mjs'])
    const packed = execFileSync('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', folder], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [{ filename, files }] = JSON.parse(packed) as { filename: string; files: { path: string }[] }[]
    const here = `prebuilds/linux-${process.arch}`
    expect(files.map(({ path }) => path)).toEqual(
      expect.arrayContaining([
        'dist/cli/main.js',
        `${here}/mattebox.node`,
        `${here}/obs-plugin/mattebox/bin/64bit/mattebox.so`,
        `${here}/obs-plugin/mattebox/data/locale/en-US.ini`,
        `${here}/obs-plugin/mattebox/data/mattebox.effect`,
        `${here}/obs-plugin/mattebox/manifest.json`,
        'native/obs-plugin/CMakeLists.txt',
        'native/channel/wire.h',
      ]),
    )

    const project = join(folder, 'project')
    mkdirSync(project)
    writeFileSync(join(project, 'package.json'), '{ "private": true }')
    const install = [
      'install',
      join(folder, filename),
      '--ignore-scripts',
      '--prefer-offline',
      '--no-audit',
      '--no-fund',
    ]
    const npm = spawnSync('npm', install, { cwd: project, encoding: 'utf8' })
    expect(npm.status, npm.stderr).toBe(0)

    using stage = new Stage()
    stage.obs()
    // Nothing but Node and what is in a bare system: no compiler is on this PATH.
    const npx = execFileSync('sh', ['-c', 'readlink -f "$(command -v npx)"'], { encoding: 'utf8' }).trim()
    stage.program('node', `exec ${process.execPath} "$@"`)
    stage.program('npx', `exec ${process.execPath} ${npx} "$@"`)
    for (const name of ['sh', 'env', 'uname']) stage.program(name, `exec /bin/${name} "$@"`)
    const run = (...words: string[]) =>
      spawnSync(join(stage.bin, 'npx'), ['mattebox', ...words], {
        cwd: project,
        encoding: 'utf8',
        env: { ...stage.env(), npm_config_update_notifier: 'false' },
      })
    const { stdout, stderr, status } = run('obs', 'install')
    expect({ stderr, status }).toEqual({ stderr: '', status: 0 })
    expect(stdout).toContain(stage.native)
    expect(existsSync(join(stage.native, 'bin/64bit/mattebox.so'))).toBe(true)
    expect(run('obs', 'status').status).toBe(0)
    const doctor = JSON.parse(run('doctor', '--json').stdout) as unknown
    expect(doctor).toMatchObject({ channel: { ok: true }, obs: { ok: true } })
  }, 600_000)
})
