/** Seen red: only the same version counted as fitting; the wire, the age and the running of OBS not looked at. */
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { examineObs } from '../../src/obs/index.ts'
import { madeUpPlugin, Stage } from './stage.ts'

let stage: Stage
beforeEach(() => (stage = new Stage()))
afterEach(() => stage[Symbol.dispose]())

const examine = () => examineObs({ version: '0.2.0', wire: 2 }, stage.around())
const one = async () => (await examine()).found[0]

describe('how OBS stands', () => {
  it('without OBS: not well, and how to get one', async () => {
    expect(await examine()).toMatchObject({ ok: false, found: [], error: { code: 'OBS_NONE' } })
  })

  it('without the filter: not well, and how to put it in', async () => {
    stage.obs('31.0.1')
    expect(await one()).toMatchObject({
      kind: 'native',
      version: '31.0.1',
      running: false,
      ok: false,
      plugin: { folder: stage.native, state: 'none', version: null },
      error: { code: 'OBS_PLUGIN_NONE', mend: 'Run `mattebox obs install`.' },
    })
  })

  it.each([
    { is: 'the same', version: '0.2.0', wire: 2, state: 'same', ok: true },
    { is: 'older, of the same wire: it works', version: '0.1.9', wire: 2, state: 'older', ok: true },
    { is: 'older, of another wire: it does not', version: '0.1.0', wire: 1, state: 'older', ok: false },
    { is: 'of the same version and an older wire', version: '0.2.0', wire: 1, state: 'older', ok: false },
    { is: 'newer', version: '0.3.0', wire: 3, state: 'newer', ok: false },
  ])('with a filter that is $is', async ({ version, wire, state, ok }) => {
    stage.obs()
    madeUpPlugin(stage, stage.native, { version, wire })
    const found = await one()
    expect(found).toMatchObject({ ok, plugin: { state, version, wire } })
    expect(found.error?.code).toBe(state === 'same' ? undefined : 'OBS_PLUGIN_VERSION')
  })

  it('with a filter that is damaged, foreign, or says no version', async () => {
    stage.obs()
    madeUpPlugin(stage, stage.native, { version: '0.2.0', wire: 2 })
    stage.file(join(stage.native, 'bin/64bit/mattebox.so'), 'cut off')
    expect(await one()).toMatchObject({
      ok: false,
      plugin: { state: 'damaged' },
      error: { code: 'OBS_PLUGIN_DAMAGED' },
    })
    stage.file(join(stage.native, 'manifest.json'), '{"name": "other"}')
    expect(await one()).toMatchObject({
      ok: false,
      plugin: { state: 'unknown' },
      error: { code: 'OBS_PLUGIN_VERSION' },
    })
  })

  it('each OBS for itself: one that fits is enough', async () => {
    stage.obs()
    stage.flatpak()
    madeUpPlugin(stage, stage.flatpaks, { version: '0.2.0', wire: 2 })
    const { ok, found } = await examine()
    expect(found.map((obs) => [obs.kind, obs.ok])).toEqual([
      ['native', false],
      ['flatpak', true],
    ])
    expect(ok).toBe(true)
  })

  it('as a Snap, or older than 29: no filter goes in, and what to use', async () => {
    stage.program('snap', 'echo "obs-studio  30.2.3  1302"')
    stage.obs('27.2.3+dfsg1-2ubuntu')
    const { ok, found } = await examine()
    expect(ok).toBe(false)
    expect(found.map(({ kind, plugin, error }) => [kind, plugin, error?.code])).toEqual([
      ['native', null, 'OBS_OLD'],
      ['snap', null, 'OBS_SNAP'],
    ])
    expect(found[1].error?.mend).toContain('com.obsproject.Studio')
  })

  it('running or not', async () => {
    stage.obs()
    stage.file(join(stage.proc, '4711', 'comm'), 'obs\n')
    expect((await one()).running).toBe(true)
  })
})
