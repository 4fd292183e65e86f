/**
 * Rows 15 and 17 of the reliability table, with real WebSockets; and what the two of them say. Seen red: without the
 * count of sockets, without `maxPayload`, without the limit of what is unsent, without pings, with previews sent to
 * whoever reads slowly, and with the state told at every change.
 */
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import type { WebSocket } from 'ws'
import { LIVE_PATH, TRY_PATH, type LiveMessage, type TryFrame } from '../../../src/api/index.ts'
import type { Preview, TryAnswer } from '../../../src/sidecar/contract/inference-process.ts'
import { decodeMessage, encodeMessage } from '../../../src/sidecar/panel/socket-message.ts'
import { until } from '../main/told.ts'
import { Served, type Knocked } from './served.ts'

const FILTER = '0123456789abcdef'

/** Everything that a socket hears. */
function heard(socket: WebSocket): { readonly texts: string[]; readonly bytes: Buffer[] } {
  const all = { texts: [] as string[], bytes: [] as Buffer[] }
  socket.on('message', (data: Buffer, isBinary) => {
    if (isBinary) all.bytes.push(data)
    else all.texts.push(data.toString())
  })
  return all
}

/** A socket, and what it heard from its first moment. */
async function live(panel: Served): Promise<{ socket: WebSocket } & ReturnType<typeof heard>> {
  const socket = await panel.socket(LIVE_PATH)
  return { socket, ...heard(socket) }
}

const closed = async (socket: WebSocket): Promise<number> => (await once(socket, 'close'))[0] as number

const preview = (frameId: number, side = 16, filterId = FILTER): Preview => ({
  filterId,
  frameId,
  width: side,
  height: side,
  rgba: new Uint8Array(4 * side * side).fill(7),
  alpha: frameId % 2 === 0 ? null : new Uint8Array(side * side).fill(9),
})

const header: TryFrame = { id: 1, width: 32, height: 16, refiner: 'deep', planes: 2, reset: true, cutDetection: true }
const frame = (changes: Partial<TryFrame> = {}): Buffer => {
  const whole = { ...header, ...changes }
  return encodeMessage(whole, new Uint8Array(4 * whole.width * whole.height))
}

