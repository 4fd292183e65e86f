/**
 * MSE: mean squared error of a predicted matte against the true one, times 1000, as the paper's tables print it.
 *
 * @param prediction - alpha, 0..1, [height · width]
 * @param truth - alpha, 0..1, same shape
 * @returns 0 (identical) .. 1000
 */
export function mse(prediction: Float32Array, truth: Float32Array): number {
  let sum = 0
  for (let i = 0; i < truth.length; i++) sum += (prediction[i] - truth[i]) ** 2
  return (sum / truth.length) * 1000
}
