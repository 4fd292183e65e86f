/**
 * The slow float64 reference of every operation that the graph builder can emit: plain loops that follow the ONNX
 * operator's definition. Tensors are [N, C, H, W] where an operation speaks of pictures.
 */
export interface Tensor64 {
  readonly shape: readonly number[]
  readonly data: Float64Array
}

export const count = (shape: readonly number[]): number => shape.reduce((product, side) => product * side, 1)

export const tensor64 = (shape: readonly number[], data: ArrayLike<number>): Tensor64 => ({
  shape,
  data: Float64Array.from(data),
})

export const map = (x: Tensor64, f: (value: number) => number): Tensor64 => ({ shape: x.shape, data: x.data.map(f) })

const clamp01 = (value: number): number => Math.min(1, Math.max(0, value))

export const relu = (x: Tensor64): Tensor64 => map(x, (value) => Math.max(0, value))
export const sigmoid = (x: Tensor64): Tensor64 => map(x, (value) => 1 / (1 + Math.exp(-value)))
export const tanh = (x: Tensor64): Tensor64 => map(x, Math.tanh)
export const clip01 = (x: Tensor64): Tensor64 => map(x, clamp01)
export const hardSigmoid = (x: Tensor64, slope: number, offset: number): Tensor64 =>
  map(x, (value) => clamp01(slope * value + offset))

/** Element-wise with ONNX's multidirectional broadcast. */
export function elementwise(a: Tensor64, b: Tensor64, f: (a: number, b: number) => number): Tensor64 {
  const rank = Math.max(a.shape.length, b.shape.length)
  const side = (x: Tensor64, axis: number): number => x.shape[axis - rank + x.shape.length] ?? 1
  const shape = Array.from({ length: rank }, (_, axis) => Math.max(side(a, axis), side(b, axis)))
  const at = (x: Tensor64, index: readonly number[]): number => {
    let offset = 0
    for (let axis = 0; axis < rank; axis++) {
      offset = offset * side(x, axis) + (side(x, axis) === 1 ? 0 : index[axis])
    }
    return x.data[offset]
  }
  const data = new Float64Array(count(shape))
  const index = new Array<number>(rank).fill(0)
  for (let i = 0; i < data.length; i++) {
    data[i] = f(at(a, index), at(b, index))
    for (let axis = rank - 1; axis >= 0 && ++index[axis] === shape[axis]; axis--) index[axis] = 0
  }
  return { shape, data }
}

export const add = (a: Tensor64, b: Tensor64): Tensor64 => elementwise(a, b, (x, y) => x + y)
export const sub = (a: Tensor64, b: Tensor64): Tensor64 => elementwise(a, b, (x, y) => x - y)
export const mul = (a: Tensor64, b: Tensor64): Tensor64 => elementwise(a, b, (x, y) => x * y)
export const div = (a: Tensor64, b: Tensor64): Tensor64 => elementwise(a, b, (x, y) => x / y)

export interface Conv64 {
  readonly stride?: number
  readonly dilation?: number
  readonly groups?: number
  readonly pad: number
}

export function conv2d(x: Tensor64, weight: Tensor64, bias: Tensor64 | undefined, options: Conv64): Tensor64 {
  const { stride = 1, dilation = 1, groups = 1, pad } = options
  const [n, channels, height, width] = x.shape
  const [outputs, inputs, rows, columns] = weight.shape
  const outHeight = Math.floor((height + 2 * pad - dilation * (rows - 1) - 1) / stride) + 1
  const outWidth = Math.floor((width + 2 * pad - dilation * (columns - 1) - 1) / stride) + 1
  const data = new Float64Array(n * outputs * outHeight * outWidth)
  const outputsPerGroup = outputs / groups
  for (let image = 0; image < n; image++) {
    for (let o = 0; o < outputs; o++) {
      const target = data.subarray((image * outputs + o) * outHeight * outWidth)
      if (bias) target.fill(bias.data[o], 0, outHeight * outWidth)
      const firstInput = Math.floor(o / outputsPerGroup) * inputs
      for (let i = 0; i < inputs; i++) {
        const plane = x.data.subarray((image * channels + firstInput + i) * height * width)
        for (let r = 0; r < rows; r++) {
          for (let c = 0; c < columns; c++) {
            const w = weight.data[((o * inputs + i) * rows + r) * columns + c]
            if (w === 0) continue
            for (let oy = 0; oy < outHeight; oy++) {
              const y = oy * stride - pad + r * dilation
              if (y < 0 || y >= height) continue
              for (let ox = 0; ox < outWidth; ox++) {
                const xx = ox * stride - pad + c * dilation
                if (xx >= 0 && xx < width) target[oy * outWidth + ox] += w * plane[y * width + xx]
              }
            }
          }
        }
      }
    }
  }
  return { shape: [n, outputs, outHeight, outWidth], data }
}