describe('WebSockets', () => {
  it('are 64 at most: of 200 clients 136 get 503, and another one is let in where one has left', async () => {
    await using panel = await Served.open()
    const knocks: Promise<Knocked>[] = []
    for (let n = 0; n < 200; n++) knocks.push(panel.knock(n % 2 === 0 ? LIVE_PATH : TRY_PATH, panel.bearer))
    const clients = await Promise.all(knocks)
    const open = clients.flatMap((client) => ('socket' in client ? [client.socket] : []))
    const refused = clients.flatMap((client) => ('status' in client ? [client] : []))
    expect([open.length, refused.length]).toEqual([64, 136])
    for (const { status, text } of refused) {
      expect([status, JSON.parse(text)]).toMatchObject([503, { error: { code: 'PANEL_FULL' } }])
    }
    const [first] = open
    first.close()
    await closed(first)
    await sleep(50)
    expect(await panel.knock(LIVE_PATH, panel.bearer)).toHaveProperty('socket')
    expect(await panel.knock(LIVE_PATH, panel.bearer)).toMatchObject({ status: 503 })
  })

  it('that send more than 4 MiB of pixels are closed (1009); of less, whatever it is, they live', async () => {
    await using panel = await Served.open()
    const socket = await panel.socket(TRY_PATH)
    const { texts } = heard(socket)
    const most = 4 * 1024 * 1024 + 64 * 1024
    socket.send(Buffer.alloc(most))
    await until(() => texts.length === 1, 'an answer')
    socket.send(Buffer.alloc(most + 1))
    expect(await closed(socket)).toBe(1009)
    const other = await panel.socket(LIVE_PATH)
    other.send('x'.repeat(64 * 1024 + 1))
    expect(await closed(other)).toBe(1009)
  })

  it('that send and never read are closed past 8 MiB unsent', async () => {
    await using panel = await Served.open()
    const socket = await panel.socket(TRY_PATH)
    // 10.5 MB of planes for each frame, of which the system holds a part.
    const big = frame({ width: 1024, height: 640, planes: 8 })
    let isClosed = false
    socket.on('close', () => (isClosed = true)).on('error', () => undefined)
    socket.pause()
    let sent = 0
    while (panel.sidecar.ended.length === 0 && sent < 20) {
      socket.send(big)
      sent++
      await sleep(100)
    }
    expect(panel.sidecar.ended).toHaveLength(1)
    expect(panel.sidecar.tried.length).toBeLessThan(5)
    socket.resume()
    await until(() => isClosed, 'the end')
    // Others do not notice.
    const other = await panel.socket(TRY_PATH)
    const { bytes } = heard(other)
    other.send(frame())
    await until(() => bytes.length === 1, 'a matte')
  })

  it('that are silent are let go of, and those that answer pings are kept', async () => {
    await using panel = await Served.open({ pingMs: 60 })
    const silent = await panel.socket(LIVE_PATH, { autoPong: false })
    const alive = await panel.socket(LIVE_PATH)
    const start = performance.now()
    await closed(silent)
    expect(performance.now() - start).toBeLessThan(1000)
    await sleep(200)
    expect(alive.readyState).toBe(alive.OPEN)
  })

  it('that break the protocol end alone', async () => {
    await using panel = await Served.open()
    const broken = await panel.socket(LIVE_PATH)
    const { texts } = await live(panel)
    // A frame with a reserved bit.
    ;(broken as unknown as { _socket: NodeJS.WritableStream })._socket.write(Buffer.from([0xff, 0xff, 0xff, 0xff]))
    await once(broken, 'close')
    panel.states.emit('change')
    await until(() => texts.length >= 1, 'the state')
  })

  it('are told that the panel goes away (1001), and do not keep it', async () => {
    await using panel = await Served.open()
    const one = await panel.socket(LIVE_PATH)
    const deaf = await panel.socket(TRY_PATH)
    deaf.pause()
    const start = performance.now()
    const [code] = await Promise.all([closed(one), panel.server.close()])
    expect(code).toBe(1001)
    expect(performance.now() - start).toBeLessThan(2000)
    await expect(panel.ask('GET', '/alive')).rejects.toThrow('ECONNREFUSED')
  })
})

