import { MatteboxError } from '../errors/index.ts'
import type { ConvParameters } from './onnx/graph.ts'
import type { Tensor, Weights } from './weights/tensor.ts'

/** The weights below one point of the published naming tree, such as `decoder.decode3`. */
export class WeightScope {
  constructor(
    private readonly weights: Weights,
    private readonly path = '',
  ) {}

  at(name: string): WeightScope {
    return new WeightScope(this.weights, this.path === '' ? name : `${this.path}.${name}`)
  }

  has(name: string): boolean {
    return this.weights.has(`${this.path}.${name}`)
  }

  /** The convolution `name` below this point, with its bias where it has one. */
  conv(name: string): ConvParameters {
    const full = this.path === '' ? name : `${this.path}.${name}`
    const weight = this.weights.get(`${full}.weight`)
    if (!weight) {
      throw new MatteboxError('MODEL_TENSORS', `The model has no ${full}.weight.`, 'Use a complete model file.')
    }
    return { name: full, weight, bias: this.weights.get(`${full}.bias`) }
  }
}

/** The part of a convolution that reads input channels `from` to `to`; only one part may carry the bias. */
export function inputSlice(conv: ConvParameters, from: number, to: number, withBias: boolean): ConvParameters {
  const [outputs, inputs, rows, columns] = conv.weight.shape as [number, number, number, number]
  const area = rows * columns
  const data = new Float32Array(outputs * (to - from) * area)
  for (let o = 0; o < outputs; o++) {
    const start = (o * inputs + from) * area
    data.set(conv.weight.data.subarray(start, start + (to - from) * area), o * (to - from) * area)
  }
  return {
    name: `${conv.name}.in${from}-${to}`,
    weight: { shape: [outputs, to - from, rows, columns], data },
    bias: withBias ? conv.bias : undefined,
  }
}

/** A convolution whose output channels are the given ones of `conv`, in that order; −1 gives a channel of zeros. */
export function outputRows(conv: ConvParameters, rows: readonly number[], suffix: string): ConvParameters {
  const [, ...rest] = conv.weight.shape
  const size = rest.reduce((product, side) => product * side, 1)
  const pick = (tensor: Tensor, rowSize: number): Float32Array => {
    const data = new Float32Array(rows.length * rowSize)
    rows.forEach((row, index) => {
      if (row >= 0) data.set(tensor.data.subarray(row * rowSize, (row + 1) * rowSize), index * rowSize)
    })
    return data
  }
  return {
    name: `${conv.name}.${suffix}`,
    weight: { shape: [rows.length, ...rest], data: pick(conv.weight, size) },
    bias: conv.bias && { shape: [rows.length], data: pick(conv.bias, 1) },
  }
}

/** Integers from `from` up to but not including `to`. */
export function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, index) => from + index)
}

/** A 1x1 convolution from its matrix: `rows[o][i]`, and the bias of each row. */
export function matrix(name: string, rows: readonly (readonly number[])[], bias?: readonly number[]): ConvParameters {
  return {
    name,
    weight: { shape: [rows.length, rows[0].length, 1, 1], data: Float32Array.from(rows.flat()) },
    bias: bias && { shape: [bias.length], data: Float32Array.from(bias) },
  }
}

/** The 1x1 convolution that picks input channels `from` to `to` of `channels`. */
export function pick(channels: number, from: number, to: number): ConvParameters {
  const rows = range(from, to).map((row) => range(0, channels).map((column) => (column === row ? 1 : 0)))
  return matrix(`pick.${channels}.${from}-${to}`, rows)
}
