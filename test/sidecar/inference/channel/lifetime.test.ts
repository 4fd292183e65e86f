/**
 * The addon at the end of its environment, and over many connections.
 *
 * Seen red: without the cleanup hook, and with close(fd) before uv_close, a worker that ends aborts the process (open
 * handles, a broken loop); without mb_memory_close at the end of a channel mappings grow; without Unref, or with the
 * handlers still held, closed channels are never collected; with a memory that came along left open, descriptors grow;
 * with a descriptor that nobody owns where no object could be made, the filter waits for ever; with a closing handle
 * watched again, the process aborts; with the exception of a channel that could not be made left pending, the next filter
 * is not welcomed.
 */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { Worker } from 'node:worker_threads'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ChannelServer, MESSAGES, type Channel } from '../../../../src/sidecar/inference/channel/index.ts'
import { FilterPeer, HELLO } from '../../../native/addon/filter-peer.ts'
import { figures, scratchSocket, until } from './scratch.ts'

const FIXTURE = fileURLToPath(new URL('fixtures/sidecar.mjs', import.meta.url))
const FULL_EPOLL = fileURLToPath(new URL('fixtures/full-epoll.c', import.meta.url))

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

async function worker(how: string): Promise<{ worker: Worker; exited: Promise<number> }> {
  const started = new Worker(FIXTURE, { workerData: [socket.path, how] })
  // What it throws is the test's business, not vitest's.
  started.on('error', () => undefined)
  const exited = new Promise<number>((resolve) => started.on('exit', resolve))
  await once(started, 'message')
  return { worker: started, exited }
}

describe('a worker with an open channel', () => {
  it.each([
    ['closes all and ends', 'close', 0],
    ['exits', 'exit', 3],
    ['throws', 'throw', 1],
  ])('%s cleanly', async (_, how, code) => {
    const before = figures().descriptors
    const { exited } = await worker(how)
    await peer.join(socket.path)
    await peer.send(1)
    expect(await exited).toBe(code)
    expect(await peer.gone()).toBe(true)
    expect(figures().descriptors).toBe(before)
  })

  it('can be terminated while it is idle', async () => {
    const before = figures().descriptors
    const { worker: idle } = await worker('serve')
    await peer.join(socket.path)
    await idle.terminate()
    expect(await peer.gone()).toBe(true)
    expect(figures().descriptors).toBe(before)
  })

  it('can be terminated in mid-handshake', async () => {
    const { worker: waiting } = await worker('serve')
    await peer.do(`connect ${socket.path}`)
    await sleep(20)
    await waiting.terminate()
    expect(await peer.gone()).toBe(true)
  })

  it('can be terminated while it answers frames, at any moment', async () => {
    for (let round = 0; round < 10; round++) {
      const { worker: busy } = await worker('serve')
      await peer.join(socket.path)
      const trips = peer.tell('bench 1000000')
      await sleep(5 + 7 * round)
      await busy.terminate()
      expect(await trips).toBe('error EPIPE')
      await peer.do('leave')
    }
  })

  it('can be terminated while more connections wait', async () => {
    const before = figures().descriptors
    const others = [FilterPeer.start(), FilterPeer.start(), FilterPeer.start()]
    const { worker: hanging } = await worker('hang')
    await peer.do(`connect ${socket.path}`)
    await sleep(50)
    for (const other of others) await other.do(`connect ${socket.path}`)
    await hanging.terminate()
    for (const other of [peer, ...others]) expect(await other.gone()).toBe(true)
    for (const other of others) await other.end()
    expect(figures().descriptors).toBe(before)
  })

  it('is one of several, on one addon', async () => {
    const others = await Promise.all([0, 1, 2].map(async () => {
      const own = scratchSocket()
      const started = new Worker(FIXTURE, { workerData: [own.path, 'close'] })
      await once(started, 'message')
      const filter = FilterPeer.start()
      await filter.join(own.path)
      return { own, started, filter }
    })) // prettier-ignore
    for (const { own, started, filter } of others) {
      const exited = once(started, 'exit')
      await filter.send(1)
      expect((await filter.matte()).frameId).toBe(1)
      expect(await exited).toEqual([0])
      await filter.end()
      own[Symbol.dispose]()
    }
  })
})

