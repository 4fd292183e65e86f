/**
 * The sidecar's end of the channel against a filter in another process, both real: socket, shared memory, addon.
 *
 * Seen red: with the oldest frame handed over for the newest; an epoch or a reason left out; `newer` or `closed` not
 * counted; a frame's id not compared with the last; NaN written; the old memory kept after the first frame of the new
 * one; a message's keys not checked; a ring of mattes whose tail cannot be taken for a full one; a watch that libuv
 * stopped left stopped.
 */
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  ChannelServer,
  LIMITS,
  MESSAGES,
  type Channel,
  type ChannelEnd,
  type Frame,
} from '../../../../src/sidecar/inference/channel/index.ts'
import { FilterSettings } from '../../../../src/settings/index.ts'
import { FilterPeer, hashOf, pixelsOf } from '../../../native/addon/filter-peer.ts'
import { figures, scratchSocket, until } from './scratch.ts'

let socket: ReturnType<typeof scratchSocket>
let server: ChannelServer
let peer: FilterPeer
let channels: Channel[]

beforeEach(() => {
  socket = scratchSocket()
  server = new ChannelServer({ path: socket.path, sidecar: '1.2.3' })
  channels = []
  server.on('connection', (channel) => channels.push(channel))
  peer = FilterPeer.start()
})

afterEach(async () => {
  server.close()
  await peer.end()
  socket[Symbol.dispose]()
  // Reliability row 9, after every test: whatever was sent, in = answered + dropped.
  await until(() => channels.every(({ isClosed }) => isClosed))
  expect(channels.map((channel) => account(channel).open)).toEqual(channels.map(() => 0))
})

/** The peer joins; the channel that came of it. */
async function joined(changes: Parameters<FilterPeer['join']>[1] = {}): Promise<Channel> {
  const connection = once(server, 'connection') as Promise<[Channel]>
  await peer.join(server.path, changes)
  return (await connection)[0]
}

/** The newest frame, once one is there. */
async function taken(channel: Channel): Promise<Frame> {
  let frame: Frame | undefined
  await until(() => (frame = channel.takeFrame()) !== undefined)
  return frame!
}

async function endOf(channel: Channel): Promise<ChannelEnd> {
  return ((await once(channel, 'closed')) as [ChannelEnd])[0]
}

/** received = answered + dropped + frames in work. */
function account({ counters }: Channel): { received: number; answered: number; open: number; dropped: object } {
  const { received, answered, dropped } = counters
  const lost = Object.values(dropped).reduce((sum, count) => sum + count, 0)
  const said = Object.fromEntries(Object.entries(dropped).filter(([, count]) => count > 0))
  return { received, answered, open: received - answered - lost, dropped: said }
}

const planes = (count: number, { width, height }: Frame, value: (i: number) => number): Float32Array =>
  Float32Array.from({ length: count * width * height }, (_, i) => value(i))

const defaults = Object.fromEntries(
  Object.entries(FilterSettings.properties).map(([key, { default: value }]) => [key, value]),
) as unknown as FilterSettings

