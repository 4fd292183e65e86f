/** A frame in the network's low resolution, with what the network said of it. */
export interface LowPicture {
  /** The filter's frame id. */
  readonly frameId: number
  readonly width: number
  readonly height: number
  /** BGRA [height, width, 4], straight. */
  readonly pixels: Uint8Array
  /** Coefficients, float32 [2 or 8, height, width]; null where the frame got none. */
  readonly planes: Float32Array | null
}

/** The two planes that make alpha, of the 2 or 8 of a picture of `area` pixels. */
export function alphaPlanes(
  planes: Float32Array,
  area: number,
): { readonly a: Float32Array; readonly b: Float32Array } {
  const half = planes.length / 2
  return { a: planes.subarray(half - area, half), b: planes.subarray(2 * half - area) }
}

/** Alpha of a pixel, 0..1: what the refiner's last line makes of it in the low resolution. */
export function alphaAt(
  pixels: Uint8Array,
  { a, b }: { readonly a: Float32Array; readonly b: Float32Array },
  pixel: number,
): number {
  const gray = (pixels[4 * pixel] + pixels[4 * pixel + 1] + pixels[4 * pixel + 2]) / 765
  return Math.min(1, Math.max(0, a[pixel] * gray + b[pixel]))
}
