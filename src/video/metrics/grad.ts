/** Standard deviation of the Gaussian, in pixels. */
const SIGMA = 1.4

/** Taps on each side: ceil(sigma · sqrt(−2 · ln(sqrt(2π) · sigma · 0.01))), beyond which the Gaussian is below 0.01. */
const RADIUS = 4

const gaussian = unitNorm((x) => Math.exp((-x * x) / (2 * SIGMA * SIGMA)))
const derivative = unitNorm((x) => x * Math.exp((-x * x) / (2 * SIGMA * SIGMA)))

/** Values of `f` at 0..RADIUS, scaled so that all 2 · RADIUS + 1 taps (`f` is even or odd) have a sum of squares of 1. */
function unitNorm(f: (x: number) => number): number[] {
  const taps = Array.from({ length: RADIUS + 1 }, (_, x) => f(x))
  const norm = Math.sqrt(taps.reduce((sum, tap, x) => sum + (x === 0 ? 1 : 2) * tap * tap, 0))
  return taps.map((tap) => tap / norm)
}

/**
 * Grad: how far the edges of a matte are from the true ones in strength and place (Rhemann et al., "A perceptually
 * motivated online benchmark for image matting", CVPR 2009): the sum over pixels of the squared difference of the two
 * gradient magnitudes, divided by 1000.
 *
 * The measure leaves choices open. Taken here are those of the paper's evaluation at high resolution:
 * - the gradient is the response to the derivative of a Gaussian of sigma 1.4 in x and in y, cut to 9x9;
 * - each 9x9 kernel is scaled to a sum of squares of 1: a lone pixel of alpha 1 against nothing costs 2 / 1000;
 * - pixels beyond the border repeat the nearest one inside;
 * - mattes are taken as they are: the evaluation at low resolution, and some libraries, first stretch each frame
 *   to 0..1, which blows up faint ghosts in an empty picture and hides that a matte is too thin.
 *
 * @param width - of every frame, pixels
 * @param height - of every frame, pixels
 * @returns a function of prediction and truth (alpha, 0..1, [height · width]) that answers 0 or more
 */
export function createGrad(width: number, height: number): (prediction: Float32Array, truth: Float32Array) => number {
  const predictedRow = createGradientRows(width, height)
  const trueRow = createGradientRows(width, height)

  return (prediction, truth) => {
    let sum = 0
    for (let y = 0; y < height; y++) {
      const predicted = predictedRow(prediction, y)
      const real = trueRow(truth, y)
      for (let x = 0; x < width; x++) sum += (predicted[x] - real[x]) ** 2
    }
    return sum / 1000
  }
}

/**
 * Gradient magnitude row by row, for y = 0, 1, … height − 1 in this order. The kernels are separable: rows are
 * filtered along x when they are first needed and wait in a ring, which stays in the cache, for the filter along y.
 */
function createGradientRows(width: number, height: number): (image: Float32Array, y: number) => Float64Array {
  const window = 2 * RADIUS + 1
  const rows = (): Float64Array[] => Array.from({ length: window }, () => new Float64Array(width))
  const smoothed = rows()
  const derived = rows()
  const padded = new Float64Array(width + 2 * RADIUS)
  const magnitude = new Float64Array(width)
  const [g0, g1, g2, g3, g4] = gaussian
  const [, d1, d2, d3, d4] = derivative

  const filterAlongX = (image: Float32Array, y: number): void => {
    const start = y * width
    padded.fill(image[start], 0, RADIUS)
    for (let x = 0; x < width; x++) padded[RADIUS + x] = image[start + x]
    padded.fill(image[start + width - 1], RADIUS + width)

    const smooth = smoothed[y % window]
    const derive = derived[y % window]
    for (let x = 0; x < width; x++) {
      const l4 = padded[x]
      const l3 = padded[x + 1]
      const l2 = padded[x + 2]
      const l1 = padded[x + 3]
      const r1 = padded[x + 5]
      const r2 = padded[x + 6]
      const r3 = padded[x + 7]
      const r4 = padded[x + 8]
      smooth[x] = g0 * padded[x + 4] + g1 * (l1 + r1) + g2 * (l2 + r2) + g3 * (l3 + r3) + g4 * (l4 + r4)
      derive[x] = d1 * (r1 - l1) + d2 * (r2 - l2) + d3 * (r3 - l3) + d4 * (r4 - l4)
    }
  }

  return (image, y) => {
    for (let next = y === 0 ? 0 : y + RADIUS; next <= Math.min(y + RADIUS, height - 1); next++) {
      filterAlongX(image, next)
    }
    const near = (ring: Float64Array[], dy: number): Float64Array =>
      ring[Math.min(Math.max(y + dy, 0), height - 1) % window]
    const s = [-4, -3, -2, -1, 1, 2, 3, 4].map((dy) => near(smoothed, dy))
    const d = [-4, -3, -2, -1, 0, 1, 2, 3, 4].map((dy) => near(derived, dy))
    const [sUp4, sUp3, sUp2, sUp1, sDown1, sDown2, sDown3, sDown4] = s
    const [dUp4, dUp3, dUp2, dUp1, dHere, dDown1, dDown2, dDown3, dDown4] = d
    for (let x = 0; x < width; x++) {
      const alongX =
        g0 * dHere[x] +
        g1 * (dUp1[x] + dDown1[x]) +
        g2 * (dUp2[x] + dDown2[x]) +
        g3 * (dUp3[x] + dDown3[x]) +
        g4 * (dUp4[x] + dDown4[x])
      const alongY =
        d1 * (sDown1[x] - sUp1[x]) +
        d2 * (sDown2[x] - sUp2[x]) +
        d3 * (sDown3[x] - sUp3[x]) +
        d4 * (sDown4[x] - sUp4[x])
      magnitude[x] = Math.sqrt(alongX * alongX + alongY * alongY)
    }
    return magnitude
  }
}