describe('a handshake', () => {
  it('makes a channel of a filter that says who it is', async () => {
    const connection = once(server, 'connection') as Promise<[Channel]>
    await peer.hello(server.path, { source: 'Kamera – 2', welcomed: true })
    expect(await peer.message()).toEqual({ type: MESSAGES.welcome, body: { wire: 1, sidecar: '1.2.3' } })
    const [channel] = await connection
    expect(channel.hello).toMatchObject({ source: 'Kamera – 2', welcomed: true, obs: '29.0.2' })
    expect(account(channel)).toEqual({ received: 0, answered: 0, open: 0, dropped: {} })
  })

  it.each([
    ['older', 0, 'Update the filter'],
    ['newer', 2, 'Update mattebox'],
  ])('refuses a filter of an %s wire, and says which side to update', async (_, wire, mend) => {
    const refused = once(server, 'refused')
    await peer.hello(server.path, { wire })
    const { type, body } = await peer.message()
    expect(type).toBe(MESSAGES.refused)
    expect(body).toMatchObject({ code: 'CHANNEL_VERSION', mend: expect.stringContaining(mend) as string })
    expect(await peer.gone()).toBe(true)
    expect(await refused).toMatchObject([{ code: 'CHANNEL_VERSION' }])
  })

  it.each([
    ['a hello that is not JSON', () => peer.tell(`offer ${MESSAGES.hello} {"wire":`)],
    ['a hello without its keys', () => peer.tell(`offer ${MESSAGES.hello} {"wire":1}`)],
    ['a hello without memory', () => peer.tell(`send ${MESSAGES.hello} ${goodHello}`)],
    ['another message first', () => peer.tell(`send ${MESSAGES.scene} {"scene":null}`)],
    ['a type that there is not', () => peer.tell('send 200 {}')],
    [
      'a memory with a header that is wrong',
      async () => {
        await peer.do('patch 16 4711') // the width
        return peer.tell(`offer ${MESSAGES.hello} ${goodHello}`)
      },
    ],
  ])('refuses %s', async (_, misbehave) => {
    const refused = once(server, 'refused')
    await peer.do(`connect ${server.path}`)
    await peer.do('memory 32 16')
    expect(await misbehave()).toBe('ok')
    const { type, body } = await peer.message()
    expect({ type, body }).toMatchObject({ type: MESSAGES.refused, body: { code: 'CHANNEL_BREACH' } })
    expect(await peer.gone()).toBe(true)
    expect(await refused).toEqual([expect.objectContaining(body as object)])
  })

  it.each([
    ['bytes that are no message', 'raw 200 255'],
    ['a message that is too long', `raw ${LIMITS.messageMax + 2} 65`],
    ['more descriptors than one', `descriptors 3 ${MESSAGES.hello} {}`],
    ['so many that none fits', `descriptors 60 ${MESSAGES.hello} {}`],
    ['a descriptor with a message that has none', `descriptors 1 ${MESSAGES.scene} {"scene":null}`],
  ])('hangs up on %s', async (_, line) => {
    const refused = once(server, 'refused')
    await peer.do(`connect ${server.path}`)
    await peer.do('memory 32 16')
    await peer.do('use')
    await peer.do(line)
    expect(await refused).toMatchObject([{ code: 'CHANNEL_BREACH' }])
  })

  it('lets go of a filter that says nothing for two seconds', async () => {
    const refused = once(server, 'refused')
    const start = performance.now()
    await peer.do(`connect ${server.path}`)
    expect((await peer.message()).body).toMatchObject({ code: 'CHANNEL_LATE' })
    expect(performance.now() - start).toBeGreaterThan(1900)
    expect(await refused).toMatchObject([{ code: 'CHANNEL_LATE' }])
    expect(await peer.gone()).toBe(true)
  })

  it('lets go of a filter whose memory it has no descriptor for, and blames nobody', async () => {
    const refused = once(server, 'refused')
    const before = figures().descriptors
    await peer.do(`connect ${server.path}`)
    await until(() => figures().descriptors > before)
    await peer.do('memory 32 16')
    // Spares, so that there is something to be had for the restoring.
    const spares = Array.from({ length: 40 }, () => openSync('/dev/null', 'r'))
    const restore = limitDescriptors(Math.max(...spares) + 1)
    await peer.do(`offer ${MESSAGES.hello} ${goodHello}`)
    await refused.finally(() => {
      spares.forEach((spare) => closeSync(spare))
      restore()
    })
    expect(await refused).toMatchObject([
      { code: 'CHANNEL_SOCKET', message: expect.stringContaining('EMFILE') as string },
    ])
    expect(await peer.gone()).toBe(true)
  })

  it('tells a filter what the caller has against it', async () => {
    server.close()
    const complaint = { code: 'FULL', message: 'There are enough.', mend: 'Remove one.' }
    server = new ChannelServer({ path: socket.path, sidecar: '1', admit: () => Promise.resolve(complaint) })
    await peer.hello(server.path)
    expect(await peer.message()).toEqual({ type: MESSAGES.refused, body: complaint })
  })

  it.runIf(process.getuid?.() === 0)('refuses a process of another user', async () => {
    const { chmodSync } = await import('node:fs')
    chmodSync(socket.path, 0o777)
    chmodSync(socket.path.slice(0, socket.path.lastIndexOf('/')), 0o755)
    const refused = once(server, 'refused')
    const other = FilterPeer.start(65534)
    // The other side notices too: the listener is another user's.
    expect(await other.tell(`connect ${server.path}`)).toBe('error EPERM')
    expect(await refused).toMatchObject([{ code: 'CHANNEL_STRANGER' }])
    await other.end()
  })
})

