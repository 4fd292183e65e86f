/** A matte from rows of alpha values. */
export function matte(...rows: number[][]): Float32Array {
  return Float32Array.from(rows.flat())
}

/** A matte of 8-bit grays made of soft hills, another one for each seed: it has every level and several islands. */
export function hills(width: number, height: number, seed: number): Float32Array {
  return Float32Array.from({ length: width * height }, (_, i) => {
    const [x, y] = [i % width, Math.floor(i / width)]
    const hill = Math.sin(x * 0.4 + seed) * Math.cos(y * 0.5 - 2 * seed) + 0.3 * Math.sin(1.7 * x + 2.3 * y + seed)
    return Math.round(255 * Math.min(1, Math.max(0, 0.5 + 0.7 * hill))) / 255
  })
}

/** The matte moved into a larger, empty frame, its corner at (left, top). */
export function placed(
  image: Float32Array,
  width: number,
  frame: { width: number; height: number },
  left: number,
  top: number,
): Float32Array {
  const result = new Float32Array(frame.width * frame.height)
  for (let start = 0, y = top; start < image.length; start += width, y++) {
    result.set(image.subarray(start, start + width), y * frame.width + left)
  }
  return result
}
