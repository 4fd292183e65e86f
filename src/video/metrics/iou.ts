/**
 * IoU: intersection over union of prediction and truth, each cut at alpha ≥ 0.5.
 *
 * @param prediction - alpha, 0..1, [height · width]
 * @param truth - alpha, 0..1, same shape
 * @returns 0 (disjoint) .. 1 (same mask); null where neither holds a foreground pixel: the ratio means nothing there
 */
export function iou(prediction: Float32Array, truth: Float32Array): number | null {
  let intersection = 0
  let union = 0
  for (let i = 0; i < truth.length; i++) {
    const predicted = prediction[i] >= 0.5 ? 1 : 0
    const real = truth[i] >= 0.5 ? 1 : 0
    intersection += predicted & real
    union += predicted | real
  }
  return union === 0 ? null : intersection / union
}