const goodHello = JSON.stringify({
  ...{ wire: 1, filterId: '0123456789abcdef', source: 'Camera', filter: 'mattebox', obs: '29.0.2', pid: 1 },
  ...{ private: false, welcomed: false },
})

describe('a frame', () => {
  it('comes over whole, with its epoch and reason, and its matte goes back to it', async () => {
    const channel = await joined({ width: 480, height: 272 })
    const announced = once(channel, 'frames')
    await peer.send(1, 7, 3)
    await announced
    const frame = channel.takeFrame()!
    const head = { id: 1, epoch: 7, reason: 'scene', width: 480, height: 272, sourceWidth: 1920, sourceHeight: 1080 }
    expect(frame).toMatchObject(head)
    expect(Buffer.compare(frame.pixels, pixelsOf(1, frame))).toBe(0)
    expect(frame.timestampNs / 1e9).toBeCloseTo(Number(process.hrtime.bigint()) / 1e9, -1)

    expect(
      channel.writeMatte(
        frame,
        planes(2, frame, (i) => i % 2),
        'cut',
      ),
    ).toBe('ok')
    const reply = { frameId: 1, epoch: 7, planes: 2, width: 480, height: 272, reason: 7 }
    expect(await peer.matte()).toMatchObject(reply)
    expect(account(channel)).toEqual({ received: 1, answered: 1, open: 0, dropped: {} })
  })

  it.each([2, 8] as const)('is answered with the texels of %i planes, bit by bit', async (count) => {
    const channel = await joined()
    await peer.send(1)
    const frame = await taken(channel)
    const { width, height } = frame
    // Eighths are exact in fp16; the texels' order is wire.h's.
    channel.writeMatte(
      frame,
      planes(count, frame, (i) => (i % 2048) / 8 - 128),
    )
    const at = (plane: number, i: number): number => ((plane * width * height + i) % 2048) / 8 - 128
    const images = count === 2 ? [[0, 1]] : [[0, 1, 2, 3], [4, 5, 6, 7]] // prettier-ignore
    const texels = images.flatMap((channels) =>
      Array.from({ length: width * height }, (_, i) => channels.map((plane) => at(plane, i))).flat(),
    )
    expect((await peer.matte()).hash).toBe(hashOf(halves(texels)))
  })

  it('takes ready texels as they are', async () => {
    const channel = await joined()
    await peer.send(1)
    const frame = await taken(channel)
    const texels = Uint8Array.from({ length: 32 * 16 * 2 * 2 }, (_, i) => i * 13)
    expect(channel.writeTexels(frame, texels, 2)).toBe('ok')
    expect((await peer.matte()).hash).toBe(hashOf(texels))
  })

  it('is the newest: older ones are passed over and counted', async () => {
    const channel = await joined()
    for (const id of [1, 2, 3, 4]) await peer.frame(id)
    expect(await peer.frame(5)).toBe(false)
    expect(channel.takeFrame()?.id).toBe(4)
    expect(account(channel)).toEqual({ received: 4, answered: 0, open: 1, dropped: { newer: 3 } })
    expect(channel.takeFrame()).toBeUndefined()
    await peer.send(6)
    expect(channel.takeFrame()?.id).toBe(6)
  })

  it('goes into memory of the caller’s where that fits', async () => {
    const channel = await joined()
    const mine = new Uint8Array(32 * 16 * 4)
    await peer.send(1)
    expect(channel.takeFrame(mine)?.pixels).toBe(mine)
    expect(mine).toEqual(pixelsOf(1, { width: 32, height: 16 }))
    await peer.send(2)
    expect(channel.takeFrame(new Uint8Array(7))?.pixels).toEqual(pixelsOf(2, { width: 32, height: 16 }))
  })

  it.each([NaN, Infinity, -Infinity])('gets no matte with a %f in it', async (value) => {
    const channel = await joined()
    await peer.send(1)
    const frame = await taken(channel)
    const bad = planes(2, frame, (i) => (i === 777 ? value : 0.5))
    expect(channel.writeMatte(frame, bad)).toBe('nonFinite')
    expect(await peer.tell('matte 50')).toBe('timeout')
    expect(account(channel)).toEqual({ received: 1, answered: 0, open: 0, dropped: { error: 1 } })
  })

  it('is dropped where the filter takes no mattes', async () => {
    const channel = await joined()
    const fates: string[] = []
    for (let id = 1; id <= 6; id++) {
      await peer.send(id)
      const frame = await taken(channel)
      fates.push(
        channel.writeMatte(
          frame,
          planes(2, frame, () => 1),
        ),
      )
    }
    expect(fates).toEqual(['ok', 'ok', 'ok', 'ok', 'full', 'full'])
    expect(account(channel)).toEqual({ received: 6, answered: 4, open: 0, dropped: { full: 2 } })
    expect((await peer.matte()).frameId).toBe(1)
  })

  it('ends the channel where the filter says that it read more mattes than there were', async () => {
    const channel = await joined()
    const end = endOf(channel)
    await peer.send(1)
    const frame = await taken(channel)
    await peer.do('tail 5')
    expect(channel.writeTexels(frame, new Uint8Array(32 * 16 * 4), 2)).toBe('closed')
    expect((await end).error).toMatchObject({ message: expect.stringContaining('ring of mattes') as string })
    expect(account(channel)).toEqual({ received: 1, answered: 0, open: 0, dropped: { closed: 1 } })
  })

  it('is given up where there is no engine for it', async () => {
    const channel = await joined()
    for (const [id, reason] of [
      [1, 'unready'],
      [2, 'error'],
    ] as const) {
      // prettier-ignore
      await peer.send(id)
      channel.drop(await taken(channel), reason)
    }
    expect(account(channel)).toEqual({ received: 2, answered: 0, open: 0, dropped: { unready: 1, error: 1 } })
  })

  it('is answered once: a second matte is a fault of the caller’s', async () => {
    const channel = await joined()
    await peer.send(1)
    const frame = await taken(channel)
    expect(() => channel.writeMatte(frame, new Float32Array(5))).toThrow('2 or 8 planes')
    channel.drop(frame, 'unready')
    expect(() =>
      channel.writeMatte(
        frame,
        planes(2, frame, () => 1),
      ),
    ).toThrow('answered or dropped already')
    expect(account(channel)).toEqual({ received: 1, answered: 0, open: 0, dropped: { unready: 1 } })
  })

  it.each([
    ['with an id of before', 'frame 5 1 1', 'frame 5 1 1'],
    ['without an id', 'frame 0 1 1', ''],
    ['without an epoch', 'frame 1 0 1', ''],
    ['with a reason of the sidecar’s', 'frame 1 1 7', ''],
    ['past the ring', 'index 77', ''],
  ])('%s ends the channel', async (_, first, second) => {
    const channel = await joined()
    const end = endOf(channel)
    await peer.do(first)
    channel.takeFrame()
    if (second !== '') await peer.do(second)
    channel.takeFrame()
    expect((await end).error).toMatchObject({ code: 'CHANNEL_BREACH' })
    expect(account(channel).open).toBe(0)
    expect(await peer.gone()).toBe(true)
  })
})

