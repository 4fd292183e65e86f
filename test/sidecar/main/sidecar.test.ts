import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { MatteboxError } from '../../../src/errors/index.ts'
import { SettingsFile } from '../../../src/sidecar/main/settings-file.ts'
import { Sidecar, type SidecarOptions } from '../../../src/sidecar/main/sidecar.ts'
import { report, runs, SHORT, Stage, until, type Told } from './told.ts'

// Seen red: with the settings saved before the model is looked for, "refuses what cannot be …" finds them changed.

class SidecarStage extends Stage {
  readonly #sidecars: Sidecar[] = []
  readonly settingsPath = join(this.folder, 'settings.json')

  async sidecar(told: Told = {}, changes: Partial<SidecarOptions> = {}): Promise<Sidecar> {
    const sidecar = new Sidecar({
      version: '1.2.3',
      settings: await SettingsFile.open(this.settingsPath),
      resolveModel: (name = 'default') => {
        if (name !== 'missing') return Promise.resolve({ name, path: `/models/${name}` })
        return Promise.reject(new MatteboxError('MODEL_UNKNOWN', 'There is no such model.', 'Give another.'))
      },
      log: this.log,
      record: this.record(told),
      stateFolder: join(this.folder, 'state'),
      supervisor: SHORT,
      ...changes,
    })
    this.#sidecars.push(sidecar)
    return sidecar
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#sidecars.map((sidecar) => sidecar.stop()))
    await super[Symbol.asyncDispose]()
  }
}

const isReady = (sidecar: Sidecar) => until(() => sidecar.state.engine.state === 'ready', 'an engine')

