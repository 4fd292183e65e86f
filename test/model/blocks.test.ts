import { describe, expect, it } from 'vitest'
import { ENCODER_TAPS, INVERTED_RESIDUALS } from '../../src/model/architecture.ts'
import { bgraFrame, centred, stemOfBgra, takesBgra } from '../../src/model/blocks/bgra-frame.ts'
import { bottleneckBlock } from '../../src/model/blocks/bottleneck-block.ts'
import { convGru } from '../../src/model/blocks/conv-gru.ts'
import { deepGuidedFilter } from '../../src/model/blocks/deep-guided-filter.ts'
import { fastGuidedFilter } from '../../src/model/blocks/fast-guided-filter.ts'
import { lrAspp } from '../../src/model/blocks/lr-aspp.ts'
import type { GraphForm } from '../../src/model/blocks/merge.ts'
import { invertedResidual, mobileNetV3, squeezeExcitation } from '../../src/model/blocks/mobilenet-v3.ts'
import { outputBlock } from '../../src/model/blocks/output-block.ts'
import { projection } from '../../src/model/blocks/projection.ts'
import { noRefiner } from '../../src/model/blocks/refiner.ts'
import { upsamplingBlock } from '../../src/model/blocks/upsampling-block.ts'
import { WeightScope } from '../../src/model/conv-parameters.ts'
import type { Graph, Value } from '../../src/model/onnx/graph.ts'
import * as ops from './onnx/float64-ops.ts'
import { distance, randomTensor, runGraph } from './onnx/run-graph.ts'
import { randomWeights } from './random-weights.ts'
import { Reference, rgbOf } from './reference-network.ts'

const weights = randomWeights(1)
const model = new WeightScope(weights)
const reference = new Reference(weights)

const forms: readonly GraphForm[] = (['sum', 'concat'] as const).flatMap((merge) =>
  (['two', 'picks'] as const).map((halves) => ({ merge, halves })),
)
/** Two sizes with unequal sides, one of them a batch: [N, H, W] at a block's own resolution. */
const places = [
  [1, 6, 10],
  [2, 4, 8],
] as const

