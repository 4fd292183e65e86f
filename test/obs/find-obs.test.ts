/**
 * OBS is real where it is installed; flatpak, snap and other programs are scripts on the PATH that say what those say.
 * Seen red: OBS asked in the user's home (it makes ~/.config), no look whether a program is Snap's, Flatpak's no
 * taken for unknown, any program called obs taken, one that hangs passed over, the app's folder not looked at.
 */
import { symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { findObs } from '../../src/obs/find-obs.ts'
import { programsOnPath } from '../../src/obs/programs.ts'
import { Stage } from './stage.ts'

let stage: Stage
beforeEach(() => (stage = new Stage()))
afterEach(() => stage[Symbol.dispose]())

const [realObs] = programsOnPath('obs', process.env)
if (!realObs) console.warn('The real OBS is not asked for its version: there is no `obs` on the PATH.')

describe('OBS on the PATH', () => {
  it.skipIf(!realObs)('says its version without a display, and leaves nothing in the home', async () => {
    symlinkSync(realObs, join(stage.bin, 'obs'))
    const found = await findObs(stage.around())
    const version = expect.stringMatching(/^\d+\.\d+/) as string
    expect(found).toEqual([{ kind: 'native', where: join(stage.bin, 'obs'), version }])
    expect(stage.tree()).toEqual([])
  })

  it('is not another program of that name', async () => {
    stage.program('obs', 'echo "obs 1.0, commit $1"')
    expect(await findObs(stage.around())).toEqual([])
  })

  it('is found, and stopped, where it hangs', async () => {
    const path = stage.program('obs', 'exec /bin/sleep 60')
    const begin = performance.now()
    expect(await findObs(stage.around())).toEqual([{ kind: 'native', where: path, version: null }])
    expect(performance.now() - begin).toBeLessThan(8000)
  })
})

describe('OBS of Flatpak', () => {
  it('is there if Flatpak says so, and of which version', async () => {
    stage.flatpak('32.0.4')
    expect(await findObs(stage.around())).toEqual([
      { kind: 'flatpak', where: 'com.obsproject.Studio', version: '32.0.4' },
    ])
  })

  it('is gone if Flatpak says so, whatever it left in the home', async () => {
    stage.file(join(stage.home, '.var/app/com.obsproject.Studio/config/some'), '')
    stage.program(
      'flatpak',
      'echo "error: com.obsproject.Studio/*unspecified*/*unspecified* not installed" >&2; exit 1',
    )
    expect(await findObs(stage.around())).toEqual([])
  })

  it('is known by its folder where Flatpak cannot be asked', async () => {
    stage.file(join(stage.home, '.var/app/com.obsproject.Studio/config/some'), '')
    expect(await findObs(stage.around())).toEqual([{ kind: 'flatpak', where: 'com.obsproject.Studio', version: null }])
  })
})

describe('OBS of Snap', () => {
  it('is known by `snap list`', async () => {
    const columns = 'Name        Version  Rev   Tracking\\nobs-studio  30.2.3   1302  latest/stable'
    stage.program('snap', `[ "$*" = "list obs-studio" ] && printf '${columns}\\n'`)
    expect(await findObs(stage.around())).toEqual([{ kind: 'snap', where: 'obs-studio', version: '30.2.3' }])
  })

  it('is known by its folder, and its program on the PATH is not taken for a native one', async () => {
    const program = stage.file(
      join(stage.snap, 'obs-studio/current/obs'),
      '#!/bin/sh\necho "OBS Studio - 30.2.3"',
      0o755,
    )
    symlinkSync(program, join(stage.bin, 'obs'))
    expect(await findObs(stage.around())).toEqual([
      { kind: 'snap', where: join(stage.snap, 'obs-studio'), version: null },
    ])
  })
})