describe.concurrent('the sidecar', () => {
  it('starts with the settings of the file; what the command line says goes before them and is not saved', async () => {
    await using stage = new SidecarStage()
    writeFileSync(stage.settingsPath, '{"version":1,"engine":{"threads":3,"model":"kept"}}')
    const sidecar = await stage.sidecar({}, { overrides: { threads: 5 } })
    await sidecar.start()
    await isReady(sidecar)
    expect(stage.starts[0].started).toMatchObject({ threads: 5, model: { name: 'kept' }, provider: 'auto' })
    expect(sidecar.state.settings).toMatchObject({ threads: 5, model: 'kept', port: 4477 })
    expect(readFileSync(stage.settingsPath, 'utf8')).toBe('{"version":1,"engine":{"threads":3,"model":"kept"}}')
  })

  it('tells of sources and processes, and that something changed', async () => {
    await using stage = new SidecarStage()
    const sidecar = await stage.sidecar({ always: { sources: [report('a1', { received: 7 })] } })
    let changes = 0
    sidecar.on('state', () => changes++)
    await sidecar.start()
    await until(() => sidecar.state.sources.length === 1, 'a source')
    expect(changes).toBeGreaterThan(0)
    expect(sidecar.state).toMatchObject({
      sources: [{ filterId: 'a1', connected: true, totals: { received: 7, connections: 1 } }],
      processes: [
        { name: 'main', pid: process.pid },
        { name: 'inference', role: 'serving' },
      ],
      socket: '/stand-in',
      error: null,
    })
    expect(sidecar.state.processes[0].rssBytes).toBeGreaterThan(1e6)
    // One that has gone is remembered.
    process.kill(sidecar.state.processes[1].pid!, 'SIGKILL')
    await until(() => !sidecar.state.sources[0].connected, 'it to be gone')
    await until(() => sidecar.state.sources[0]?.totals.connections === 2, 'it to be back')
    expect(sidecar.state.sources[0].totals.received).toBe(14)
  })

  it('runs without a model too, and the filters are told what is missing', async () => {
    await using stage = new SidecarStage()
    writeFileSync(stage.settingsPath, '{"version":1,"engine":{"model":"missing"}}')
    const sidecar = await stage.sidecar()
    await sidecar.start()
    await until(() => sidecar.state.engine.state === 'none', 'the lack of a model')
    expect(stage.starts[0].started.model).toMatchObject({ error: { code: 'MODEL_UNKNOWN', mend: 'Give another.' } })
    await sidecar.setEngine({ model: 'other' })
    await isReady(sidecar)
    expect(sidecar.state.engine).toMatchObject({ model: 'other' })
  })

  it('takes a model that comes later', async () => {
    await using stage = new SidecarStage()
    let installed = false
    const resolveModel = (): Promise<{ name: string; path: string }> =>
      installed
        ? Promise.resolve({ name: 'late', path: '/models/late' })
        : Promise.reject(new MatteboxError('MODEL_NONE', 'No model is installed.', 'Install one.'))
    const sidecar = await stage.sidecar({}, { resolveModel, lookForModelMs: 50 })
    await sidecar.start()
    await until(() => stage.starts.length === 1, 'a process')
    expect(stage.starts[0].started).toMatchObject({ model: { error: { code: 'MODEL_NONE' } } })
    installed = true
    await until(() => stage.starts.length === 2, 'another process')
    expect(stage.starts[1].started).toMatchObject({ model: { name: 'late' } })
  })

  it('saves a change of the engine and hands over to it', async () => {
    await using stage = new SidecarStage()
    const sidecar = await stage.sidecar({}, { overrides: { model: 'of this run' } })
    await sidecar.start()
    await isReady(sidecar)
    await Promise.all([sidecar.setEngine({ model: 'next', device: '1' }), sidecar.setEngine({ threads: 2 })])
    await until(() => stage.starts.at(-1)?.started.threads === 2, 'the second change')
    expect(stage.starts.at(-1)?.started).toMatchObject({
      takesOver: true,
      device: 1,
      threads: 2,
      model: { name: 'next' },
    })
    await until(() => JSON.stringify(sidecar.state.engine).includes('"next"'), 'the takeover')
    expect(JSON.parse(readFileSync(stage.settingsPath, 'utf8'))).toEqual({
      version: 1,
      engine: { model: 'next', device: '1', threads: 2 },
    })
  })

  it('takes a change that names no model while none is chosen of several', async () => {
    await using stage = new SidecarStage()
    const resolveModel = (name?: string): Promise<{ name: string; path: string }> =>
      name === undefined
        ? Promise.reject(new MatteboxError('USAGE', 'Several models are installed.', 'Choose one.'))
        : Promise.resolve({ name, path: `/models/${name}` })
    const sidecar = await stage.sidecar({}, { resolveModel })
    await sidecar.start()
    await until(() => sidecar.state.engine.state === 'none', 'the lack of a choice')
    await sidecar.setEngine({ threads: 2 })
    expect(sidecar.state.settings.threads).toBe(2)
    await sidecar.setEngine({ model: 'one' })
    await isReady(sidecar)
    await expect(sidecar.setEngine({ model: 'default' })).rejects.toMatchObject({ code: 'USAGE' })
    await sidecar.setEngine({ threads: 3 })
    await until(() => stage.starts.at(-1)?.started.threads === 3, 'the change')
    expect(stage.starts.at(-1)?.started).toMatchObject({ model: { name: 'one' } })
  })

  it('starts no process for what concerns the panel alone', async () => {
    await using stage = new SidecarStage()
    const sidecar = await stage.sidecar()
    await sidecar.start()
    await isReady(sidecar)
    await sidecar.setEngine({ port: 5000 })
    expect(sidecar.state.settings.port).toBe(5000)
    expect(sidecar.state.processes).toHaveLength(2)
  })

  it.each([
    [{ model: 'missing' }, 'MODEL_UNKNOWN'],
    [{ threads: 999 }, 'SETTINGS_INVALID'],
    [{ listen: 'kitchen' }, 'SETTINGS_INVALID'],
    [{ device: 'the fast one' }, 'SETTINGS_INVALID'],
    [{ provider: 'abacus' }, 'SETTINGS_INVALID'],
    [{ colour: 'red' }, 'SETTINGS_INVALID'],
    [null, 'SETTINGS_INVALID'],
  ])('refuses what cannot be, and nothing has changed: %j', async (changes, code) => {
    await using stage = new SidecarStage()
    const sidecar = await stage.sidecar()
    await sidecar.start()
    await isReady(sidecar)
    const before = sidecar.state.settings
    await expect(sidecar.setEngine(changes as never)).rejects.toMatchObject({ code })
    expect(sidecar.state.settings).toEqual(before)
    expect(stage.starts).toHaveLength(1)
  })

  it('says that its settings were damaged', async () => {
    await using stage = new SidecarStage()
    writeFileSync(stage.settingsPath, '{"version')
    const sidecar = await stage.sidecar()
    await sidecar.start()
    expect(sidecar.state.error).toMatchObject({ code: 'SETTINGS_DAMAGED' })
    expect(stage.said('settings.json is damaged')).toBe(true)
  })

  it('passes what is asked of a filter on', async () => {
    await using stage = new SidecarStage()
    const sidecar = await stage.sidecar({ always: { sources: [report('a1')] } })
    await sidecar.start()
    await until(() => sidecar.state.sources.length === 1, 'a source')
    sidecar.setFilter('a1', { feather: 2 })
    sidecar.resetFilter('a1')
    sidecar.coverFilter('a1', true)
    const heard = () => stage.entries.flatMap((entry) => (entry.heard ? [entry.heard] : []))
    await until(() => heard().length === 3, 'three messages')
    expect(heard()).toEqual([
      { kind: 'set', filterId: 'a1', changes: { feather: 2 } },
      { kind: 'reset', filterId: 'a1' },
      { kind: 'cover', filterId: 'a1', on: true },
    ])
  })

  it('asks a filter again that went over to another process before it answered', async () => {
    await using stage = new SidecarStage()
    const { plan } = report('a1')
    const sidecar = await stage.sidecar({
      always: { sources: [report('a1', { received: 9 })], deaf: true, handover: plan && [plan] },
      successor: { sources: [report('a1')], deaf: false, handover: null, warmMs: 300 },
    })
    await sidecar.start()
    await until(() => sidecar.state.sources.length === 1, 'a source')
    sidecar.setFilter('a1', { feather: 2 })
    await until(() => sidecar.state.sources[0].last.settings?.feather === 2, 'what was asked for')
    expect(stage.starts).toHaveLength(2)
  })

  it('is one: a second one ends before it starts anything', async () => {
    await using stage = new SidecarStage()
    const [first, second] = [await stage.sidecar(), await stage.sidecar()]
    await first.start()
    await expect(second.start()).rejects.toMatchObject({ code: 'ALREADY_RUNNING' })
    await isReady(first)
    expect(stage.starts).toHaveLength(1)
  })

  it('leaves nothing when it stops', async () => {
    await using stage = new SidecarStage()
    const sidecar = await stage.sidecar()
    await sidecar.start()
    await isReady(sidecar)
    await sidecar.stop()
    expect(runs(stage.starts[0].pid)).toBe(false)
    const next = await stage.sidecar()
    await next.start()
    await isReady(next)
  })
})
