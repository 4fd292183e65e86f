/**
 * The published network in plain float64 (formulas of PeterL1n/RobustVideoMatting; the golden README states them):
 * concatenations, halves and gates as published, nothing rearranged for a runtime. It shares no code with src/model
 * but the table of numbers.
 */
import { INVERTED_RESIDUALS, type InvertedResidual } from '../../src/model/architecture.ts'
import type { Weights } from '../../src/model/weights/tensor.ts'
import * as ops from './onnx/float64-ops.ts'
import type { Tensor64 } from './onnx/float64-ops.ts'

export class Reference {
  constructor(private readonly weights: Weights) {}

  conv(name: string, x: Tensor64, options: Partial<ops.Conv64> = {}): Tensor64 {
    const weight = this.weights.get(`${name}.weight`)!
    const bias = this.weights.get(`${name}.bias`)
    const pad = ((options.dilation ?? 1) * (weight.shape[2] - 1)) / 2
    const wide = (tensor: { shape: readonly number[]; data: Float32Array }) => ops.tensor64(tensor.shape, tensor.data)
    return ops.conv2d(x, wide(weight), bias && wide(bias), { pad, ...options })
  }

  invertedResidual(prefix: string, x: Tensor64, block: InvertedResidual): Tensor64 {
    const act = block.activation === 'relu' ? ops.relu : hardSwish
    let part = 0
    let y = x
    if (block.expanded !== block.input) y = act(this.conv(`${prefix}.${part++}.0`, y))
    const { stride, dilation, expanded: groups } = block
    y = act(this.conv(`${prefix}.${part++}.0`, y, { stride, dilation, groups }))
    if (block.squeeze > 0) y = this.squeezeExcitation(`${prefix}.${part++}`, y)
    y = this.conv(`${prefix}.${part}.0`, y)
    return stride === 1 && block.input === block.output ? ops.add(y, x) : y
  }

  squeezeExcitation(prefix: string, x: Tensor64): Tensor64 {
    const squeezed = ops.relu(this.conv(`${prefix}.fc1`, ops.globalAveragePool(x)))
    return ops.mul(x, ops.hardSigmoid(this.conv(`${prefix}.fc2`, squeezed), 1 / 6, 0.5))
  }

  /** @param rgb - [N, 3, h, w] in 0..1 */
  encoder(rgb: Tensor64): Tensor64[] {
    const mean = ops.tensor64([1, 3, 1, 1], [0.485, 0.456, 0.406])
    const std = ops.tensor64([1, 3, 1, 1], [0.229, 0.224, 0.225])
    const normal = ops.div(ops.sub(rgb, mean), std)
    const features = [hardSwish(this.conv('backbone.features.0.0', normal, { stride: 2 }))]
    INVERTED_RESIDUALS.forEach((block, index) => {
      features.push(this.invertedResidual(`backbone.features.${index + 1}.block`, features[index], block))
    })
    features.push(hardSwish(this.conv('backbone.features.16.0', features[15])))
    return [features[1], features[3], features[6], features[16]]
  }

  lrAspp(x: Tensor64): Tensor64 {
    const gate = ops.sigmoid(this.conv('aspp.aspp2.1', ops.globalAveragePool(x)))
    return ops.mul(ops.relu(this.conv('aspp.aspp1.0', x)), gate)
  }

  /** Published convention: r, z = halves of the gates; h' = (1 − z)·h + z·c. */
  gru(prefix: string, x: Tensor64, h: Tensor64): Tensor64 {
    const gates = ops.sigmoid(this.conv(`${prefix}.ih.0`, ops.concat([x, h])))
    const [r, z] = halves(gates)
    const c = ops.tanh(this.conv(`${prefix}.hh.0`, ops.concat([x, ops.mul(r, h)])))
    const admits = ops.mul(z, c)
    return ops.add(
      ops.mul(
        ops.map(z, (value) => 1 - value),
        h,
      ),
      admits,
    )
  }

  /** @returns the block's output (first half plain, second half the state) and the state */
  recurrent(prefix: string, x: Tensor64, h: Tensor64): [Tensor64, Tensor64] {
    const [a, b] = halves(x)
    const state = this.gru(`${prefix}.gru`, b, h)
    return [ops.concat([a, state]), state]
  }