describe('/api/live', () => {
  it('tells the state at once, and at most five times a second where it changes, the last one surely', async () => {
    await using panel = await Served.open()
    const { texts } = await live(panel)
    await until(() => texts.length === 1 || panel.states.asked === 1, 'the state')
    const start = performance.now()
    let count = 0
    while (performance.now() - start < 1000) {
      panel.states.padding = ` ${++count}`
      panel.states.emit('change')
      await sleep(5)
    }
    await sleep(300)
    expect(panel.states.asked).toBeGreaterThanOrEqual(5)
    expect(panel.states.asked).toBeLessThanOrEqual(8)
    const last = JSON.parse(texts.at(-1)!) as LiveMessage
    expect(last).toEqual({ kind: 'state', state: { version: `1.2.3 ${count}` } })
  })

  it('draws the state once for all, and for nobody not at all', async () => {
    await using panel = await Served.open()
    panel.states.emit('change')
    await sleep(50)
    expect(panel.states.asked).toBe(0)
    await Promise.all(Array.from({ length: 5 }, () => panel.socket(LIVE_PATH)))
    await sleep(250)
    const before = panel.states.asked
    panel.states.emit('change')
    await sleep(300)
    expect(panel.states.asked).toBe(before + 1)
  })

  it('lays nothing up for a client that reads slowly, and tells it the newest state when it reads again', async () => {
    await using panel = await Served.open()
    const { socket, texts } = await live(panel)
    const quick = await live(panel)
    socket.pause()
    panel.states.padding = 'x'.repeat(4 * 1024 * 1024)
    for (let n = 0; n < 8; n++) {
      panel.states.emit('change')
      await sleep(220)
    }
    panel.states.padding = ' the newest'
    panel.states.emit('change')
    await until(() => quick.texts.at(-1)!.includes('the newest'), 'the quick one')
    expect(quick.texts.length).toBeGreaterThan(6)
    socket.resume()
    await until(() => texts.at(-1)?.includes('the newest') ?? false, 'the slow one')
    expect(texts.length).toBeLessThan(6)
  })

  it('shows the pictures that are watched, whole, to those who watch, and to a slow one fewer', async () => {
    await using panel = await Served.open()
    const watching = await live(panel)
    const slow = await live(panel)
    const other = await live(panel)
    for (const { socket } of [watching, slow]) {
      socket.send(JSON.stringify({ kind: 'watch', filterIds: [FILTER] }))
    }
    other.socket.send(JSON.stringify({ kind: 'watch', filterIds: ['f'.repeat(16)] }))
    await until(() => panel.sidecar.watched.length === 2, 'the watch')
    expect([...panel.sidecar.watched].sort()).toEqual([FILTER, 'f'.repeat(16)])
    slow.socket.pause()
    for (let n = 1; n <= 40; n++) {
      panel.sidecar.emit('preview', preview(n, 320))
      await sleep(10)
    }
    await until(() => watching.bytes.length === 40, 'every picture')
    const first = decodeMessage(watching.bytes[0])
    expect(first).toMatchObject({ header: { filterId: FILTER, frameId: 1, width: 320, height: 320, hasAlpha: true } })
    expect(typeof first !== 'string' && first.bytes.length).toBe(5 * 320 * 320)
    expect(decodeMessage(watching.bytes[1])).toMatchObject({ header: { frameId: 2, hasAlpha: false } })
    expect(other.bytes).toHaveLength(0)
    slow.socket.resume()
    await sleep(300)
    expect(slow.bytes.length).toBeLessThan(40)
    // Who has left watches no more.
    for (const { socket } of [watching, slow, other]) socket.close()
    await until(() => panel.sidecar.watched.length === 0, 'nobody to watch')
  })

  it.each([['hello'], ['{}'], ['{"kind":"watch","filterIds":["nobody"]}'], [Buffer.from('{}')]])(
    'closes on what is no request: %s',
    async (request) => {
      await using panel = await Served.open()
      const { socket } = await live(panel)
      socket.send(request)
      expect(await closed(socket)).toBe(1008)
      expect(panel.sidecar.watched).toEqual([])
    },
  )
})

