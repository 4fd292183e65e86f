/**
 * Where no OBS is, or something else in its place; real OBS is in test/system/obs-studio. Any promise that is rejected
 * and not heard fails the run. Seen red: no wait between attempts, no limit of time for a server that says nothing, a
 * port of another program taken for OBS away, `off` while one OBS of two is on, a stop that waits for an answer, a
 * filter of another wire taken for one that fits.
 */
import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ObsConnection } from '../../src/obs/index.ts'
import { madeUpPlugin, Stage } from './stage.ts'

let stage: Stage
let connection: ObsConnection
const servers: Server[] = []

beforeEach(() => {
  stage = new Stage()
  connection = new ObsConnection({ env: stage.env(), answerMs: 300, backoffMs: [50, 100] })
})
afterEach(async () => {
  await connection.stop()
  for (const server of servers.splice(0)) server.close()
  stage[Symbol.dispose]()
})

const NATIVE = '.config/obs-studio'
const FLATPAK = '.var/app/com.obsproject.Studio/config/obs-studio'

function settings(port: number, enabled = true, folder = NATIVE): void {
  const all = { server_enabled: enabled, server_port: port, auth_required: true, server_password: 'secret' }
  stage.file(join(stage.home, folder, 'plugin_config/obs-websocket/config.json'), JSON.stringify(all))
}

async function listening(server: Server): Promise<number> {
  servers.push(server)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

async function nobody(): Promise<number> {
  const port = await listening(createServer())
  servers.pop()!.close()
  return port
}

const view = () => connection.view
const error = () => expect.poll(() => view().error, { timeout: 3000 })

describe('without OBS', () => {
  it('is away, and says so without a password', async () => {
    settings(await nobody())
    connection.start()
    await error().toMatchObject({ code: 'OBS_AWAY', mend: 'Start OBS Studio.' })
    expect(view()).toMatchObject({ state: 'away', sources: null, audioInputs: null, hasPlugin: null })
    expect(JSON.stringify(view())).not.toContain('secret')
  })

  it.each(['native', 'flatpaks'] as const)(
    'looks whether the filter lies in the folder of plugins: %s',
    async (kind) => {
      connection = new ObsConnection({ env: stage.env(), wire: 2, backoffMs: [50, 100] })
      connection.start()
      const hasPlugin = () => expect.poll(() => view().hasPlugin, { timeout: 3000 })
      await hasPlugin().toBe(false)
      madeUpPlugin(stage, stage[kind], { wire: 2 })
      await hasPlugin().toBe(true)
      // Ours would refuse it.
      madeUpPlugin(stage, stage[kind], { wire: 1 })
      await hasPlugin().toBe(false)
    },
  )

  it('is off where OBS’s server is switched off, and looks again at what the settings say', async () => {
    const port = await nobody()
    settings(port, false)
    connection.start()
    await error().toMatchObject({ code: 'OBS_WEBSOCKET_OFF' })
    expect(view().state).toBe('off')
    settings(port)
    await error().toMatchObject({ code: 'OBS_AWAY' })
    expect(view().state).toBe('away')
  })

  it('is not off where one OBS of two has its server on', async () => {
    settings(await nobody(), false)
    settings(await nobody(), true, FLATPAK)
    connection.start()
    await error().toMatchObject({ code: 'OBS_AWAY' })
  })

  it('tells whoever gives a password that nobody is there', async () => {
    settings(await nobody())
    connection.start()
    await expect(connection.login({ password: 'other' })).rejects.toMatchObject({ code: 'OBS_AWAY' })
    await expect(connection.audioOffset('microphone')).rejects.toMatchObject({ code: 'OBS_AWAY' })
  })
})

describe('with something else in OBS’s place', () => {
  it('says that it is not OBS', async () => {
    settings(await listening(createHttpServer((_, response) => response.end('hello'))))
    connection.start()
    await error().toMatchObject({
      code: 'OBS_AWAY',
      message: expect.stringContaining('is not the WebSocket') as string,
    })
  })

  it('gives a server that says nothing its time, and no more', async () => {
    const port = await listening(createServer((socket) => socket.on('error', () => undefined)))
    settings(port)
    connection.start()
    await error().toMatchObject({ code: 'OBS_SILENT' })
    await expect(connection.login({ port })).rejects.toMatchObject({ code: 'OBS_SILENT' })
  })

  it('ends at once, also while it waits for an answer', async () => {
    const server = createServer((socket) => socket.on('error', () => undefined))
    settings(await listening(server))
    const patient = new ObsConnection({ env: stage.env() })
    patient.start()
    await once(server, 'connection')
    const login = expect(patient.login({ password: 'other' })).rejects.toMatchObject({ code: 'OBS_AWAY' })
    const begin = performance.now()
    await patient.stop()
    expect(performance.now() - begin).toBeLessThan(300)
    await login
  })

  it('waits between attempts where everybody is let go of at once', async () => {
    let knocks = 0
    const drop = (socket: Socket): void => {
      knocks++
      socket.on('error', () => undefined).destroy()
    }
    settings(await listening(createServer(drop)))
    connection.start()
    await sleep(1000)
    expect(knocks).toBeGreaterThan(3)
    expect(knocks).toBeLessThanOrEqual(12)
    expect(view().state).toBe('away')
  })
})
