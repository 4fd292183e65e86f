import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ObsVideoSource } from '../../../src/api/index.ts'
import { ObsConnection } from '../../../src/obs/index.ts'
import { ObsSocket } from '../../../src/obs/obs-socket.ts'
import { readContents } from '../../../src/obs/read-contents.ts'
import { builtPlugin } from './built-plugin.ts'
import { KEPT_ID, MANY, trickyCollection } from './connection-scenes.ts'
import { CountedWay } from './counted-way.ts'
import { RestartableObs, writeServerSettings, type RestartableObsOptions } from './restartable-obs.ts'

const PATIENCE = { timeout: 15_000, interval: 50 }
/** Sooner than the next reading that no event asks for. */
const PROMPTLY = { timeout: 2500, interval: 50 }
const OURS = 'Mattebox background removal'

/**
 * What must hold of our connection to any OBS: one real OBS, stopped, killed and started again, with other clients of its
 * WebSocket beside ours. The cases follow one another. Seen red: groups and nested scenes not looked into, a request for each
 * source, a name that is not free, an index that stops at 1, filters of others taken for ours, offsets rounded to 10 ms,
 * events of inputs not heard, no wait between two readings, no limit of time for an answer, a refused password tried
 * again, the plugin taken for there, the password in the log.
 */
