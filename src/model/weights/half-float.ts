/**
 * float32 → float16 bits (IEEE 754 binary16), rounded to nearest, ties to even; beyond ±65520 becomes infinite, what
 * lies below 2^-25 becomes zero.
 */
export function narrowToHalf(values: Float32Array): Uint16Array {
  const halves = new Uint16Array(values.length)
  for (let i = 0; i < values.length; i++) halves[i] = narrow(values[i])
  return halves
}

/** float16 bits → float32, exactly. */
export function widenHalf(halves: Uint16Array): Float32Array {
  const values = new Float32Array(halves.length)
  for (let i = 0; i < halves.length; i++) values[i] = widen(halves[i])
  return values
}

const number = new Float32Array(1)
const bits = new Uint32Array(number.buffer)

function narrow(value: number): number {
  number[0] = value
  const word = bits[0]
  const sign = (word >>> 16) & 0x8000
  const magnitude = word & 0x7fffffff
  if (magnitude > 0x7f800000) return sign | 0x7e00
  if (magnitude >= 0x477ff000) return sign | 0x7c00
  if (magnitude < 0x38800000) {
    // Below 2^-14 halves are multiples of 2^-24: adding 0.5 lets the hardware round at exactly that bit.
    number[0] = Math.abs(value) + 0.5
    return sign | (bits[0] - 0x3f000000)
  }
  const rounded = magnitude + 0xfff + ((magnitude >>> 13) & 1)
  return sign | ((rounded - 0x38000000) >>> 13)
}

function widen(half: number): number {
  const sign = half & 0x8000 ? -1 : 1
  const exponent = (half >>> 10) & 0x1f
  const fraction = half & 0x3ff
  if (exponent === 0x1f) return fraction ? NaN : sign * Infinity
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1024 + fraction) * POWERS[exponent]
}

/** 2^(exponent − 25): a half's last fraction bit is worth this. */
const POWERS = Float64Array.from({ length: 31 }, (_, exponent) => 2 ** (exponent - 25))