  upsampling(block: string, x: Tensor64, f: Tensor64, s: Tensor64, h: Tensor64): [Tensor64, Tensor64] {
    const merged = ops.relu(this.conv(`decoder.${block}.conv.0`, ops.concat([up2(x), f, s])))
    return this.recurrent(`decoder.${block}`, merged, h)
  }

  output(x: Tensor64, s: Tensor64): Tensor64 {
    const merged = ops.relu(this.conv('decoder.decode0.conv.0', ops.concat([up2(x), s])))
    return ops.relu(this.conv('decoder.decode0.conv.3', merged))
  }

  /** A and b [N, 4, h, w] each, order R, G, B, alpha. */
  coefficients(refiner: 'deep' | 'fast' | 'none', rgb: Tensor64, hidden: Tensor64): [Tensor64, Tensor64] {
    const y = this.conv('project_mat.conv', hidden)
    if (refiner === 'none') return [ops.map(y, () => 0), y]
    const [red, green, blue] = [0, 1, 2].map((channel) => ops.channels(rgb, channel, channel + 1))
    const gray = ops.map(ops.add(ops.add(red, green), blue), (value) => value / 3)
    const x = ops.concat([rgb, gray])
    const ninth = ops.tensor64([4, 1, 3, 3], new Float64Array(36).fill(1 / 9))
    const box = (value: Tensor64): Tensor64 =>
      refiner === 'deep'
        ? this.conv('refiner.box_filter', value, { groups: 4 })
        : ops.conv2d(value, ninth, undefined, { groups: 4, pad: 1 })
    const [mx, my] = [box(x), box(y)]
    const covariance = ops.sub(box(ops.mul(x, y)), ops.mul(mx, my))
    const variance = ops.sub(box(ops.mul(x, x)), ops.mul(mx, mx))
    const a =
      refiner === 'deep'
        ? this.deepA(covariance, variance, hidden)
        : ops.div(
            covariance,
            ops.map(variance, (v) => v + 1e-5),
          )
    return [a, ops.sub(my, ops.mul(a, mx))]
  }

  private deepA(covariance: Tensor64, variance: Tensor64, hidden: Tensor64): Tensor64 {
    const first = ops.relu(this.conv('refiner.conv.0', ops.concat([covariance, variance, hidden])))
    return this.conv('refiner.conv.6', ops.relu(this.conv('refiner.conv.3', first)))
  }

  /** One step: planes in the order A_R, A_G, A_B, A4, b_R, b_G, b_B, b4; next states; segmentation logits. */
  step(
    bgra: Tensor64,
    states: readonly Tensor64[],
    refiner: 'deep' | 'fast' | 'none',
  ): { planes: Tensor64; states: Tensor64[]; segmentation: Tensor64 } {
    const rgb = rgbOf(bgra)
    const [r1, r2, r3, r4] = states
    const s1 = ops.averagePool2(rgb)
    const s2 = ops.averagePool2(s1)
    const s3 = ops.averagePool2(s2)
    const [f1, f2, f3, f4] = this.encoder(rgb)
    const [x4, n4] = this.recurrent('decoder.decode4', this.lrAspp(f4), r4)
    const [x3, n3] = this.upsampling('decode3', x4, f3, s3, r3)
    const [x2, n2] = this.upsampling('decode2', x3, f2, s2, r2)
    const [x1, n1] = this.upsampling('decode1', x2, f1, s1, r1)
    const hidden = this.output(x1, rgb)
    const segmentation = this.conv('project_seg.conv', hidden)
    return { planes: ops.concat(this.coefficients(refiner, rgb, hidden)), states: [n1, n2, n3, n4], segmentation }
  }
}

/** uint8 [N, h, w, 4] BGRA → [N, 3, h, w] RGB in 0..1 */
export function rgbOf(bgra: Tensor64): Tensor64 {
  const planar = ops.map(ops.transpose(bgra, [0, 3, 1, 2]), (value) => value / 255)
  return ops.concat([2, 1, 0].map((channel) => ops.channels(planar, channel, channel + 1)))
}

export const up2 = (x: Tensor64): Tensor64 => ops.resize(x, 2 * x.shape[2], 2 * x.shape[3])

export const hardSwish = (x: Tensor64): Tensor64 => ops.mul(x, ops.hardSigmoid(x, 1 / 6, 0.5))

export function halves(x: Tensor64): [Tensor64, Tensor64] {
  const half = x.shape[1] / 2
  return [ops.channels(x, 0, half), ops.channels(x, half, 2 * half)]
}
