/**
 * dtSSD: how far the matte flickers where the true one does not (Erofeev et al., "Perceptually motivated benchmark for
 * video matting", BMVC 2015), as the paper's evaluation takes it: for a pair of neighbouring frames, the root of the
 * mean over pixels of ((a_t − a_{t−1}) − (α_t − α_{t−1}))², times 100. A constant error costs nothing.
 *
 * The returned function takes a clip's frames in order and keeps one frame of state: the error a − α of the frame
 * before, whose change is what is measured.
 *
 * @param pixels - height · width of every frame
 * @returns a function of prediction and truth (alpha, 0..1, [pixels]) that answers this frame's value against the
 *   frame before, 0 (no flicker) .. 200; null for the first frame
 */
export function createDtssd(pixels: number): (prediction: Float32Array, truth: Float32Array) => number | null {
  const error = new Float32Array(pixels)
  let first = true

  return (prediction, truth) => {
    let sum = 0
    for (let i = 0; i < pixels; i++) {
      const now = prediction[i] - truth[i]
      const change = now - error[i]
      error[i] = now
      sum += change * change
    }
    if (first) {
      first = false
      return null
    }
    return Math.sqrt(sum / pixels) * 100
  }
}