describe('another low resolution', () => {
  it('is used from its first frame on; the old one serves until then', async () => {
    const channel = await joined()
    await peer.send(1)
    const first = await taken(channel)
    await peer.do('memory 64 48')
    await peer.do(`offer ${MESSAGES.memory} {"width":64,"height":48}`)
    expect(await peer.message()).toEqual({ type: MESSAGES.ready, body: { width: 64, height: 48 } })

    // What was taken from the old memory is answered into it.
    const matte = (frame: Frame): Float32Array => planes(2, frame, () => 1)
    expect(channel.writeMatte(first, matte(first))).toBe('ok')
    expect(await peer.matte()).toMatchObject({ frameId: 1, width: 32, height: 16 })

    for (const id of [2, 3]) await peer.frame(id)
    const third = await taken(channel)
    for (const id of [4, 5]) await peer.frame(id)
    await peer.do('use')
    await peer.send(6, 2, 5)
    const sixth = await taken(channel)
    expect(sixth).toMatchObject({ id: 6, epoch: 2, reason: 'size', width: 64, height: 48 })
    expect(Buffer.compare(sixth.pixels, pixelsOf(6, sixth))).toBe(0)
    expect(channel.writeMatte(third, matte(third))).toBe('resize')
    expect(channel.writeMatte(sixth, matte(sixth))).toBe('ok')
    expect(await peer.matte()).toMatchObject({ frameId: 6, width: 64, height: 48 })
    // 2 was passed over for 3, 3 was answered too late, 4 and 5 were never read.
    expect(account(channel)).toEqual({ received: 6, answered: 2, open: 0, dropped: { newer: 1, resize: 3 } })
  })

  it('may change again before it is used', async () => {
    const channel = await joined()
    await peer.frame(1)
    for (const side of [48, 64]) {
      await peer.do(`memory ${side} ${side}`)
      await peer.do(`offer ${MESSAGES.memory} {"width":${side},"height":${side}}`)
      expect((await peer.message()).body).toEqual({ width: side, height: side })
    }
    await peer.do('use')
    await peer.send(2, 2, 5)
    expect(await taken(channel)).toMatchObject({ id: 2, width: 64 })
    expect(account(channel)).toEqual({ received: 2, answered: 0, open: 1, dropped: { resize: 1 } })
  })

  it.each([
    ['that is another than was said', `offer ${MESSAGES.memory} {"width":48,"height":64}`],
    ['that does not come along', `send ${MESSAGES.memory} {"width":64,"height":48}`],
  ])('%s ends the channel', async (_, line) => {
    const channel = await joined()
    const end = endOf(channel)
    await peer.do('memory 64 48')
    await peer.do(line)
    expect((await end).error?.code).toBe('CHANNEL_BREACH')
  })
})

