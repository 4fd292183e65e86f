import { encodeModelFile } from '../../../src/model/weights/index.ts'
import { randomWeights } from '../../model/random-weights.ts'

/** A model file with random weights: it mattes nothing sensible, and takes no shared data. */
export function madeUpModel(precision: 'fp32' | 'fp16' = 'fp32'): Uint8Array {
  const provenance = { source: 'a test', licence: 'CC0-1.0', sourceSha256: '0'.repeat(64) }
  return encodeModelFile(randomWeights(1), precision, provenance)
}
