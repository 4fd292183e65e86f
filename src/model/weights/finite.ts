import { damaged } from './faults.ts'
import type { Weights } from './tensor.ts'

/** @throws {MatteboxError} MODEL_DAMAGED that names the first tensor with NaN or infinity, and how many it holds */
export function requireFinite(weights: Weights, fileName: string): void {
  for (const [name, { data }] of weights) {
    let wrong = 0
    for (const value of data) if (value - value !== 0) wrong++
    if (wrong > 0) throw damaged(fileName, `is damaged: ${wrong} of ${data.length} numbers of ${name} are not finite`)
  }
}