describe('each block, in onnxruntime, equals the published formula in float64', () => {
  it.each(INVERTED_RESIDUALS.map((block, index) => ({ ...block, index: index + 1 })))(
    'inverted residual $index: $input → $expanded → $output, k $kernel, stride $stride, dilation $dilation',
    async ({ index, ...block }) => {
      const x = randomTensor([1, block.input, 8, 12], index)
      const scope = model.at(`backbone.features.${index}.block`)
      const got = await runGraph([x], (g, [value]) => invertedResidual(g, value, scope, block))
      expect(distance(got, reference.invertedResidual(`backbone.features.${index}.block`, x, block))).toBeLessThan(2e-5)
    },
  )

  it('squeeze-and-excitation', async () => {
    const x = randomTensor([2, 72, 6, 10], 3)
    const scope = model.at('backbone.features.4.block.2')
    const got = await runGraph([x], (g, [value]) => squeezeExcitation(g, value, scope))
    expect(distance(got, reference.squeezeExcitation('backbone.features.4.block.2', x))).toBeLessThan(1e-5)
  })

  it.each([0, 1, 2, 3])('MobileNetV3 from a BGRA frame, tap %i', async (tap) => {
    const frame = randomTensor([1, 32, 48, 4], 5, 'uint8')
    const backbone = model.at('backbone.features')
    const build = (g: Graph, [bytes]: readonly Value[]): Value =>
      mobileNetV3(g, centred(g, bgraFrame(g, bytes)), stemOfBgra(backbone.conv('0.0')), backbone)[tap]
    const got = await runGraph([frame], build, ['uint8'])
    expect(got.shape[1]).toBe(ENCODER_TAPS[tap].channels)
    expect(distance(got, reference.encoder(rgbOf(frame))[tap])).toBeLessThan(2e-4)
  })

  it.each(places)('LR-ASPP, batch %i, %i x %i', async (n, height, width) => {
    const x = randomTensor([n, 960, height, width], 7)
    const got = await runGraph([x], (g, [value]) => lrAspp(g, value, model.at('aspp')))
    expect(distance(got, reference.lrAspp(x))).toBeLessThan(2e-5)
  })

  describe.each(forms)('laid out as $merge, halves by $halves', (form) => {
    it.each(places)('ConvGRU, batch %i, %i x %i', async (n, height, width) => {
      const [x, h] = [1, 2].map((seed) => randomTensor([n, 20, height, width], seed))
      const scope = model.at('decoder.decode2.gru')
      const got = await runGraph([x, h], (g, [a, b]) => convGru(g, form, a, b, scope))
      expect(distance(got, reference.gru('decoder.decode2.gru', x, h))).toBeLessThan(1e-5)
    })

    it.each(places)('bottleneck block, batch %i, %i x %i', async (n, height, width) => {
      const x = randomTensor([n, 128, height, width], 1)
      const h = randomTensor([n, 64, height, width], 2)
      const build = (g: Graph, [a, b]: readonly Value[]): Value =>
        g.concat(bottleneckBlock(g, form, a, b, model.at('decoder.decode4')).parts)
      expect(distance(await runGraph([x, h], build), reference.recurrent('decoder.decode4', x, h)[0])).toBeLessThan(
        1e-5,
      )
    })

    it.each([
      ['decode3', 128, 40, 40],
      ['decode2', 80, 24, 20],
      ['decode1', 40, 16, 16],
    ])('upsampling block %s', async (block, below, feature, state) => {
      for (const [n, height, width] of places) {
        const x = randomTensor([n, below, height / 2, width / 2], 1)
        const f = randomTensor([n, feature, height, width], 2)
        const s = ops.map(randomTensor([n, 4, height, width], 3), Math.abs)
        const h = randomTensor([n, state, height, width], 4)
        const build = (g: Graph, [a, b, c, d]: readonly Value[]): Value => {
          const input = { below: [a], feature: b, source: c }
          const merging = takesBgra(model.at('decoder').conv(`${block}.conv.0`))
          return g.concat(upsamplingBlock(g, form, input, d, merging, model.at(`decoder.${block}`)).parts)
        }
        const [expected] = reference.upsampling(block, x, f, rgbOfPlanar(s), h)
        expect(distance(await runGraph([x, f, s, h], build), expected)).toBeLessThan(2e-5)
      }
    })

    it('output block', async () => {
      const x = randomTensor([2, 32, 4, 6], 1)
      const s = ops.map(randomTensor([2, 4, 8, 12], 2), Math.abs)
      const build = (g: Graph, [a, b]: readonly Value[]): Value => {
        const merging = takesBgra(model.at('decoder').conv('decode0.conv.0'))
        return outputBlock(g, form, [a], b, merging, model.at('decoder.decode0'))
      }
      expect(distance(await runGraph([x, s], build), reference.output(x, rgbOfPlanar(s)))).toBeLessThan(2e-5)
    })
  })

  it.each(['project_mat.conv', 'project_seg.conv'])('projection %s', async (name) => {
    const hidden = randomTensor([1, 16, 8, 12], 1)
    const got = await runGraph([hidden], (g, [value]) => projection(g, value, model.conv(name)))
    expect(distance(got, reference.conv(name, hidden))).toBeLessThan(1e-5)
  })

  describe.each([8, 2] as const)('%i planes', (planes) => {
    const picture = ops.map(randomTensor([2, 4, 16, 12], 1), Math.abs)
    const hidden = ops.map(randomTensor([2, 16, 16, 12], 2), Math.abs)
    const mat = model.conv('project_mat.conv')
    const expected = (refiner: 'deep' | 'fast' | 'none'): ops.Tensor64 => {
      const [a, b] = reference.coefficients(refiner, rgbOfPlanar(picture), hidden)
      const from = planes === 8 ? 0 : 3
      return ops.concat([ops.channels(a, from, 4), ops.channels(b, from, 4)])
    }

    it('deep guided filter', async () => {
      const build = (g: Graph, [p, h]: readonly Value[]): Value =>
        deepGuidedFilter(g, p, h, mat, model.at('refiner'), planes)
      expect(distance(await runGraph([picture, hidden], build), expected('deep'))).toBeLessThan(2e-5)
    })

    it('fast guided filter', async () => {
      const build = (g: Graph, [p, h]: readonly Value[]): Value => fastGuidedFilter(g, p, h, mat, planes)
      expect(distance(await runGraph([picture, hidden], build), expected('fast'))).toBeLessThan(2e-4)
    })

    it('no refiner', async () => {
      const got = await runGraph([hidden], (g, [h]) => noRefiner(g, h, mat, planes))
      expect(distance(got, expected('none'))).toBeLessThan(1e-5)
    })
  })
})

/** [N, 4, H, W] in the order B, G, R, A → R, G, B */
function rgbOfPlanar(bgra: ops.Tensor64): ops.Tensor64 {
  return ops.concat([2, 1, 0].map((channel) => ops.channels(bgra, channel, channel + 1)))
}
