/**
 * Times the ways in which the network can be laid out as nodes, and fixed against open sizes: `npm run bench:forms`.
 *
 * Each form has a process of its own; they run in turn, never two at once, on made-up weights. Prints medians of wall
 * and CPU time, as milliseconds and against the plain form (concatenate, then convolve; two convolutions a half).
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'

const [height, width] = [272, 480]
const forms = {
  'concat, two': { merge: 'concat', halves: 'two' },
  'concat, picks': { merge: 'concat', halves: 'picks' },
  'sum, two': { merge: 'sum', halves: 'two' },
  'sum, picks': { merge: 'sum', halves: 'picks' },
  'sum, picks, open sizes': { merge: 'sum', halves: 'picks', open: true },
}

if (process.send) await child(process.argv[2], Number(process.argv[3]))
else await parent(Number(process.argv[2] ?? 30), Number(process.argv[3] ?? 2))

async function child(name, threads) {
  const { emitNetwork, NETWORK_IO, stateShapes } = await import('../../dist/model/network.js')
  const { madeUpWeights } = await import('../../dist/sidecar/inference/provider-probe-work.js')
  const { createSession } = await import('../../dist/sidecar/inference/runtime.js')
  const { Tensor } = await import('onnxruntime-common')
  const { open, ...form } = forms[name]
  const size = open ? { batch: 'batch', height: 'height', width: 'width' } : { height, width }
  const model = emitNetwork(madeUpWeights(), { ...size, planes: 8, refiner: 'deep', form })
  const session = await createSession(model, { provider: 'cpu', threads })
  const frame = new Tensor('uint8', new Uint8Array(height * width * 4).fill(99), [1, height, width, 4])
  let states = stateShapes(1, height, width).map(
    (dims) => new Tensor('float32', new Float32Array(dims.reduce((product, side) => product * side)), dims),
  )
  const step = async () => {
    const out = await session.run({
      frame,
      ...Object.fromEntries(NETWORK_IO.states.map((state, index) => [state, states[index]])),
    })
    states = NETWORK_IO.nextStates.map((state) => out[state])
  }
  for (let i = 0; i < 3; i++) await step()
  process.on('message', async () => {
    const [start, cpu] = [performance.now(), process.cpuUsage()]
    await step()
    const { user, system } = process.cpuUsage(cpu)
    process.send({ wall: performance.now() - start, cpu: (user + system) / 1000 })
  })
  process.send('ready')
}

async function parent(rounds, threads) {
  const runners = []
  for (const name of Object.keys(forms)) {
    const process_ = fork(process.argv[1], [name, String(threads)])
    await once(process_, 'message')
    runners.push({ name, process: process_, times: [] })
  }
  for (let round = 0; round < rounds; round++) {
    for (const { process: one, times } of runners) {
      one.send('go')
      times.push((await once(one, 'message'))[0])
    }
  }
  const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1]
  const of = ({ times }, what) => median(times.map((time) => time[what]))
  console.log(`${width}x${height}, ${threads} threads, ${rounds} rounds`)
  for (const runner of runners) {
    const figures = ['wall', 'cpu'].map(
      (what) => `${what} ${of(runner, what).toFixed(1)} ms (${(of(runner, what) / of(runners[0], what)).toFixed(3)})`,
    )
    console.log(`${runner.name.padEnd(24)}${figures.join('   ')}`)
  }
  for (const { process: one } of runners) one.kill()
}
