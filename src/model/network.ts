import { STATE_CHANNELS } from './architecture.ts'
import { bgraFrame, centred, stemOfBgra, takesBgra } from './blocks/bgra-frame.ts'
import { bottleneckBlock } from './blocks/bottleneck-block.ts'
import { deepGuidedFilter } from './blocks/deep-guided-filter.ts'
import { fastGuidedFilter } from './blocks/fast-guided-filter.ts'
import { lrAspp } from './blocks/lr-aspp.ts'
import { FASTEST_FORM, type GraphForm } from './blocks/merge.ts'
import { mobileNetV3 } from './blocks/mobilenet-v3.ts'
import { outputBlock } from './blocks/output-block.ts'
import { projection } from './blocks/projection.ts'
import { noRefiner, type Planes } from './blocks/refiner.ts'
import { upsamplingBlock } from './blocks/upsampling-block.ts'
import { WeightScope } from './conv-parameters.ts'
import { Graph, type Value } from './onnx/graph.ts'
import { scaleDim, type Dim } from './onnx/shape.ts'
import type { Weights } from './weights/tensor.ts'

export interface NetworkOptions {
  /** Pictures in a batch. */
  readonly batch?: Dim
  /** Low resolution, sides divisible by 16; a symbol leaves the side open (slower: for export). */
  readonly height: Dim
  readonly width: Dim
  /** 2: alpha's coefficients only; 8: foreground's too. */
  readonly planes: Planes
  readonly refiner: 'deep' | 'fast' | 'none'
  /** Precision of weights and features; inputs, outputs, states and the refiner are float32 in both. */
  readonly precision?: 'fp32' | 'fp16'
  /** Adds the output `segmentation` (logits [N, 1, h, w]); the model must have `project_seg`. */
  readonly segmentation?: boolean
  readonly form?: GraphForm
}

/** Names of the graph's inputs and outputs. */
export const NETWORK_IO = {
  frame: 'frame',
  states: ['r1', 'r2', 'r3', 'r4'],
  planes: 'planes',
  nextStates: ['r1_next', 'r2_next', 'r3_next', 'r4_next'],
  segmentation: 'segmentation',
} as const

/** Shapes of the recurrent states r1..r4 for a low resolution: [N, c, h/2^k, w/2^k]. */
export function stateShapes(batch: number, height: number, width: number): number[][]
export function stateShapes(batch: Dim, height: Dim, width: Dim): Dim[][]
export function stateShapes(batch: Dim, height: Dim, width: Dim): Dim[][] {
  return STATE_CHANNELS.map((channels, index) => {
    const factor = 2 ** (index + 1)
    return [batch, channels, scaleDim(height, 1, factor), scaleDim(width, 1, factor)]
  })
}

/**
 * The whole network of the paper (figure 1) as an ONNX model: one recurrent step.
 *
 * - in: `frame` uint8 [N, h, w, 4], BGRA as OBS gives it; states `r1`..`r4` float32, zeros = no memory
 * - out: `planes` float32 [N, 2 | 8, h, w] (see `Planes`); `r1_next`..`r4_next`; optionally `segmentation`
 *
 * @throws {MatteboxError} MODEL_TENSORS if a weight is missing
 */
export function emitNetwork(weights: Weights, options: NetworkOptions): Uint8Array {
  const { batch = 1, height, width, planes, refiner, precision = 'fp32', form = FASTEST_FORM } = options
  const g = new Graph()
  const model = new WeightScope(weights)
  const decoder = model.at('decoder')

  const frame = g.input(NETWORK_IO.frame, 'uint8', [batch, height, width, 4])
  const [r1, r2, r3, r4] = stateShapes(batch, height, width).map((shape, index) =>
    g.intoLayout(g.input(NETWORK_IO.states[index], 'float32', shape)),
  ) as [Value, Value, Value, Value]
  const picture = bgraFrame(g, frame)

  const s0 = g.cast(picture, precision === 'fp16' ? 'float16' : 'float32')
  const s1 = g.averagePool2(s0)
  const s2 = g.averagePool2(s1)
  const s3 = g.averagePool2(s2)

  const backbone = model.at('backbone.features')
  const [f1, f2, f3, f4] = mobileNetV3(g, centred(g, s0), stemOfBgra(backbone.conv('0.0')), backbone) as [
    Value,
    Value,
    Value,
    Value,
  ]

  const d4 = bottleneckBlock(g, form, lrAspp(g, f4, model.at('aspp')), r4, decoder.at('decode4'))
  const merging = (block: string) => takesBgra(decoder.conv(`${block}.conv.0`))
  const upsample = (block: string, below: readonly Value[], feature: Value, source: Value, r: Value) =>
    upsamplingBlock(g, form, { below, feature, source }, r, merging(block), decoder.at(block))
  const d3 = upsample('decode3', d4.parts, f3, s3, r3)
  const d2 = upsample('decode2', d3.parts, f2, s2, r2)
  const d1 = upsample('decode1', d2.parts, f1, s1, r1)
  const hidden = outputBlock(g, form, d1.parts, s0, merging('decode0'), decoder.at('decode0'))

  const projectMat = model.conv('project_mat.conv')
  const refine = {
    deep: () => deepGuidedFilter(g, picture, hidden, projectMat, model.at('refiner'), planes),
    fast: () => fastGuidedFilter(g, picture, hidden, projectMat, planes),
    none: () => g.cast(noRefiner(g, hidden, projectMat, planes), 'float32'),
  }
  g.output(NETWORK_IO.planes, refine[refiner]())
  ;[d1, d2, d3, d4].forEach(({ state }, index) => g.output(NETWORK_IO.nextStates[index], state))
  if (options.segmentation) {
    g.output(NETWORK_IO.segmentation, g.cast(projection(g, hidden, model.conv('project_seg.conv')), 'float32'))
  }
  return g.serialize('mattebox')
}
