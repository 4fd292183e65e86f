import { IMAGE_MEAN, IMAGE_STD } from '../architecture.ts'
import type { ConvParameters, Graph, Value } from '../onnx/graph.ts'

/** Where R, G and B lie in a BGRA pixel; the fourth channel, the source's own alpha, is not looked at. */
const RGB_IN_BGRA = [2, 1, 0] as const

/**
 * The low-resolution frame as OBS gives it, made into numbers.
 *
 * @param frame - uint8 [N, h, w, 4], BGRA, straight alpha, gamma-encoded values
 * @returns [N, 4, h, w] float32 in 0..1, channels B, G, R, A
 */
export function bgraFrame(g: Graph, frame: Value): Value {
  const planar = g.cast(g.transpose(frame, [0, 3, 1, 2]), 'float32')
  return g.mul(planar, g.constant([], [1 / 255]))
}

/** What the encoder sees: the mean taken off. The standard deviation is folded into the stem (`stemOfBgra`). */
export function centred(g: Graph, picture: Value): Value {
  const mean = [0, 0, 0, 0]
  RGB_IN_BGRA.forEach((channel, colour) => (mean[channel] = IMAGE_MEAN[colour]!))
  const type = picture.type === 'float16' ? 'float16' : 'float32'
  return g.sub(picture, g.constant([1, 4, 1, 1], mean, type))
}

/**
 * A convolution that was trained on R, G, B as its last three input channels, for B, G, R, A in their place:
 * four channels, of which A weighs nothing, so that no channel has to be sliced off or moved.
 */
export function takesBgra(conv: ConvParameters, divideBy: readonly number[] = [1, 1, 1]): ConvParameters {
  const [outputs, inputs, rows, columns] = conv.weight.shape as [number, number, number, number]
  const area = rows * columns
  const before = inputs - 3
  const data = new Float32Array(outputs * (inputs + 1) * area)
  for (let o = 0; o < outputs; o++) {
    const from = conv.weight.data.subarray(o * inputs * area, (o + 1) * inputs * area)
    const to = data.subarray(o * (inputs + 1) * area, (o + 1) * (inputs + 1) * area)
    to.set(from.subarray(0, before * area))
    RGB_IN_BGRA.forEach((channel, colour) => {
      const divisor = divideBy[colour]
      for (let k = 0; k < area; k++) to[(before + channel) * area + k] = from[(before + colour) * area + k] / divisor
    })
  }
  return { ...conv, name: `${conv.name}.bgra`, weight: { shape: [outputs, inputs + 1, rows, columns], data } }
}

/** The stem for centred BGRA pictures. */
export function stemOfBgra(stem: ConvParameters): ConvParameters {
  return takesBgra(stem, IMAGE_STD)
}

/** Rows that turn a BGRA pixel into the guide x = (R, G, B, gray), gray = (R + G + B) / 3. */
export const GUIDE_FROM_BGRA: readonly (readonly number[])[] = [
  [0, 0, 1, 0],
  [0, 1, 0, 0],
  [1, 0, 0, 0],
  [1 / 3, 1 / 3, 1 / 3, 0],
]
