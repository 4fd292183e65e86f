/**
 * The channel without an engine: a filter in a process of its own writes a frame of 480x272, waits for its matte of 2
 * planes and reads it, one after the other; the sidecar is the real one, in Node. fp16 conversion is measured apart.
 *
 *   npm run bench:channel [-- ROUND_TRIPS]
 *
 * Wants a machine with nothing else to do: it prints the load beside its figures. Goals: 6,000 round trips a second,
 * p99 of 0.3 ms. A virtual core that has nothing to do is taken away, and to get it back costs more than a round trip: so it
 * is measured as the machine is, and with the cores kept awake by an idle loop on each (nice 19).
 */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { cpus, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { ChannelServer, MESSAGES } from '../../dist/sidecar/inference/channel/index.js'

const [WIDTH, HEIGHT] = [480, 272]
const trips = Number(process.argv[2] ?? 20_000)
const [before] = loadavg()

const peerPath = 'build/test/bench-peer'
mkdirSync('build/test', { recursive: true })
const channel = readdirSync('native/channel').filter((file) => file.endsWith('.c'))
const sources = ['test/native/addon/filter-peer.c', ...channel.map((file) => join('native/channel', file))]
execFileSync('cc', ['-std=c11', '-D_GNU_SOURCE', '-O2', ...sources, '-o', peerPath], { stdio: 'inherit' })

const folder = mkdtempSync(join(tmpdir(), 'mattebox-bench-'))
const server = new ChannelServer({ path: join(folder, 'channel.sock'), sidecar: 'bench' })
const peer = spawn(peerPath, { stdio: ['pipe', 'pipe', 'inherit'] })
const answers = createInterface(peer.stdout)[Symbol.asyncIterator]()

async function tell(line) {
  peer.stdin.write(`${line}\n`)
  const { value } = await answers.next()
  if (value === undefined || value.startsWith('error')) throw new Error(`${line.slice(0, 60)}: ${value}`)
  return value
}

const planes = Float32Array.from({ length: WIDTH * HEIGHT * 2 }, (_, i) => (i % 97) / 97)
const texels = new Uint8Array(new Uint16Array(WIDTH * HEIGHT * 2).fill(0x3800).buffer)
let converting = false
server.on('connection', (filter) => {
  let pixels
  filter.on('frames', () => {
    const frame = filter.takeFrame(pixels)
    if (!frame) return
    pixels = frame.pixels
    if (converting) filter.writeMatte(frame, planes)
    else filter.writeTexels(frame, texels, 2)
  })
})

const hello = JSON.stringify({
  ...{ wire: 1, filterId: '0123456789abcdef', source: 'bench', filter: 'bench', obs: '0', pid: peer.pid },
  ...{ private: false, welcomed: false },
})

async function run(count, wanted) {
  converting = wanted
  const connected = once(server, 'connection')
  await tell(`connect ${server.path}`)
  await tell(`memory ${WIDTH} ${HEIGHT}`)
  await tell(`offer ${MESSAGES.hello} ${hello}`)
  await tell('use')
  await tell('message 2000')
  const [filter] = await connected
  const [, perSecond, p50, p99, longest] = (await tell(`bench ${count}`)).split(' ').map(Number)
  await tell('leave')
  const { received, answered } = filter.counters
  if (received !== answered) throw new Error('not every frame was answered')
  return { perSecond, p50, p99, longest }
}

const say = (name, { perSecond, p50, p99, longest }) =>
  console.log(
    `${name}: ${perSecond} round trips/s, p50 ${p50.toFixed(3)} ms, p99 ${p99.toFixed(3)} ms, longest ${longest.toFixed(2)} ms`,
  )

console.log(
  `${WIDTH}x${HEIGHT} in, 2 planes out, one frame at a time; ${cpus().length} cores, load ${before.toFixed(2)}`,
)
await run(Math.min(trips, 2000), false)
say('as the machine is    ', await run(trips, false))
const loop = 'os.setPriority(19); for (;;);'
const loops = cpus().map(() => spawn(process.execPath, ['-e', loop], { stdio: 'ignore' }))
await sleep(500)
say('cores awake          ', await run(trips, false))
say('with fp16 conversion ', await run(trips, true))
for (const one of loops) one.kill('SIGKILL')

peer.stdin.end()
server.close()
rmSync(folder, { recursive: true })