export function describeTheConnection(options: Pick<RestartableObsOptions, 'launcher'>): void {
  let obs: RestartableObs
  let connection: ObsConnection
  const log: string[] = []
  const quick = { answerMs: 1500, pollMs: 6000, backoffMs: [100, 300] }

  beforeAll(async () => {
    obs = await RestartableObs.create({ plugin: builtPlugin, collection: trickyCollection(), ...options })
    connection = new ObsConnection({ env: obs.home.environment, log: (line) => log.push(line), ...quick })
  })
  afterAll(async () => {
    await connection.stop()
    await obs[Symbol.asyncDispose]()
  })

  const source = (name: string): ObsVideoSource => connection.view.sources!.find((one) => one.name === name)!
  const filters = (name: string): string[] => source(name).filters.map((filter) => filter.name)
  const becomes = (state: string): Promise<void> => expect.poll(() => connection.view.state, PATIENCE).toBe(state)
  const code = async (work: Promise<unknown>): Promise<unknown> =>
    work.then(
      () => 'done',
      (error: unknown) => (error as { code: string }).code,
    )

  it('is away before OBS is started, then there, without being asked', async () => {
    connection.start()
    await becomes('away')
    expect(connection.view).toMatchObject({ error: { code: 'OBS_AWAY' }, sources: null, hasPlugin: null })
    expect(await code(connection.addFilter({ source: 'camera' }))).toBe('OBS_AWAY')
    await obs.start()
    await becomes('connected')
    expect(connection.view).toMatchObject({
      address: `ws://127.0.0.1:${obs.home.port}`,
      version: expect.stringMatching(/^\d+\./) as string,
      webSocketVersion: expect.stringMatching(/^5\./) as string,
      programScene: 'Talk',
      error: null,
      hasPlugin: true,
    })
  })

  it('lists what has a picture, once, with the scenes that show it through groups and other scenes', () => {
    const all = connection.view.sources!
    const names = all.map(({ name }) => name)
    expect(names).toHaveLength(new Set(names).size)
    expect(names).toHaveLength(MANY + 7)
    const tell = ({ kind, isCamera, scenes }: ObsVideoSource): unknown => ({ kind, isCamera, scenes })
    expect(tell(source('camera'))).toEqual({ kind: 'v4l2_input', isCamera: true, scenes: ['Talk', 'Close'] })
    expect(tell(source('clip'))).toEqual({ kind: 'ffmpeg_source', isCamera: false, scenes: ['Talk', 'Close'] })
    expect(tell(source('Desk'))).toEqual({ kind: 'group', isCamera: false, scenes: ['Talk'] })
    expect(tell(source('Close'))).toEqual({ kind: 'scene', isCamera: false, scenes: ['Talk'] })
    expect(tell(source('Empty'))).toEqual({ kind: 'scene', isCamera: false, scenes: [] })
    expect(names).not.toContain('microphone')
  })

  it('tells each filter, with the id of ours, in the order in which they are applied', () => {
    expect(source('camera').filters).toEqual([
      { name: 'Crop', kind: 'crop_filter', enabled: true, index: 0, filterId: null },
      { name: 'Matte', kind: 'mattebox_filter', enabled: false, index: 1, filterId: KEPT_ID },
    ])
    expect(filters('Talk')).toEqual(['Crop'])
  })

  it('reads a hundred sources in a few messages', async () => {
    const socket = await ObsSocket.open(obs.home.port, obs.home.password, { answerMs: 5000 })
    const messages = async (): Promise<number> => (await socket.call('GetStats')).webSocketSessionIncomingMessages
    const before = await messages()
    const begin = performance.now()
    const { sources } = await readContents(socket)
    console.info(`${sources.length} sources were read in ${(performance.now() - begin).toFixed(0)} ms.`)
    expect((await messages()) - before).toBeLessThanOrEqual(12)
    socket.close()
  })

  it('adds the filter behind the others, under a name that is free', async () => {
    const first = await connection.addFilter({ source: 'camera' })
    const second = await connection.addFilter({ source: 'camera' })
    const named = await connection.addFilter({ source: 'camera', name: 'Matte' })
    const ids = [first, second, named].map(({ filterId }) => filterId)
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{16}$/)
    expect(new Set([...ids, KEPT_ID]).size).toBe(4)
    await expect.poll(() => filters('camera'), PATIENCE).toEqual(['Crop', 'Matte', OURS, `${OURS} 2`, 'Matte 2'])
    expect(
      source('camera')
        .filters.slice(2)
        .map(({ filterId }) => filterId),
    ).toEqual(ids)
  })

  it('switches and moves filters of ours', async () => {
    await connection.changeFilter({ source: 'camera', filter: 'Matte', enabled: true, index: 0 })
    await connection.changeFilter({ source: 'camera', filter: OURS, enabled: false, index: 1000 })
    await expect
      .poll(() => source('camera').filters.map(({ name, enabled }) => [name, enabled]), PATIENCE)
      .toEqual([
        ['Matte', true],
        ['Crop', true],
        [`${OURS} 2`, true],
        ['Matte 2', true],
        [OURS, false],
      ])
  })

  it('removes filters of ours, and no others', async () => {
    for (const filter of [OURS, `${OURS} 2`, 'Matte 2']) await connection.removeFilter({ source: 'camera', filter })
    await expect.poll(() => filters('camera'), PATIENCE).toEqual(['Matte', 'Crop'])
    const crop = { source: 'camera', filter: 'Crop' }
    expect(await code(connection.removeFilter(crop))).toBe('OBS_FILTER_FOREIGN')
    expect(await code(connection.changeFilter({ ...crop, enabled: false }))).toBe('OBS_FILTER_FOREIGN')
    expect(await code(connection.removeFilter({ source: 'camera', filter: 'Gone' }))).toBe('OBS_FILTER_NONE')
    expect(await code(connection.removeFilter({ source: 'Gone', filter: 'Matte' }))).toBe('OBS_SOURCE_NONE')
    expect(await code(connection.addFilter({ source: 'Gone' }))).toBe('OBS_SOURCE_NONE')
    expect(filters('camera')).toEqual(['Matte', 'Crop'])
  })

  it('reads and sets the offset of sound, where there is sound', async () => {
    expect(connection.view.audioInputs).toEqual([
      { name: 'clip', offsetMs: 0 },
      { name: 'microphone', offsetMs: 120 },
    ])
    await connection.setAudioOffset('microphone', 83.4)
    expect(await connection.audioOffset('microphone')).toBe(83)
    await expect.poll(() => connection.view.audioInputs?.[1].offsetMs, PATIENCE).toBe(83)
    expect(await code(connection.setAudioOffset('microphone', 20_001))).toBe('OBS_REFUSED')
    expect(await code(connection.audioOffset('camera'))).toBe('OBS_REFUSED')
    expect(await code(connection.audioOffset('Gone'))).toBe('OBS_SOURCE_NONE')
  })

  it('follows what others do in OBS', async () => {
    await obs.call('SetCurrentProgramScene', { sceneName: 'Many' })
    await obs.call('SetInputName', { inputName: 'camera', newInputName: 'cam' })
    await obs.call('CreateSceneItem', { sceneName: 'Empty', sourceName: 'cam' })
    await expect.poll(() => source('cam').scenes, PROMPTLY).toEqual(['Talk', 'Close', 'Empty'])
    await obs.call('CreateScene', { sceneName: 'New' })
    await obs.call('SetSourceFilterName', { sourceName: 'cam', filterName: 'Matte', newFilterName: 'Person' })
    await obs.call('SetSourceFilterIndex', { sourceName: 'cam', filterName: 'Person', filterIndex: 1 })
    await obs.call('SetSourceFilterEnabled', { sourceName: 'cam', filterName: 'Crop', filterEnabled: false })
    await expect
      .poll(() => source('cam').filters, PROMPTLY)
      .toMatchObject([
        { name: 'Crop', enabled: false },
        { name: 'Person', filterId: KEPT_ID },
      ])
    expect(connection.view.programScene).toBe('Many')
    expect(source('New').scenes).toEqual([])
    await obs.call('SetInputName', { inputName: 'cam', newInputName: 'camera' })
    await expect.poll(() => filters('camera'), PROMPTLY).toEqual(['Crop', 'Person'])
  })

  it('is read at most twice a second, whatever happens in OBS', async () => {
    let changes = 0
    const count = (): void => {
      changes++
    }
    connection.on('change', count)
    const begin = performance.now()
    for (let n = 0; n < 60; n++) {
      const filterEnabled = n % 2 === 0
      await obs.call('SetSourceFilterEnabled', { sourceName: 'Talk', filterName: 'Crop', filterEnabled })
      await obs.call('SetInputName', { inputName: `colour ${n}`, newInputName: `colour ${n}!` })
      await sleep(20)
    }
    await expect.poll(() => connection.view.sources!.filter(({ name }) => name.endsWith('!')).length, PATIENCE).toBe(60)
    connection.off('change', count)
    expect(changes).toBeGreaterThan(1)
    expect(changes).toBeLessThanOrEqual(((performance.now() - begin) / 1000) * 2 + 1)
  })

  it('follows to another scene collection and back', async () => {
    await obs.call('CreateSceneCollection', { sceneCollectionName: 'U' })
    await expect.poll(() => connection.view.sources?.map(({ name }) => name), PATIENCE).toEqual(['Scene'])
    await obs.call('SetCurrentSceneCollection', { sceneCollectionName: 'T' })
    await expect.poll(() => connection.view.sources?.length, PATIENCE).toBe(MANY + 8)
  })

  it('says that OBS does not answer while it is stopped, and is back when it goes on', async () => {
    obs.signal('SIGSTOP')
    try {
      await becomes('away')
      expect(connection.view.error?.code).toBe('OBS_SILENT')
      expect(await code(connection.addFilter({ source: 'camera' }))).toBe('OBS_SILENT')
    } finally {
      obs.signal('SIGCONT')
    }
    await becomes('connected')
  })

  describe('with a password that OBS does not take', () => {
    let home: string
    let other: ObsConnection
    let way: CountedWay

    beforeAll(async () => {
      home = await mkdtemp(join(tmpdir(), 'mattebox-home-'))
      way = await CountedWay.to(obs.home.port)
      const settings = { enabled: true, port: way.port, password: 'of yesterday' }
      await writeServerSettings(join(home, '.config', 'obs-studio'), settings)
      other = new ObsConnection({ env: { HOME: home }, log: (line) => log.push(line), ...quick })
      other.start()
    })
    afterAll(async () => {
      await other.stop()
      way.close()
      await rm(home, { recursive: true })
    })

    it('asks for one, and does not try the refused one again and again', async () => {
      await expect.poll(() => other.view.state, PATIENCE).toBe('password')
      expect(other.view.error?.code).toBe('OBS_PASSWORD')
      await sleep(1500) // five attempts
      expect(way.knocks).toBe(1)
    })

    it('takes one that is given, and says whether it is right', async () => {
      expect(await code(other.login({ password: 'guessed wrong' }))).toBe('OBS_PASSWORD')
      await expect.poll(() => other.view.state, PATIENCE).toBe('password')
      await other.login({ password: obs.home.password })
      await expect.poll(() => other.view.state, PATIENCE).toBe('connected')
      expect(await code(other.login({ port: 1 }))).toBe('OBS_AWAY')
    })
  })

  it('is away when OBS is killed, says that its server is off, and is back when OBS is', async () => {
    await obs.kill()
    await becomes('away')
    await obs.setServer(false)
    await becomes('off')
    expect(connection.view.error?.mend).toContain('Tools → WebSocket Server Settings')
    await obs.removePlugin()
    await obs.setServer(true)
    await obs.start()
    await becomes('connected')
  })

  it('says that this OBS does not know the filter, and lists it by its id all the same', async () => {
    expect(connection.view.hasPlugin).toBe(false)
    expect(source('camera').filters.map(({ filterId }) => filterId)).toContain(KEPT_ID)
    expect(await code(connection.addFilter({ source: 'camera' }))).toBe('OBS_PLUGIN_NONE')
  })

  it('tells the password to nobody', () => {
    const said = JSON.stringify([connection.view, log])
    for (const secret of [obs.home.password, 'of yesterday', 'guessed wrong']) expect(said).not.toContain(secret)
  })

  it('stops while OBS is stopped', async () => {
    obs.signal('SIGSTOP')
    const begin = performance.now()
    await connection.stop()
    expect(performance.now() - begin).toBeLessThan(500)
    obs.signal('SIGCONT')
  })
}
