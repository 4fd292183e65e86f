/**
 * MAD: mean absolute difference of a predicted matte from the true one, times 1000, as the paper's tables print it.
 *
 * @param prediction - alpha, 0..1, [height · width]
 * @param truth - alpha, 0..1, same shape
 * @returns 0 (identical) .. 1000
 */
export function mad(prediction: Float32Array, truth: Float32Array): number {
  let sum = 0
  for (let i = 0; i < truth.length; i++) sum += Math.abs(prediction[i] - truth[i])
  return (sum / truth.length) * 1000
}
