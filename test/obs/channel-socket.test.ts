/**
 * A real sidecar's socket (the addon), where it is built. Seen red: ECONNREFUSED taken for a listener, EPROTOTYPE
 * not, a stream socket taken for ours, 108 bytes allowed, the folder's mode not looked at.
 */
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import { dirname, join, resolve } from 'node:path'
import { once } from 'node:events'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { examineSocket, socketPath } from '../../src/obs/channel-socket.ts'
import type { Addon } from '../../src/sidecar/inference/channel/addon.ts'
import { Stage } from './stage.ts'

let stage: Stage
beforeEach(() => (stage = new Stage()))
afterEach(() => stage[Symbol.dispose]())

/** The sidecar's own end, as it was compiled last. */
const addon = ((): Addon | undefined => {
  try {
    return createRequire(import.meta.url)(resolve('build/Release/mattebox.node')) as Addon
  } catch {
    console.warn('The socket is not tried with a real sidecar’s: the addon is not built (npm run build:native).')
    return undefined
  }
})()

const folder = () => mkdirSync(dirname(socketPath(stage.env())), { recursive: true, mode: 0o700 })

describe('the socket', () => {
  it('lies where the filter looks', () => {
    expect(socketPath(stage.env())).toBe(join(stage.home, '.local/state/mattebox/channel.sock'))
    expect(socketPath({ ...stage.env(), MATTEBOX_SOCKET: '/run/other.sock' })).toBe('/run/other.sock')
    expect(socketPath({ ...stage.env(), MATTEBOX_SOCKET: '' })).toBe(socketPath(stage.env()))
  })

  it.skipIf(!addon)('is heard to be listened at, and the one who listens does not notice', async () => {
    const path = socketPath(stage.env())
    let noticed = 0
    const notice = () => noticed++
    const handlers = { accepted: notice, refused: notice, failed: notice, closed: () => undefined }
    const server = new addon!.ChannelServer(path, handlers)
    expect(await examineSocket(stage.env())).toEqual({ path, listening: true })
    server.close()
    await expect.poll(async () => (await examineSocket(stage.env())).listening).toBe(false)
    expect(noticed).toBe(0)
  })

  it.skipIf(!addon)('is left behind by a sidecar that was killed: nobody listens', async () => {
    const path = socketPath(stage.env())
    const program = `new (require(process.argv[1]).ChannelServer)(process.argv[2], { accepted() {}, refused() {}, failed() {}, closed() {} }); process.kill(process.pid, 'SIGKILL')`
    spawnSync(process.execPath, ['-e', program, resolve('build/Release/mattebox.node'), path])
    const report = await examineSocket(stage.env())
    expect(report).toMatchObject({ path, listening: false, error: { code: 'CHANNEL_NOBODY' } })
  })

  it('is not there: nobody listens, and the mend says what to run', async () => {
    const { listening, error } = await examineSocket(stage.env())
    expect(listening).toBe(false)
    expect(error).toMatchObject({ code: 'CHANNEL_NOBODY', mend: expect.stringContaining('`mattebox start`') as string })
  })

  it('is not a file, and not another program’s', async () => {
    const path = stage.file(join(stage.folder, 'file'), '')
    const env = { ...stage.env(), MATTEBOX_SOCKET: path }
    expect((await examineSocket(env)).error).toMatchObject({ code: 'CHANNEL_SOCKET', message: `${path} is no socket.` })
    const other = join(stage.folder, 'other.sock')
    const server = createServer().listen(other)
    await once(server, 'listening')
    const { error } = await examineSocket({ ...stage.env(), MATTEBOX_SOCKET: other })
    server.close()
    expect(error).toMatchObject({ code: 'CHANNEL_SOCKET', message: `Another program listens at ${other}.` })
  })

  it('has a path of 107 bytes at most', async () => {
    const path = `/${'é'.repeat(53)}`
    expect((await examineSocket({ ...stage.env(), MATTEBOX_SOCKET: path })).error?.code).toBe('CHANNEL_NOBODY')
    const { error } = await examineSocket({ ...stage.env(), MATTEBOX_SOCKET: `${path}a` })
    expect(error).toMatchObject({ code: 'CHANNEL_SOCKET', message: expect.stringContaining('108 bytes') as string })
  })

  it('lies in a folder that others may not look into', async () => {
    folder()
    chmodSync(dirname(socketPath(stage.env())), 0o755)
    const { error } = await examineSocket(stage.env())
    expect(error).toMatchObject({ code: 'CHANNEL_SOCKET', mend: expect.stringContaining('chmod 700') as string })
  })
})
