import type { PictureFigures } from '../contract/inference-process.ts'
import { alphaAt, alphaPlanes, type LowPicture } from './low-picture.ts'

/** Pixels that are looked at, about: figures of 8000 are as good as of all, and take a third of a millisecond. */
const SAMPLES = 8000
/** How far from the edge a pixel belongs to its band, in samples: 3 of 68 lines, for a picture of 16:9. */
const REACH = 3
const OPAQUE = 0.9
const CLEAR = 0.1

/**
 * What a picture and its matte say for advice: how bright it is, and how well the person stands out from what is
 * around him. Luma is that of Rec. 709 on the values as they are.
 *
 * Contrast compares the mean colours of two bands along the person's edge, inside and outside: of the samples with a
 * clear decision on one side, those near to one on the other side.
 */
export function pictureFigures({ width, height, pixels, planes }: LowPicture): PictureFigures | null {
  if (planes === null) return null
  const step = Math.max(1, Math.round(Math.sqrt((width * height) / SAMPLES)))
  const columns = Math.ceil(width / step)
  const rows = Math.ceil(height / step)
  const alphas = new Float32Array(columns * rows)
  const both = alphaPlanes(planes, width * height)
  let [luma, area, personLuma, opaque] = [0, 0, 0, 0]
  for (let row = 0, sample = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++, sample++) {
      const pixel = row * step * width + column * step
      const alpha = alphaAt(pixels, both, pixel)
      const own = lumaAt(pixels, pixel)
      alphas[sample] = alpha
      area += alpha
      luma += own
      if (alpha > OPAQUE) {
        opaque++
        personLuma += own
      }
    }
  }
  const inside = new Mean()
  const outside = new Mean()
  for (let row = 0, sample = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++, sample++) {
      const alpha = alphas[sample]
      const isInside = alpha > OPAQUE
      if (!isInside && alpha >= CLEAR) continue
      const isOther = isInside ? (other: number) => other < CLEAR : (other: number) => other > OPAQUE
      const isNear =
        (column >= REACH && isOther(alphas[sample - REACH])) ||
        (column + REACH < columns && isOther(alphas[sample + REACH])) ||
        (row >= REACH && isOther(alphas[sample - REACH * columns])) ||
        (row + REACH < rows && isOther(alphas[sample + REACH * columns]))
      if (isNear) (isInside ? inside : outside).add(pixels, row * step * width + column * step)
    }
  }
  const samples = columns * rows
  return {
    luma: luma / samples,
    personLuma: opaque > 0 ? personLuma / opaque : null,
    contrast: inside.count > 0 && outside.count > 0 ? distance(inside, outside) : null,
    area: area / samples,
  }
}

/** Mean colour of some pixels. */
class Mean {
  count = 0
  readonly sums: [number, number, number] = [0, 0, 0]

  add(pixels: Uint8Array, pixel: number): void {
    this.count++
    for (let channel = 0; channel < 3; channel++) this.sums[channel] += pixels[4 * pixel + channel]
  }
}

/** Of black and white 1. */
function distance(one: Mean, other: Mean): number {
  const differences = one.sums.map((sum, channel) => sum / one.count - other.sums[channel] / other.count)
  return Math.hypot(...differences) / (255 * Math.sqrt(3))
}

function lumaAt(pixels: Uint8Array, pixel: number): number {
  return (0.0722 * pixels[4 * pixel] + 0.7152 * pixels[4 * pixel + 1] + 0.2126 * pixels[4 * pixel + 2]) / 255
}