describe('/api/try', () => {
  it('hands a frame to the engine and its matte back, whole', async () => {
    await using panel = await Served.open()
    const socket = await panel.socket(TRY_PATH)
    const { bytes } = heard(socket)
    socket.send(frame({ id: 7 }))
    await until(() => bytes.length === 1, 'a matte')
    const matte = decodeMessage(bytes[0])
    expect(matte).toMatchObject({
      header: { kind: 'matte', id: 7, width: 32, height: 16, planes: 2, runMs: 1, reset: null, provider: 'cpu' },
    })
    expect(typeof matte !== 'string' && matte.bytes.length).toBe(2 * 2 * 32 * 16)
    const { rgba, ...rest } = panel.sidecar.tried[0].frame
    expect([rest, rgba.length]).toEqual([{ ...header, id: 7 }, 4 * 32 * 16])
  })

  it('takes the largest frame that there is', async () => {
    await using panel = await Served.open()
    const socket = await panel.socket(TRY_PATH)
    const { bytes } = heard(socket)
    socket.send(frame({ width: 1024, height: 1024 }))
    await until(() => bytes.length === 1, 'a matte')
    expect(decodeMessage(bytes[0])).toMatchObject({ header: { width: 1024, height: 1024 } })
  })

  it('takes one frame at a time of each client', async () => {
    await using panel = await Served.open()
    const socket = await panel.socket(TRY_PATH)
    const other = await panel.socket(TRY_PATH)
    const one = heard(socket)
    const two = heard(other)
    const ends: (() => void)[] = []
    const matte = panel.sidecar.answer
    panel.sidecar.answer = (given) => new Promise((resolve) => ends.push(() => resolve(matte(given))))
    socket.send(frame({ id: 1 }))
    socket.send(frame({ id: 2 }))
    other.send(frame({ id: 3 }))
    await until(() => one.texts.length === 1 && ends.length === 2, 'two frames')
    expect(JSON.parse(one.texts[0])).toEqual({ kind: 'dropped', id: 2 })
    expect(new Set(panel.sidecar.tried.map(({ client }) => client)).size).toBe(2)
    for (const end of ends) end()
    await until(() => one.bytes.length === 1 && two.bytes.length === 1, 'two mattes')
    socket.send(frame({ id: 4 }))
    await until(() => ends.length === 3, 'the next frame')
  })

  it('passes on what became of a frame, and tells the engine that a client has gone', async () => {
    await using panel = await Served.open()
    const socket = await panel.socket(TRY_PATH)
    const { texts } = heard(socket)
    const answers: TryAnswer[] = [
      { kind: 'dropped', id: 1 },
      { kind: 'error', id: 1, error: { code: 'MODEL_NONE', message: 'None.', mend: 'Get one.' } },
    ]
    for (const answer of answers) {
      const count = texts.length
      panel.sidecar.answer = () => Promise.resolve(answer)
      socket.send(frame())
      await until(() => texts.length > count, 'an answer')
      expect(JSON.parse(texts.at(-1)!)).toEqual(answer)
    }
    panel.sidecar.answer = () => Promise.reject(new Error('the inside of things'))
    socket.send(frame())
    await until(() => texts.length === 3, 'an answer')
    expect(JSON.parse(texts[2])).toMatchObject({ kind: 'error', id: 1, error: { code: 'PANEL_FAULT' } })
    expect(texts[2]).not.toContain('inside')
    socket.close()
    await until(() => panel.sidecar.ended.length === 1, 'its end')
    expect(panel.sidecar.ended).toEqual([panel.sidecar.tried[0].client])
  })

  it.each<[string, Buffer | string, string]>([
    ['text', 'hello', 'text'],
    ['nothing', Buffer.alloc(0), 'shorter'],
    ['a header beyond its end', Buffer.from([255, 0, 0, 0, 123]), '255 bytes'],
    ['a header that is not JSON', Buffer.from([1, 0, 0, 0, 123]), 'not JSON'],
    ['an empty header', encodeMessage({}), '/id is missing'],
    ['a side that is none', encodeMessage({ ...header, width: 33 }), '/width must be multiple of 16'],
    ['a side beyond all', encodeMessage({ ...header, height: 2048 }), '/height must be <= 1024'],
    ['planes that there are not', encodeMessage({ ...header, planes: 3 }), '/planes must be one of 2, 8'],
    ['an unknown key', encodeMessage({ ...header, more: 1 }), '/more is not known'],
    ['too few pixels', encodeMessage(header, new Uint8Array(5)), 'takes 2048 bytes of RGBA, and 5 came'],
  ])('says what is wrong with %s, and lives on', async (_, message, found) => {
    await using panel = await Served.open()
    const socket = await panel.socket(TRY_PATH)
    const { texts, bytes } = heard(socket)
    socket.send(message)
    await until(() => texts.length === 1, 'an answer')
    expect(JSON.parse(texts[0])).toMatchObject({ kind: 'error', error: { code: 'REQUEST_INVALID' } })
    expect(texts[0]).toContain(found)
    expect(panel.sidecar.tried).toEqual([])
    socket.send(frame())
    await until(() => bytes.length === 1, 'a matte')
  })
})
