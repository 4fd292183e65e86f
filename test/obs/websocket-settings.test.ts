/**
 * Files as OBS 29 and 32 write them. Seen red: the section's name not looked at, escapes left in, the old file read
 * where the new one is there, Flatpak's folder not looked at, a port of 0 taken, what a
 * parser says of a damaged file repeated.
 */
import { mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { webSocketSettings } from '../../src/obs/websocket-settings.ts'
import { Stage } from './stage.ts'

let stage: Stage
beforeEach(() => (stage = new Stage()))
afterEach(() => stage[Symbol.dispose]())

const folder = () => join(stage.home, '.config/obs-studio')
const iniPath = () => join(folder(), 'global.ini')
const jsonPath = () => join(folder(), 'plugin_config/obs-websocket/config.json')
const ini = (...lines: string[]) => stage.file(iniPath(), lines.join('\n'))
const json = (value: unknown) => stage.file(jsonPath(), JSON.stringify(value))
const read = () => webSocketSettings(stage.env())

const ON = { server_enabled: true, server_port: 4460, auth_required: true, server_password: 'secret' }

describe('the settings of OBS’s WebSocket', () => {
  it('are none where no OBS was ever run', async () => {
    expect(await read()).toEqual([])
  })

  it('are read from global.ini up to OBS 30.1, from their section only', async () => {
    ini(
      '\uFEFF[General]',
      'ServerPort=1',
      '[OBSWebSocket]',
      'FirstLoad=false',
      'ServerEnabled=true',
      'ServerPort=4466',
      'AuthRequired=true',
      'ServerPassword=a=b \\\\n\\n"c',
      '',
      '[Other]',
      'ServerPassword=other',
    )
    const settings = { enabled: true, port: 4466, password: 'a=b \\n\n"c' }
    expect(await read()).toEqual([{ file: iniPath(), ...settings }])
  })

  it('are read from a file of their own since OBS 30.2, whatever the old one says', async () => {
    ini('[OBSWebSocket]', 'ServerEnabled=false', 'ServerPort=4466', 'ServerPassword=old')
    json(ON)
    expect(await read()).toEqual([{ file: jsonPath(), enabled: true, port: 4460, password: 'secret' }])
  })

  it('say off at OBS’s port where they say nothing', async () => {
    const off = { enabled: false, port: 4455, password: undefined }
    ini('[General]', 'FirstRun=true')
    expect(await read()).toEqual([{ file: iniPath(), ...off }])
    json({})
    expect(await read()).toEqual([{ file: jsonPath(), ...off }])
  })

  it('give no password where none is wanted', async () => {
    json({ ...ON, auth_required: false })
    expect(await read()).toMatchObject([{ password: undefined }])
    ini('[OBSWebSocket]', 'ServerEnabled=1', 'AuthRequired=false', 'ServerPassword=kept')
    stage.file(jsonPath(), '')
    expect(await read()).toEqual([{ file: jsonPath(), why: 'damaged' }])
  })

  it('are those of every OBS: the native one’s, where XDG_CONFIG_HOME leads, and Flatpak’s', async () => {
    json(ON)
    const flatpak = join(stage.home, '.var/app/com.obsproject.Studio/config/obs-studio/global.ini')
    stage.file(flatpak, '[OBSWebSocket]\nServerEnabled=true\nServerPort=4470\n')
    expect((await read()).map((one) => 'port' in one && one.port)).toEqual([4460, 4470])
    const env = { ...stage.env(), XDG_CONFIG_HOME: join(stage.home, 'elsewhere') }
    expect(await webSocketSettings(env)).toMatchObject([{ port: 4470 }])
  })

  it.each([
    ['no JSON', '{"server_password": "secret"'],
    ['no object', '"secret"'],
    ['a port that is none', JSON.stringify({ ...ON, server_port: 0 })],
    ['a port in words', JSON.stringify({ ...ON, server_port: 'secret' })],
  ])('are damaged where the file holds %s, and nothing of it is repeated', async (_, text) => {
    stage.file(jsonPath(), text)
    expect(await read()).toEqual([{ file: jsonPath(), why: 'damaged' }])
  })

  it('are unreadable where the file cannot be read', async () => {
    mkdirSync(jsonPath(), { recursive: true })
    expect(await read()).toEqual([{ file: jsonPath(), why: 'EISDIR' }])
  })

  it('are unreadable where a link goes round in a circle', async () => {
    mkdirSync(folder(), { recursive: true })
    symlinkSync('global.ini', iniPath())
    expect(await read()).toEqual([{ file: iniPath(), why: 'ELOOP' }])
  })
})