describe('a process with an open channel', () => {
  it.each([
    ['closes all and ends', 'close', 0],
    ['closes all, would accept again and ends', 'resume', 0],
    ['exits', 'exit', 3],
    ['throws', 'throw', 1],
  ])('%s cleanly', async (_, how, code) => {
    const child = spawn(process.execPath, [FIXTURE, socket.path, how], { stdio: ['ignore', 'pipe', 'ignore'] })
    const exited = once(child, 'exit')
    await once(child.stdout, 'data')
    await peer.join(socket.path)
    await peer.send(1)
    expect(await exited).toEqual([code, null])
    expect(await peer.gone()).toBe(true)
  })

  it('lets go of a connection that cannot be watched, and accepts the next', async () => {
    const library = join(dirname(socket.path), 'full-epoll.so')
    execFileSync('cc', ['-shared', '-fPIC', '-Wall', '-Wextra', '-Werror', FULL_EPOLL, '-o', library])
    const child = spawn(process.execPath, [FIXTURE, socket.path, 'serve'], {
      stdio: ['ignore', 'pipe', 'ignore'],
      env: { ...process.env, LD_PRELOAD: [process.env['LD_PRELOAD'] ?? '', library].join(' ').trim() },
    })
    await once(child.stdout, 'data')
    await peer.do(`connect ${socket.path}`)
    expect(await peer.gone()).toBe(true)
    await peer.do('leave')
    await peer.join(socket.path)
    await peer.send(1)
    expect((await peer.matte()).frameId).toBe(1)
    child.kill('SIGKILL')
  })

  it('can be killed: the filter hears it at once', async () => {
    const child = spawn(process.execPath, [FIXTURE, socket.path, 'serve'], { stdio: ['ignore', 'pipe', 'ignore'] })
    await once(child.stdout, 'data')
    await peer.join(socket.path)
    const gone = peer.gone()
    const start = performance.now()
    child.kill('SIGKILL')
    expect(await gone).toBe(true)
    expect(performance.now() - start).toBeLessThan(500)
  })
})

describe('connecting and leaving', () => {
  // The whole number is `npm run soak`'s.
  const times = process.env['MATTEBOX_FULL'] ? 1000 : 200

  it(`${times} times leaves descriptors, mappings and memory as they were`, async () => {
    const server = new ChannelServer({ path: socket.path, sidecar: '1' })
    let open = 0
    const channels: Channel[] = []
    server.on('connection', (channel) => {
      open++
      channels.push(channel)
      channel.on('closed', () => open--)
      channel.on('frames', () => {
        const frame = channel.takeFrame()
        if (frame) channel.writeMatte(frame, new Float32Array(frame.width * frame.height * 2))
      })
    })
    const live = async (count: number): Promise<void> => {
      await peer.do(`live ${count} 480 272 ${socket.path} ${JSON.stringify(HELLO)}`)
      await until(() => open === 0)
      await sleep(20)
      gc()
    }
    await live(50)
    const [ours, theirs] = [figures(), await peer.figures()]
    await live(times)
    const [oursAfter, theirsAfter] = [figures(), await peer.figures()]

    expect(channels).toHaveLength(50 + times)
    for (const { counters } of channels) {
      const { newer, resize, unready, error, full, closed } = counters.dropped
      expect(counters).toMatchObject({ received: 1, answered: 1 })
      expect(newer + resize + unready + error + full + closed).toBe(0)
    }
    expect(oursAfter.descriptors).toBe(ours.descriptors)
    expect(theirsAfter.descriptors).toBe(theirs.descriptors)
    expect(oursAfter.shared).toBe(ours.shared)
    expect(theirsAfter.mappings - theirs.mappings).toBeLessThan(3)
    expect(oursAfter.residentKib - ours.residentKib).toBeLessThan(40 * 1024)
    expect(theirsAfter.residentKib - theirs.residentKib).toBeLessThan(1024)
    await closed(server)
  })

  it('leaves no channel behind that nobody holds', async () => {
    const server = new ChannelServer({ path: socket.path, sidecar: '1' })
    const held: WeakRef<object>[] = []
    server.on('connection', (channel) => held.push(new WeakRef(channel), new WeakRef(channel['native'])))
    for (let i = 0; i < 5; i++) {
      await peer.join(socket.path)
      await peer.do('leave')
    }
    await until(() => {
      gc()
      return held.length === 10 && held.every((channel) => channel.deref() === undefined)
    })
    await closed(server)
  })

  it('in mid-handshake leaves nothing either', async () => {
    const server = new ChannelServer({ path: socket.path, sidecar: '1' })
    const before = figures().descriptors
    for (let i = 0; i < 50; i++) {
      await peer.do(`connect ${socket.path}`)
      if (i % 2 === 0) {
        await peer.do('memory 32 16')
        await peer.do(`offer ${MESSAGES.hello} {"wire":`)
      }
      await peer.do('leave')
    }
    await until(() => figures().descriptors <= before)
    await closed(server)
  })
})

async function closed(server: ChannelServer): Promise<void> {
  const ended = once(server, 'closed')
  server.close()
  await ended
}

/** Node's own collector, without a flag for the whole test run. */
function gc(): void {
  setFlagsFromString('--expose-gc')
  ;(runInNewContext('gc') as () => void)()
}
