/** Box blurs one after the other come close to a Gaussian; three are what most image programs take. */
const PASSES = 3
/** Below this much background under the blur there is nothing to average but the person. */
const LEAST_WEIGHT = 1 / 255

/**
 * Blurs the background of a low-resolution frame for compositing behind the person: pixels count by 1 − alpha, so that
 * the person does not bleed into what lies behind.
 *
 * @param frame - uint8 [height, width, 4] BGRA
 * @param alpha - float32 [height, width], 0..1
 * @param radius - of each box, in pixels of this frame; 0 keeps it sharp
 * @returns uint8 [height, width, 4] BGRA, opaque
 */
export function blurBackground(
  frame: Uint8Array,
  alpha: Float32Array,
  width: number,
  height: number,
  radius: number,
): Uint8Array {
  const area = width * height
  const weight = new Float32Array(area)
  const everything = new Float32Array(area).fill(1)
  const scratch = new Float32Array(area)
  for (let i = 0; i < area; i++) weight[i] = Math.max(0, 1 - alpha[i])
  const blurred = weight.slice()
  blur(blurred, scratch, width, height, radius)

  const out = new Uint8Array(frame.length).fill(255)
  for (let channel = 0; channel < 3; channel++) {
    const [behind, whole] = [weight, everything].map((w) => {
      const plane = Float32Array.from(w, (value, i) => value * frame[4 * i + channel])
      blur(plane, scratch, width, height, radius)
      return plane
    })
    for (let i = 0; i < area; i++) {
      const value = blurred[i] > LEAST_WEIGHT ? behind[i] / blurred[i] : whole[i]
      out[4 * i + channel] = Math.min(255, Math.max(0, Math.round(value)))
    }
  }
  return out
}

function blur(plane: Float32Array, scratch: Float32Array, width: number, height: number, radius: number): void {
  const whole = Math.round(radius)
  if (whole === 0) return
  for (let pass = 0; pass < PASSES; pass++) {
    boxAlong(plane, scratch, height, width, width, 1, whole)
    boxAlong(scratch, plane, width, height, 1, width, whole)
  }
}

/** Mean over 2 · radius + 1 neighbours along one direction; beyond the edge the edge goes on. */
function boxAlong(
  from: Float32Array,
  to: Float32Array,
  lines: number,
  length: number,
  lineStride: number,
  stride: number,
  radius: number,
): void {
  const span = 2 * radius + 1
  for (let line = 0; line < lines; line++) {
    const start = line * lineStride
    const at = (index: number): number => from[start + Math.min(length - 1, Math.max(0, index)) * stride]
    let sum = 0
    for (let k = -radius; k <= radius; k++) sum += at(k)
    for (let i = 0; i < length; i++) {
      to[start + i * stride] = sum / span
      sum += at(i + radius + 1) - at(i - radius)
    }
  }
}
