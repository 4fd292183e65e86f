import { beforeAll, describe, expect, it } from 'vitest'
import type { MatteboxError } from '../../src/errors/index.ts'
import { emitNetwork, NETWORK_IO, stateShapes, type NetworkOptions } from '../../src/model/network.ts'
import * as ops from './onnx/float64-ops.ts'
import { createSession, distance, randomTensor, run } from './onnx/run-graph.ts'
import { randomWeights } from './random-weights.ts'
import { Reference } from './reference-network.ts'

const weights = randomWeights(2)
const reference = new Reference(weights)
const [height, width] = [48, 32]
const steps = [1, 2, 3]
const frames = steps.map((seed) => randomTensor([1, height, width, 4], seed, 'uint8'))
const refiners = ['deep', 'fast', 'none'] as const

type Outputs = Record<string, ops.Tensor64>

/** Runs the frames through an emitted network, states carried from zero. */
async function runSteps(
  options: Partial<NetworkOptions>,
  pictures: readonly ops.Tensor64[] = frames,
): Promise<Outputs[]> {
  const [n, h, w] = pictures[0].shape
  const session = await createSession(
    emitNetwork(weights, { batch: n, height: h, width: w, planes: 8, refiner: 'deep', ...options }),
  )
  let states = stateShapes(n, h, w).map((shape) => ops.tensor64(shape, new Float64Array(ops.count(shape))))
  const outputs: Outputs[] = []
  for (const frame of pictures) {
    const feeds = Object.fromEntries(NETWORK_IO.states.map((name, index) => [name, states[index]]))
    const out = await run(session, { [NETWORK_IO.frame]: frame, ...feeds })
    states = NETWORK_IO.nextStates.map((name) => out[name])
    outputs.push(out)
  }
  return outputs
}

describe('the whole network, several steps in time, random weights', () => {
  const expected = new Map<string, ReturnType<Reference['step']>[]>()

  beforeAll(() => {
    for (const refiner of refiners) {
      let states = stateShapes(1, height, width).map((shape) => ops.tensor64(shape, new Float64Array(ops.count(shape))))
      expected.set(
        refiner,
        frames.map((frame) => {
          const step = reference.step(frame, states, refiner)
          states = step.states
          return step
        }),
      )
    }
  })

  describe.each(refiners)('refiner %s', (refiner) => {
    // The fast filter divides by a small variance: its planes lose what float32 has not.
    const tolerance = refiner === 'fast' ? 5e-3 : 5e-4

    it('equals the published network in float64: planes, states and segmentation of every step', async () => {
      const got = await runSteps({ refiner, segmentation: true })
      got.forEach((out, step) => {
        const want = expected.get(refiner)![step]
        expect(distance(out[NETWORK_IO.planes], want.planes)).toBeLessThan(tolerance)
        NETWORK_IO.nextStates.forEach((name, index) => {
          expect(distance(out[name], want.states[index])).toBeLessThan(1e-4)
        })
        expect(distance(out[NETWORK_IO.segmentation], want.segmentation)).toBeLessThan(5e-4)
      })
      // The memory matters: without it the last frame's answer is another.
      const alone = await runSteps({ refiner }, frames.slice(-1))
      expect(distance(alone[0][NETWORK_IO.planes], got.at(-1)![NETWORK_IO.planes])).toBeGreaterThan(0.01)
    })

    it('gives the same A4 and b4 with 2 planes as with 8', async () => {
      const [two, eight] = [await runSteps({ refiner, planes: 2 }), await runSteps({ refiner })]
      two.forEach((out, step) => {
        const all = eight[step][NETWORK_IO.planes]
        const alpha = ops.concat([ops.channels(all, 3, 4), ops.channels(all, 7, 8)])
        expect(distance(out[NETWORK_IO.planes], alpha)).toBeLessThan(tolerance)
      })
    })

    it('stays near float32 in float16', async () => {
      const got = (await runSteps({ refiner, precision: 'fp16' })).at(-1)!
      const want = expected.get(refiner)!.at(-1)!
      NETWORK_IO.nextStates.forEach((name, index) => {
        expect(distance(got[name], want.states[index])).toBeLessThan(0.05)
      })
    })
  })

  it.each([
    { merge: 'concat', halves: 'two' },
    { merge: 'concat', halves: 'picks' },
    { merge: 'sum', halves: 'two' },
  ] as const)('answers the same laid out as $merge, halves by $halves', async (form) => {
    const [one, other] = [await runSteps({ form }), await runSteps({})]
    one.forEach((out, step) => {
      expect(distance(out[NETWORK_IO.planes], other[step][NETWORK_IO.planes])).toBeLessThan(5e-4)
    })
  })

  it('answers the same with open sizes, for export', async () => {
    const open = { batch: 'batch', height: 'height', width: 'width' }
    const [one, other] = [await runSteps(open), await runSteps({})]
    expect(distance(one[2][NETWORK_IO.planes], other[2][NETWORK_IO.planes])).toBeLessThan(5e-4)
  })

  it('treats each picture of a batch as if it were alone', async () => {
    const others = steps.map((seed) => randomTensor([1, height, width, 4], 10 + seed, 'uint8'))
    const pairs = frames.map((frame, step) =>
      ops.tensor64([2, height, width, 4], [...frame.data, ...others[step].data]),
    )
    const both = (await runSteps({}, pairs)).at(-1)![NETWORK_IO.planes]
    const alone = [(await runSteps({}, frames)).at(-1)!, (await runSteps({}, others)).at(-1)!]
    const joined = ops.tensor64(
      both.shape,
      alone.flatMap((out) => [...out[NETWORK_IO.planes].data]),
    )
    expect(distance(both, joined)).toBeLessThan(5e-4)
  })

  it('does not look at the source’s own alpha', async () => {
    const opaque = frames.map((frame) => ({
      ...frame,
      data: frame.data.map((value, i) => (i % 4 === 3 ? 255 : value)),
    }))
    const [one, other] = [await runSteps({}, opaque), await runSteps({})]
    expect(distance(one[2][NETWORK_IO.planes], other[2][NETWORK_IO.planes])).toBe(0)
  })
})

describe('emitting the network', () => {
  it('names a weight that is missing', () => {
    const incomplete = new Map(weights)
    incomplete.delete('decoder.decode2.gru.ih.0.weight')
    expect(() => emitNetwork(incomplete, { height: 16, width: 16, planes: 2, refiner: 'none' })).toThrow(
      'decoder.decode2.gru.ih.0.weight',
    )
  })

  it('needs project_seg only for segmentation', () => {
    const without = new Map(weights)
    without.delete('project_seg.conv.weight')
    without.delete('project_seg.conv.bias')
    const options = { height: 16, width: 16, planes: 8, refiner: 'deep' } as const
    expect(emitNetwork(without, options).byteLength).toBeGreaterThan(1e6)
    let found: unknown
    try {
      emitNetwork(without, { ...options, segmentation: true })
    } catch (error) {
      found = error
    }
    expect((found as MatteboxError).code).toBe('MODEL_TENSORS')
  })
})
