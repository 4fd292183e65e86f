import { readFileSync } from 'node:fs'
import { tensor64, type Tensor64 } from './onnx/float64-ops.ts'

/** The tensors of one file of reference outputs (safetensors with U8 and F32, trusted), read one at a time. */
export function openGolden(path: string): (name: string) => Tensor64 {
  const file = readFileSync(path)
  const headerBytes = Number(file.readBigUInt64LE(0))
  const header = JSON.parse(file.toString('utf8', 8, 8 + headerBytes)) as Record<
    string,
    { dtype: string; shape: number[]; data_offsets: [number, number] }
  >
  return (name) => {
    const entry = header[name] as (typeof header)[string] | undefined
    if (!entry) throw new Error(`${path} has no ${name}`)
    const [from, to] = entry.data_offsets
    const bytes = new Uint8Array(file.subarray(8 + headerBytes + from, 8 + headerBytes + to))
    return tensor64(entry.shape, entry.dtype === 'U8' ? bytes : new Float32Array(bytes.buffer))
  }
}

/** Pictures [N, H, W, 3] RGB as the network takes them: [N, H, W, 4] BGRA. */
export function bgraOf(rgb: Tensor64): Tensor64 {
  const pixels = rgb.data.length / 3
  const data = new Float64Array(pixels * 4)
  for (let i = 0; i < pixels; i++) {
    data.set([rgb.data[3 * i + 2], rgb.data[3 * i + 1], rgb.data[3 * i], 255], 4 * i)
  }
  return { shape: [...rgb.shape.slice(0, -1), 4], data }
}

/** Element `index` of the first axis. */
export function at(x: Tensor64, index: number): Tensor64 {
  const [, ...shape] = x.shape
  const size = shape.reduce((product, side) => product * side, 1)
  return { shape, data: x.data.subarray(index * size, (index + 1) * size) }
}
