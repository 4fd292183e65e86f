import { outputRows } from '../conv-parameters.ts'
import type { ConvParameters, Graph, Value } from '../onnx/graph.ts'
import { GUIDE_FROM_BGRA } from './bgra-frame.ts'

/**
 * What every refiner answers: coefficient planes at low resolution, such that at full resolution, with
 * x = (R, G, B, gray), `alpha = clamp(A4·gray + b4)` and `foreground_c = clamp(I_c + A_c·I_c + b_c)`.
 *
 * - 8 planes: A_R, A_G, A_B, A4, b_R, b_G, b_B, b4
 * - 2 planes: A4, b4
 */
export type Planes = 2 | 8

/** Channels of y = (residual R, G, B, alpha) that the planes are about. */
export function planeRows(planes: Planes): readonly number[] {
  return planes === 8 ? [0, 1, 2, 3] : [3]
}

/**
 * The guide x = (R, G, B, gray) as a 1x1 convolution of a BGRA picture, put at `offset` of `channels` output channels;
 * the others are zero.
 */
export function guideRows(name: string, channels: number, offsets: readonly number[]): ConvParameters {
  const data = new Float32Array(channels * 4)
  for (const offset of offsets) GUIDE_FROM_BGRA.forEach((row, index) => data.set(row, (offset + index) * 4))
  return { name, weight: { shape: [channels, 4, 1, 1], data } }
}

/** The 1x1 convolution whose first outputs are `conv`'s, followed by zeros up to `channels`. */
export function padOutputs(conv: ConvParameters, channels: number): ConvParameters {
  const rows = Array.from({ length: channels }, (_, row) => (row < conv.weight.shape[0] ? row : -1))
  return outputRows(conv, rows, `pad${channels}`)
}

/** No refiner: A = 0 and b = the network's own answer. */
export function noRefiner(g: Graph, hidden: Value, projectMat: ConvParameters, planes: Planes): Value {
  const b = planeRows(planes)
  const rows = [...b.map(() => -1), ...b]
  return g.conv2d(hidden, outputRows(projectMat, rows, `planes${planes}`))
}
