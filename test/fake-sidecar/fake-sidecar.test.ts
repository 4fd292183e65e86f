/** The fake sidecar does what it is told: a harness that it deceived would prove nothing. */
import { once } from 'node:events'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { MESSAGES } from '../../src/sidecar/inference/channel/wire.ts'
import { FilterPeer } from '../native/addon/filter-peer.ts'
import { scratchSocket } from '../sidecar/inference/channel/scratch.ts'
import { FakeSidecar } from './fake-sidecar.ts'
import { FakeSidecarProcess } from './fake-sidecar-process.ts'

let socket: ReturnType<typeof scratchSocket>
let peer: FilterPeer

beforeEach(() => {
  socket = scratchSocket()
  peer = FilterPeer.start()
})

afterEach(async () => {
  await peer.end()
  socket[Symbol.dispose]()
})

describe('a fake sidecar', () => {
  let sidecar: FakeSidecar
  beforeEach(() => {
    sidecar = new FakeSidecar({ socket: socket.path })
  })
  afterEach(() => sidecar.close())

  it('answers, remembers, and answers otherwise when told to', async () => {
    await peer.join(socket.path)
    await peer.send(1, 4, 3)
    const opaque = await peer.matte()
    expect(opaque).toMatchObject({ frameId: 1, epoch: 4, planes: 8 })
    expect(sidecar.frames).toMatchObject([{ id: 1, epoch: 4, reason: 'scene', connection: 0, width: 32 }])
    expect(sidecar.frames[0].pixels).toHaveLength(16)
    sidecar.behave({ matte: 'id', planes: 2 })
    await peer.send(2)
    expect(await peer.matte()).toMatchObject({ frameId: 2, planes: 2 })
    expect(sidecar.messages[0]).toMatchObject({ name: 'hello', connection: 0 })
  })

  it('answers late, loses frames, takes none, lies', async () => {
    await peer.join(socket.path)
    sidecar.behave({ delayMs: [60, 80] })
    const start = performance.now()
    await peer.send(1)
    await peer.matte()
    expect(performance.now() - start).toBeGreaterThan(55)

    sidecar.behave({ delayMs: 0, lose: 1 })
    await peer.send(2)
    await expect(peer.matte(50)).rejects.toThrow('timeout')

    sidecar.behave({ lose: 0, taking: false })
    await peer.send(3)
    await expect(peer.matte(50)).rejects.toThrow('timeout')
    sidecar.behave({ taking: true, lie: { id: 100, epoch: 5 } })
    expect(await peer.matte()).toMatchObject({ frameId: 103, epoch: 6 })
    expect(sidecar.connections[0].counters).toMatchObject({ received: 3, answered: 1, dropped: { error: 2 } })

    sidecar.behave({ lie: { width: 999 } })
    await peer.send(4)
    await expect(peer.matte()).rejects.toThrow('EPROTO')
  })

  it('answers out of turn with several frames in work', async () => {
    await peer.join(socket.path)
    sidecar.behave({ overlap: 4, delayMs: [0, 60] })
    const ids: number[] = []
    for (let id = 1; id <= 12; id++) {
      const taken = once(sidecar, 'frame')
      await peer.send(id)
      await taken
      if (id % 3 === 0) for (let i = 0; i < 3; i++) ids.push((await peer.matte()).frameId)
    }
    expect(ids).toHaveLength(12)
    expect(ids).not.toEqual([...ids].sort((a, b) => a - b))
  })

  it('refuses, hangs in mid-handshake, names another wire, reads nothing', async () => {
    sidecar.behave({ admit: { code: 'NO', message: 'No.', mend: 'None.' } })
    await peer.hello(socket.path)
    expect(await peer.message()).toMatchObject({ type: MESSAGES.refused, body: { code: 'NO' } })
    await peer.do('leave')
    sidecar.behave({ admit: 'hang' })
    await peer.hello(socket.path)
    await expect(peer.message(100)).rejects.toThrow('timeout')
    await peer.do('leave')
    sidecar.behave({ admit: 'welcome', welcomeWire: 9 })
    await peer.hello(socket.path)
    expect(await peer.message()).toMatchObject({ type: MESSAGES.welcome, body: { wire: 9 } })
    await peer.do('leave')
    sidecar.behave({ reading: false, welcomeWire: null })
    await peer.hello(socket.path)
    await expect(peer.message(100)).rejects.toThrow('timeout')
    sidecar.behave({ reading: true })
    expect(await peer.message()).toMatchObject({ type: MESSAGES.welcome })
  })

  it('says stats, and sends what is no message', async () => {
    const error = { code: 'MODEL_NONE', message: 'No model.', mend: 'Get one.' }
    sidecar.behave({ stats: { error } })
    await peer.join(socket.path)
    expect(await peer.message()).toMatchObject({ type: MESSAGES.stats, body: { error, provider: 'cpu' } })
    const connection = await sidecar.connected()
    connection.channel.cover(true)
    expect(await peer.message()).toEqual({ type: MESSAGES.cover, body: { on: true } })
    connection.sendText('settings', '{')
    expect(await peer.tell('message 500')).toBe(`message ${MESSAGES.settings} {`)
    connection.breakIndexes()
    await expect(peer.matte(200)).rejects.toThrow('EPROTO')
  })
})

describe('a fake sidecar in a process of its own', () => {
  it('is told from afar, reports, and dies', async () => {
    const sidecar = await FakeSidecarProcess.start({ socket: socket.path, behaviour: { matte: 'half' } })
    await peer.join(socket.path)
    await peer.send(1)
    expect(await peer.matte()).toMatchObject({ frameId: 1 })
    sidecar.call(0, { method: 'set', argument: { view: 'alpha' } })
    expect(await peer.message()).toEqual({ type: MESSAGES.set, body: { view: 'alpha' } })
    const report = await sidecar.report()
    expect(report).toMatchObject({ open: 1, counters: [{ received: 1, answered: 1 }], frames: [{ id: 1 }] })
    await sidecar.signal('SIGKILL')
    expect(await peer.gone()).toBe(true)
    expect(sidecar.child.signalCode).toBe('SIGKILL')
    await sidecar.close()
  })

  it('is gone when its test is', async () => {
    const sidecar = await FakeSidecarProcess.start({ socket: socket.path })
    const exited = once(sidecar.child, 'exit')
    sidecar.child.disconnect()
    await exited
  })
})
