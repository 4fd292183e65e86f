import { describe, expect, it } from 'vitest'
import type { MatteboxError } from '../../../src/errors/index.ts'
import { Graph, type ConvParameters, type Value } from '../../../src/model/onnx/graph.ts'
import { seededRandom } from '../seeded-random.ts'
import * as ops from './float64-ops.ts'
import { distance, randomTensor, runGraph } from './run-graph.ts'

/** Sizes drawn anew for every operation; fixed by the seed. */
const sizes = (seed: number): readonly [number, number, number, number] => {
  const random = seededRandom(seed)
  const side = (low: number, high: number): number => low + Math.floor(random() * (high - low + 1))
  return [side(1, 2), side(1, 24), 2 * side(1, 9), 2 * side(1, 9)]
}

const cases = [1, 2, 3, 4].map((seed) => ({ seed, shape: sizes(seed) }))

/** Checks an operation of the builder against its reference on several random sizes. */
function agrees(
  name: string,
  build: (g: Graph, x: Value) => Value,
  reference: (x: ops.Tensor64) => ops.Tensor64,
  { range = 4, tolerance = 2e-6 } = {},
): void {
  it.each(cases)(`${name} of [$shape]`, async ({ seed, shape }) => {
    const x = randomTensor(shape, seed, 'float32', range)
    const got = await runGraph([x], (g, [value]) => build(g, value))
    expect(distance(got, reference(x))).toBeLessThan(tolerance)
  })
}

describe('every operation of the graph builder equals its float64 reference in onnxruntime', () => {
  agrees('relu', (g, x) => g.relu(x), ops.relu)
  agrees('sigmoid', (g, x) => g.sigmoid(x), ops.sigmoid)
  agrees('tanh', (g, x) => g.tanh(x), ops.tanh)
  agrees(
    'hardSigmoid',
    (g, x) => g.hardSigmoid(x),
    (x) => ops.hardSigmoid(x, 1 / 6, 0.5),
  )
  agrees(
    'hardSwish',
    (g, x) => g.hardSwish(x),
    (x) => ops.mul(x, ops.hardSigmoid(x, 1 / 6, 0.5)),
  )
  agrees(
    'oneMinus',
    (g, x) => g.oneMinus(g.sigmoid(x)),
    (x) => ops.map(ops.sigmoid(x), (value) => 1 - value),
  )
  agrees('clamp01', (g, x) => g.clamp01(x), ops.clip01)
  agrees('averagePool2', (g, x) => g.averagePool2(x), ops.averagePool2)
  agrees('globalAveragePool', (g, x) => g.globalAveragePool(x), ops.globalAveragePool)
  agrees(
    'intoLayout (the identity)',
    (g, x) => g.intoLayout(x),
    (x) => x,
  )
  agrees(
    'upsample2',
    (g, x) => g.upsample2(x),
    (x) => ops.resize(x, 2 * x.shape[2], 2 * x.shape[3]),
  )
  agrees(
    'resize up to odd sizes',
    (g, x) => g.resize(x, 37, 53),
    (x) => ops.resize(x, 37, 53),
    { tolerance: 2e-5 },
  )
  agrees(
    'transpose',
    (g, x) => g.transpose(x, [0, 2, 3, 1]),
    (x) => ops.transpose(x, [0, 2, 3, 1]),
  )
  agrees(
    'channels',
    (g, x) => g.channels(x, 0, 1),
    (x) => ops.channels(x, 0, 1),
  )
  agrees('toBytes', (g, x) => g.cast(g.toBytes(x), 'float32'), ops.toBytes, { range: 1.5, tolerance: 1e-9 })
  agrees(
    'cast to float16 and back',
    (g, x) => g.cast(g.cast(x, 'float16'), 'float32'),
    (x) => x,
    { tolerance: 4 * 2 ** -11 },
  )

  it.each(cases)('fromBytes of [$shape]', async ({ seed, shape }) => {
    const bytes = randomTensor(shape, seed, 'uint8')
    const got = await runGraph([bytes], (g, [value]) => g.fromBytes(value), ['uint8'])
    expect(
      distance(
        got,
        ops.map(bytes, (value) => value / 255),
      ),
    ).toBeLessThan(1e-7)
  })

  it.each(['add', 'sub', 'mul', 'div'] as const)(
    '%s of equal shapes, of a number, and a factor a channel',
    async (op) => {
      for (const { seed, shape } of cases) {
        const others = [shape, [], [1, shape[1], 1, 1]].map((other, index) => {
          const value = randomTensor(other, 100 * seed + index)
          return op === 'div' ? ops.map(value, (v) => Math.fround(v + Math.sign(v) * 0.5)) : value
        })
        const x = randomTensor(shape, seed)
        for (const other of others) {
          const got = await runGraph([x, other], (g, [a, b]) => g[op](a, b))
          expect(distance(got, ops[op](x, other))).toBeLessThan(1e-6)
        }
      }
    },
  )

  it('concat along the channels, in a batch too', async () => {
    const parts = [2, 3, 1].map((channels, index) => randomTensor([2, channels, 4, 6], index))
    const got = await runGraph(parts, (g, values) => g.concat(values))
    expect(distance(got, ops.concat(parts))).toBe(0)
  })

  it.each([
    { kernel: 1, stride: 1, dilation: 1, groups: 1 },
    { kernel: 3, stride: 1, dilation: 1, groups: 1 },
    { kernel: 3, stride: 2, dilation: 1, groups: 1 },
    { kernel: 5, stride: 2, dilation: 1, groups: 8 },
    { kernel: 5, stride: 1, dilation: 2, groups: 8 },
    { kernel: 3, stride: 1, dilation: 1, groups: 8 },
  ])('conv2d $kernel x $kernel, stride $stride, dilation $dilation, groups $groups', async (options) => {
    for (const [seed, [n, height, width]] of [
      [1, 16, 12],
      [2, 8, 22],
    ].entries()) {
      const inputs = options.groups === 1 ? 12 : options.groups
      const x = randomTensor([n, inputs, height, width], seed)
      const conv = randomConv(options.groups === 1 ? 20 : options.groups, inputs / options.groups, options.kernel, seed)
      const got = await runGraph([x], (g, [value]) => g.conv2d(value, conv, options))
      const pad = (options.dilation * (options.kernel - 1)) / 2
      const weight = ops.tensor64(conv.weight.shape, conv.weight.data)
      const expected = ops.conv2d(x, weight, ops.tensor64(conv.bias!.shape, conv.bias!.data), { ...options, pad })
      expect(distance(got, expected)).toBeLessThan(1e-5)
    }
  })
})

