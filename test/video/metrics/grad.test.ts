import { describe, expect, it } from 'vitest'
import { createGrad } from '../../../src/video/metrics/grad.ts'
import { hills, matte, placed } from './mattes.ts'

/*
 * Worked by hand. With e_k = exp(−k² / 3.92), 3.92 = 2 · 1.4²:
 *   e_1 = 0.774837   e_2 = 0.360448   e_3 = 0.100669   e_4 = 0.016879
 * Gaussian taps g_k = e_k / G, derivative taps d_k = k · e_k / D (odd), each with a sum of squares of 1:
 *   G² = 1 + 2 (e_1² + e_2² + e_3² + e_4²) = 1 + 2 (0.600373 + 0.129923 + 0.010134 + 0.000285) = 2.481430
 *   D² = 2 (e_1² + 4 e_2² + 9 e_3² + 16 e_4²) = 2 (0.600373 + 0.519692 + 0.091206 + 0.004558) = 2.431658
 * Sum of the Gaussian's taps: (1 + 2 · 1.252833) / G = 3.505666 / 1.575255 = 2.225459, squared 4.952667.
 */
const SUM_G_SQUARED = 4.952667
/*
 * A step from 0 to 1 has, k pixels beside it, the sum of the derivative's taps k … 4:
 *   (1 · e_1 + 2 · e_2 + 3 · e_3 + 4 · e_4) / D = 1.865256 / 1.559377 = 1.196155   for k = 1 (and 0: d_0 is 0)
 *   1.090419 / D = 0.699266 (k = 2)   0.369523 / D = 0.236968 (k = 3)   0.067516 / D = 0.043297 (k = 4)
 * The step lies between two pixels: those 0, 1, 2, 3 to its left see k = 1, 2, 3, 4, those to its right −k = 0, 1, 2, 3,
 * which is the same sums. Squares over all eight columns:
 *   2 (1.430787 + 0.488973 + 0.056154 + 0.001875) = 3.955578
 */
const STEP_SQUARED = 3.955578

function grad(prediction: Float32Array, truth: Float32Array, width: number): number {
  return createGrad(width, truth.length / width)(prediction, truth)
}

const flat = (width: number, height: number, alpha: number) => new Float32Array(width * height).fill(alpha)
const step = (width: number, height: number, at: number, alpha = 1) =>
  flat(width, height, 0).map((_, i) => (i % width >= at ? alpha : 0))

describe('grad', () => {
  it('is 0 for the same matte', () => {
    const alpha = hills(40, 30, 1)
    expect(grad(alpha, alpha, 40)).toBe(0)
  })

  it('does not see a constant: neither has an edge, not even at the border', () => {
    expect(grad(flat(20, 20, 0.9), flat(20, 20, 0.1), 20)).toBe(0)
    expect(
      grad(
        hills(20, 20, 1).map((a) => a / 2 + 0.25),
        hills(20, 20, 1).map((a) => a / 2),
        20,
      ),
    ).toBeCloseTo(0, 12)
  })

  it('is 2 / 1000 for a lone pixel against nothing: each kernel has a sum of squares of 1', () => {
    const lone = flat(21, 21, 0)
    lone[10 * 21 + 10] = 1
    expect(grad(lone, flat(21, 21, 0), 21)).toBeCloseTo(2 / 1000, 12)
  })

  it('takes mattes as they are: half the alpha is a quarter of the error', () => {
    const lone = flat(21, 21, 0)
    lone[10 * 21 + 10] = 0.5
    expect(grad(lone, flat(21, 21, 0), 21)).toBeCloseTo(0.5 / 1000, 12)
  })

  it('has the closed form of a step edge, the same at every row, borders repeating the nearest pixel', () => {
    const rows = 13
    const expected = (rows * STEP_SQUARED * SUM_G_SQUARED) / 1000
    expect(expected).toBeCloseTo(0.25468, 4)
    expect(grad(step(30, rows, 14), flat(30, rows, 0), 30)).toBeCloseTo(expected, 5)
  })

  it('sees the step across a border only as far as the picture goes', () => {
    // The last column alone is 1. The pixels 0 … 3 to its left see k = 1 … 4, its own (the border repeats it) k = 0:
    // 2 · 1.430787 + 0.488973 + 0.056154 + 0.001875 = 3.408576.
    expect(grad(step(20, 3, 19), flat(20, 3, 0), 20)).toBeCloseTo((3 * 3.408576 * SUM_G_SQUARED) / 1000, 6)
  })

  it('compares magnitudes: an edge of half the height differs by half', () => {
    const expected = (8 * STEP_SQUARED * SUM_G_SQUARED * 0.5 ** 2) / 1000
    expect(grad(step(30, 8, 14, 0.5), step(30, 8, 14), 30)).toBeCloseTo(expected, 6)
  })

  it('has the closed form of a ramp: its slope, times the derivative’s response to x', () => {
    // 0.01 a pixel against nothing, in a window 4 pixels clear of where the ramp meets its border, is the difference
    // of a wide ramp and a narrower one. Response to x: 2 (e_1 + 4 e_2 + 9 e_3 + 16 e_4) / D =
    // 2 (0.774837 + 1.441792 + 0.906021 + 0.270064) / 1.559377 = 4.352015.
    const ramp = (width: number) => flat(width, 5, 0).map((_, i) => 0.01 * (i % width))
    const perPixel = (0.01 * 4.352015) ** 2 * SUM_G_SQUARED
    const wide = grad(ramp(60), flat(60, 5, 0), 60)
    const narrow = grad(ramp(40), flat(40, 5, 0), 40)
    expect(wide - narrow).toBeCloseTo((20 * 5 * perPixel) / 1000, 6)
  })

  it('treats x and y alike', () => {
    const transposed = (image: Float32Array) => image.map((_, i) => image[(i % 30) * 30 + Math.floor(i / 30)])
    const [a, b] = [hills(30, 30, 1), hills(30, 30, 2)]
    expect(grad(transposed(a), transposed(b), 30)).toBeCloseTo(grad(a, b, 30), 10)
  })

  it('is symmetric in prediction and truth', () => {
    const [a, b] = [hills(40, 30, 1), hills(40, 30, 2)]
    expect(grad(a, b, 40)).toBeCloseTo(grad(b, a, 40), 12)
  })

  it('does not depend on where the subject stands', () => {
    const [a, b] = [hills(20, 12, 1), hills(20, 12, 2)]
    const frame = { width: 60, height: 50 }
    const at = (left: number, top: number) => grad(placed(a, 20, frame, left, top), placed(b, 20, frame, left, top), 60)
    expect(at(5, 4)).toBeCloseTo(at(33, 31), 10)
  })

  it('measures pictures smaller than the kernel', () => {
    expect(grad(matte([1]), matte([0]), 1)).toBe(0)
    // Two columns, 0 and 1: as in a step, both see k = 1 (or 0).
    expect(grad(matte([0, 1]), matte([0, 0]), 2)).toBeCloseTo((2 * 1.430787 * SUM_G_SQUARED) / 1000, 6)
  })
})
