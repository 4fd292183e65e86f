import type { Tensor } from './tensor.ts'

/** What a BatchNorm learned, one number a channel. */
export interface BatchNorm {
  readonly weight: Float32Array
  readonly bias: Float32Array
  readonly mean: Float32Array
  readonly variance: Float32Array
  readonly epsilon: number
}

/**
 * Folds the BatchNorm after a convolution without bias into it (Ioffe and Szegedy 2015, inference form):
 * `scale = weight / sqrt(variance + epsilon)` multiplies each output's weights, `bias − mean · scale` becomes its bias.
 * Computed in float64, rounded once.
 *
 * @param convolution - OIHW
 * @returns weights and bias; not finite where the variance is not positive
 */
export function foldBatchNorm(convolution: Tensor, norm: BatchNorm): { weight: Tensor; bias: Tensor } {
  const outputs = convolution.shape[0]
  const rowSize = convolution.data.length / outputs
  const data = new Float32Array(convolution.data.length)
  const bias = new Float32Array(outputs)
  for (let o = 0; o < outputs; o++) {
    const scale = norm.weight[o] / Math.sqrt(norm.variance[o] + norm.epsilon)
    for (let i = o * rowSize; i < (o + 1) * rowSize; i++) data[i] = convolution.data[i] * scale
    bias[o] = norm.bias[o] - norm.mean[o] * scale
  }
  return { weight: { shape: convolution.shape, data }, bias: { shape: [outputs], data: bias } }
}