/** Mean of 2x2, stride 2; sides are even. */
export function averagePool2(x: Tensor64): Tensor64 {
  const [n, channels, height, width] = x.shape
  const shape = [n, channels, height / 2, width / 2]
  return fill(shape, ([image, channel, y, xx]) => {
    let sum = 0
    for (const dy of [0, 1]) for (const dx of [0, 1]) sum += pixel(x, image, channel, 2 * y + dy, 2 * xx + dx)
    return sum / 4
  })
}

export function globalAveragePool(x: Tensor64): Tensor64 {
  const [n, channels, height, width] = x.shape
  return fill([n, channels, 1, 1], ([image, channel]) => {
    const start = (image * channels + channel) * height * width
    return x.data.subarray(start, start + height * width).reduce((sum, value) => sum + value, 0) / (height * width)
  })
}

/** Bilinear, half-pixel centres, edges clamped. */
export function resize(x: Tensor64, height: number, width: number): Tensor64 {
  const [n, channels, h, w] = x.shape
  const place = (index: number, from: number, to: number): [number, number, number] => {
    const position = Math.min(from - 1, Math.max(0, ((index + 0.5) * from) / to - 0.5))
    const low = Math.floor(position)
    return [low, Math.min(from - 1, low + 1), position - low]
  }
  return fill([n, channels, height, width], ([image, channel, y, xx]) => {
    const [top, bottom, fy] = place(y, h, height)
    const [left, right, fx] = place(xx, w, width)
    const row = (line: number): number =>
      (1 - fx) * pixel(x, image, channel, line, left) + fx * pixel(x, image, channel, line, right)
    return (1 - fy) * row(top) + fy * row(bottom)
  })
}

export function concat(parts: readonly Tensor64[]): Tensor64 {
  const [n, , height, width] = parts[0].shape
  const channels = parts.reduce((sum, part) => sum + part.shape[1], 0)
  const data: number[] = []
  for (let image = 0; image < n; image++) {
    for (const { shape, data: from } of parts) {
      const size = shape[1] * height * width
      for (let i = 0; i < size; i++) data.push(from[image * size + i])
    }
  }
  return tensor64([n, channels, height, width], data)
}

export function channels(x: Tensor64, from: number, to: number): Tensor64 {
  const [n, , height, width] = x.shape
  return fill([n, to - from, height, width], ([image, channel, y, xx]) => pixel(x, image, from + channel, y, xx))
}

export function transpose(x: Tensor64, axes: readonly number[]): Tensor64 {
  const shape = axes.map((axis) => x.shape[axis])
  return fill(shape, (index) => {
    const from = new Array<number>(shape.length).fill(0)
    axes.forEach((axis, position) => (from[axis] = index[position]))
    return x.data[from.reduce((offset, value, axis) => offset * x.shape[axis] + value, 0)]
  })
}

/** 255 · x, rounded to nearest with ties to even, clamped to 0..255. */
export const toBytes = (x: Tensor64): Tensor64 =>
  map(x, (value) => {
    const scaled = value * 255
    const floor = Math.floor(scaled)
    const tie = scaled - floor === 0.5
    const rounded = tie ? floor + (floor % 2) : Math.round(scaled)
    return Math.min(255, Math.max(0, rounded))
  })

function fill(shape: readonly number[], f: (index: readonly number[]) => number): Tensor64 {
  const data = new Float64Array(count(shape))
  const index = new Array<number>(shape.length).fill(0)
  for (let i = 0; i < data.length; i++) {
    data[i] = f(index)
    for (let axis = shape.length - 1; axis >= 0 && ++index[axis] === shape[axis]; axis--) index[axis] = 0
  }
  return { shape, data }
}

function pixel(x: Tensor64, image: number, channel: number, y: number, xx: number): number {
  const [, channels_, height, width] = x.shape
  return x.data[((image * channels_ + channel) * height + y) * width + xx]
}