describe('control messages', () => {
  it('of a filter arrive checked, without the keys that are not known', async () => {
    const channel = await joined()
    const settings = once(channel, 'settings')
    await peer.do(`send ${MESSAGES.settings} ${JSON.stringify({ ...defaults, view: 'alpha', stamp: true })}`)
    expect(await settings).toEqual([{ ...defaults, view: 'alpha' }])

    const scene = once(channel, 'scene')
    await peer.do(`send ${MESSAGES.scene} {"scene":"Talk"}`)
    expect(await scene).toEqual([{ scene: 'Talk' }])

    const renamed = once(channel, 'renamed')
    await peer.do(`send ${MESSAGES.renamed} {"source":"Cam","filter":"F"}`)
    expect(await renamed).toEqual([{ source: 'Cam', filter: 'F' }])

    const reset = once(channel, 'reset')
    await peer.do(`send ${MESSAGES.reset} {"epoch":2,"reason":"scene","from":"A","to":"B"}`)
    expect(await reset).toEqual([{ epoch: 2, reason: 'scene', from: 'A', to: 'B' }])

    const stats = once(channel, 'stats')
    const figures = {
      ...{ fps: 29.97, delayMs: 66.6, latencyMs: 30, width: 32, height: 16, ratio: 0.25 },
      ...{ sufficesMs: 0, pairing: 'matched' },
      ...{
        cover: false,
        shown: 10,
        covered: 0,
        sent: 5,
        answered: 4,
        dropped: { full: 1 },
        resets: { first: 1 },
        error: null,
      },
    }
    await peer.do(`send ${MESSAGES.stats} ${JSON.stringify(figures)}`)
    expect(await stats).toEqual([figures])
  })

  it.each([
    ['settings out of range', MESSAGES.settings, { ...defaults, level_low: 2 }, 'level_low'],
    ['settings that lack one', MESSAGES.settings, { ...defaults, view: undefined }, 'view'],
    ['a scene that is a number', MESSAGES.scene, { scene: 4 }, 'scene'],
    ['a reset for no reason', MESSAGES.reset, { epoch: 2, reason: 'cut', from: null, to: null }, 'reason'],
    ['a second hello', MESSAGES.hello, JSON.parse(goodHello) as object, 'second hello'],
    ['a message of the sidecar’s', MESSAGES.welcome, {}, 'type 32'],
  ])('with %s end the channel', async (_, type, body, named) => {
    const channel = await joined()
    const end = endOf(channel)
    await peer.do(`send ${type} ${JSON.stringify(body)}`)
    expect((await end).error).toMatchObject({
      code: 'CHANNEL_BREACH',
      message: expect.stringContaining(named) as string,
    })
  })

  it('may be as long as the wire allows, both ways', async () => {
    const channel = await joined()
    const scene = 'x'.repeat(LIMITS.messageMax - '{"scene":""}'.length)
    const heard = once(channel, 'scene')
    await peer.do(`send ${MESSAGES.scene} {"scene":"${scene}"}`)
    expect(await heard).toEqual([{ scene }])
    expect(await peer.tell(`send ${MESSAGES.scene} {"scene":"${scene}x"}`)).toBe('error EMSGSIZE')

    const model = 'y'.repeat(LIMITS.messageMax - JSON.stringify(sidecarStats('')).length)
    channel.stats(sidecarStats(model))
    expect((await peer.message()).body).toMatchObject({ model })
    expect(() => channel.stats(sidecarStats(`${model}z`))).toThrow(
      expect.objectContaining({ code: 'EMSGSIZE' }) as Error,
    )
  })

  it('to a filter arrive as they were meant', async () => {
    const channel = await joined()
    channel.set({ view: 'alpha', feather: -1.5 })
    channel.reset()
    channel.cover(true)
    channel.stats(sidecarStats('default'))
    expect(await peer.message()).toEqual({ type: MESSAGES.set, body: { view: 'alpha', feather: -1.5 } })
    expect(await peer.message()).toEqual({ type: MESSAGES.reset, body: {} })
    expect(await peer.message()).toEqual({ type: MESSAGES.cover, body: { on: true } })
    expect(await peer.message()).toEqual({ type: MESSAGES.stats, body: sidecarStats('default') })
    channel.bye()
    expect(await peer.message()).toEqual({ type: MESSAGES.bye, body: {} })
    expect(await peer.gone()).toBe(true)
  })

  it('refuse a setting that there is not, or a value that it cannot have', async () => {
    const channel = await joined()
    expect(() => channel.set({ provider: 'cpu' } as Partial<FilterSettings>)).toThrow('no setting provider')
    expect(() => channel.set({ max_delay_ms: 5 })).toThrow('max_delay_ms cannot be 5')
    expect(() => channel.set({ toString: 1 } as Partial<FilterSettings>)).toThrow('no setting toString')
  })

  it('to a filter that reads none end its channel; figures are only left out', async () => {
    const channel = await joined()
    for (let i = 0; i < 2000; i++) channel.stats(sidecarStats('x'.repeat(1000)))
    expect(channel.isClosed).toBe(false)
    const end = endOf(channel)
    channel.cover(true)
    expect((await end).error?.code).toBe('CHANNEL_UNREAD')
  })
})