describe('the graph builder refuses', () => {
  const message = (build: (g: Graph) => unknown): string => {
    try {
      build(new Graph())
    } catch (error) {
      return (error as MatteboxError).message
    }
    return 'nothing refused'
  }

  it('to add what cannot be broadcast, and names both shapes', () => {
    const found = message((g) => g.add(g.input('a', 'float32', [1, 2, 4, 4]), g.input('b', 'float32', [1, 3, 4, 4])))
    expect(found).toContain('[1, 2, 4, 4]')
    expect(found).toContain('[1, 3, 4, 4]')
  })

  it('a convolution of other channels, and names it', () => {
    const conv = randomConv(4, 3, 1, 1)
    expect(message((g) => g.conv2d(g.input('x', 'float32', [1, 5, 4, 4]), conv))).toContain('random takes 3 channels')
  })

  it('to calculate with bytes', () => {
    const conv = randomConv(4, 3, 1, 1)
    expect(message((g) => g.conv2d(g.input('x', 'uint8', [1, 3, 4, 4]), conv))).toContain('bytes')
  })
})

function randomConv(outputs: number, inputs: number, kernel: number, seed: number): ConvParameters {
  const tensor = (shape: readonly number[], salt: number) => ({
    shape,
    data: Float32Array.from(randomTensor(shape, seed + salt).data),
  })
  return { name: 'random', weight: tensor([outputs, inputs, kernel, kernel], 10), bias: tensor([outputs], 20) }
}