describe('the end of a channel', () => {
  it('accounts for every frame: taken, waiting, in either memory', async () => {
    const channel = await joined()
    await peer.send(1)
    await taken(channel)
    for (const id of [2, 3]) await peer.frame(id)
    await peer.do('memory 64 48')
    await peer.do(`offer ${MESSAGES.memory} {"width":64,"height":48}`)
    await peer.message()
    await peer.do('use')
    await peer.frame(4)
    const end = endOf(channel)
    await peer.do('leave')
    expect(await end).toEqual({})
    expect(account(channel)).toEqual({ received: 4, answered: 0, open: 0, dropped: { closed: 4 } })
  })

  it('is no error where the filter is killed; its frame’s matte is `closed`', async () => {
    const channel = await joined()
    await peer.send(1)
    const frame = await taken(channel)
    const end = endOf(channel)
    peer.child.kill('SIGKILL')
    expect(await end).toEqual({})
    expect(channel.writeMatte(frame, new Float32Array(2 * 32 * 16))).toBe('closed')
    expect(channel.takeFrame()).toBeUndefined()
    channel.drop(frame, 'error')
    channel.cover(true)
    expect(account(channel)).toEqual({ received: 1, answered: 0, open: 0, dropped: { closed: 1 } })
  })

  it('is heard after all that was said before it, however much there is', async () => {
    const channel = await joined()
    const said: unknown[] = []
    channel.on('scene', ({ scene }) => said.push(scene))
    const end = endOf(channel)
    // Never read: the kernel then says of the filter's end that it is an error of the connection.
    channel.cover(true)
    const scenes = Array.from({ length: 150 }, (_, i) => String(i))
    const lines = scenes.map((scene) => `send ${MESSAGES.scene} {"scene":"${scene}"}\n`)
    peer.child.stdin.write(`${lines.join('')}leave\n`)
    // This thread is busy, as with the making of a network, until the filter has left: its memory goes last.
    execFileSync('sh', ['-c', `while ls -l /proc/${peer.child.pid}/fd | grep -q memfd; do sleep 0.01; done`])
    expect(await end).toEqual({})
    expect(said).toEqual(scenes)
  })

  it.each(['channel first', 'server first', 'twice', 'within its own event', 'within the frame’s event'])(
    'may come in any order: %s',
    async (order) => {
      const channel = await joined()
      let ends = 0
      channel.on('closed', () => ends++)
      const ended = Promise.all([once(channel, 'closed'), once(server, 'closed')])
      switch (order) {
        case 'channel first':
          channel.close()
          server.close()
          break
        case 'server first':
          server.close()
          channel.close()
          break
        case 'twice':
          channel.close()
          channel.close()
          server.close()
          server.close()
          break
        case 'within its own event':
          channel.on('closed', () => {
            channel.close()
            server.close()
          })
          channel.close()
          break
        default:
          channel.on('frames', () => {
            channel.close()
            server.close()
          })
          await peer.send(1)
      }
      await ended
      expect(await peer.gone()).toBe(true)
      expect(ends).toBe(1)
      channel.close()
      server.close()
    },
  )

  it('lets a new server take the path over while the old one’s channels live on', async () => {
    const channel = await joined()
    const newer = new ChannelServer({ path: socket.path, sidecar: '2' })
    server.close()
    const other = FilterPeer.start()
    const connection = once(newer, 'connection')
    await other.join(newer.path)
    await connection
    await peer.send(1)
    expect((await taken(channel)).id).toBe(1)
    await other.end()
    newer.close()
  })

  it('of a server in mid-handshake lets the filter go', async () => {
    await peer.do(`connect ${server.path}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
    server.close()
    expect(await peer.gone()).toBe(true)
  })
})

/** Lets this process have no descriptor of this number or above. @returns what takes the limit back */
function limitDescriptors(limit: number): () => void {
  const set = (soft: string): void => {
    execFileSync('prlimit', ['--pid', String(process.pid), `--nofile=${soft}:`])
  }
  const soft = /^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))![1]
  set(String(limit))
  return () => set(soft)
}

function sidecarStats(model: string) {
  const counts = { received: 1, answered: 1, dropped: {}, resets: {}, error: null }
  return { provider: 'cpu', device: '', model, inferenceMs: 12.5, ...counts }
}

/** float32 values that fp16 holds exactly, as fp16. */
function halves(values: readonly number[]): Uint8Array {
  const bits = Uint16Array.from(values, (value) => {
    if (value === 0) return 0
    const exponent = Math.floor(Math.log2(Math.abs(value)))
    const mantissa = (Math.abs(value) / 2 ** exponent - 1) * 1024
    return (value < 0 ? 0x8000 : 0) | ((exponent + 15) << 10) | mantissa
  })
  return new Uint8Array(bits.buffer)
}
