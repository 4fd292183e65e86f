import { foldBatchNorm } from './batch-norm.ts'
import { CONVOLUTIONS, expectedTensors, OPTIONAL_TENSORS, type Convolution } from './convolutions.ts'
import { printable, wrongTensors } from './faults.ts'
import { requireFinite } from './finite.ts'
import { toFloat32, type StoredTensor } from './safetensors.ts'
import type { Tensor, Weights } from './tensor.ts'

/** Training's count of batches, an integer that says nothing about the weights: may be there or not. */
const BATCH_COUNT = 'num_batches_tracked'

/**
 * Weights from tensors under the published state-dict names: BatchNorm folded already, or still there (then all of
 * them). Nothing may be missing but `project_seg`, nothing may be there that the network does not know.
 *
 * @throws {MatteboxError} MODEL_TENSORS for missing, unexpected, mis-shaped or non-float tensors (the first are named,
 *   all are counted); MODEL_DAMAGED if a BatchNorm is not finite
 */
export function weightsFromStateDict(tensors: ReadonlyMap<string, StoredTensor>, fileName: string): Weights {
  const folded = !Array.from(tensors.keys()).some((name) => name.endsWith('.running_var'))
  const wanted = folded ? expectedTensors() : unfoldedTensors()
  const values = new Map<string, Tensor>()
  const faults: string[] = []
  for (const [name, shape] of wanted) {
    const stored = tensors.get(name)
    if (!stored) {
      if (!isOptional(name, tensors)) faults.push(`${name} is missing`)
    } else if (!sameShape(stored.shape, shape)) {
      faults.push(`${name} is [${stored.shape.join(', ')}] instead of [${shape.join(', ')}]`)
    } else {
      const data = toFloat32(stored)
      if (data) values.set(name, { shape, data })
      else faults.push(`${name} is of type ${stored.dtype}`)
    }
  }
  for (const name of tensors.keys()) {
    if (!wanted.has(name) && !isBatchCount(name, wanted)) faults.push(`${printable(name)} is unexpected`)
  }
  if (faults.length > 0) throw wrongTensors(fileName, faults)
  if (folded) return values
  // Before folding: an infinite variance would leave zeros.
  requireFinite(values, fileName)
  return fold(values)
}

function unfoldedTensors(): Map<string, readonly number[]> {
  const tensors = new Map<string, readonly number[]>()
  for (const { name, shape, bias, batchNorm } of CONVOLUTIONS) {
    tensors.set(`${name}.weight`, shape)
    if (!batchNorm && bias) tensors.set(`${name}.bias`, [shape[0]])
    if (!batchNorm) continue
    for (const part of ['weight', 'bias', 'running_mean', 'running_var']) {
      tensors.set(`${batchNorm.name}.${part}`, [shape[0]])
    }
  }
  return tensors
}

/** The segmentation head may be absent, but not half of it. */
function isOptional(name: string, tensors: ReadonlyMap<string, StoredTensor>): boolean {
  return OPTIONAL_TENSORS.has(name) && !Array.from(OPTIONAL_TENSORS).some((other) => tensors.has(other))
}

function isBatchCount(name: string, wanted: ReadonlyMap<string, unknown>): boolean {
  return name.endsWith(`.${BATCH_COUNT}`) && wanted.has(name.replace(BATCH_COUNT, 'running_var'))
}

function fold(values: ReadonlyMap<string, Tensor>): Weights {
  const weights = new Map<string, Tensor>()
  for (const convolution of CONVOLUTIONS) {
    const weight = values.get(`${convolution.name}.weight`)
    if (!weight) continue
    const { weight: foldedWeight, bias } = foldOne(convolution, weight, values)
    weights.set(`${convolution.name}.weight`, foldedWeight)
    if (bias) weights.set(`${convolution.name}.bias`, bias)
  }
  return weights
}

function foldOne(
  { name, batchNorm }: Convolution,
  weight: Tensor,
  values: ReadonlyMap<string, Tensor>,
): { weight: Tensor; bias: Tensor | undefined } {
  if (!batchNorm) return { weight, bias: values.get(`${name}.bias`) }
  const part = (which: string) => values.get(`${batchNorm.name}.${which}`)!.data
  return foldBatchNorm(weight, {
    weight: part('weight'),
    bias: part('bias'),
    mean: part('running_mean'),
    variance: part('running_var'),
    epsilon: batchNorm.epsilon,
  })
}

export function sameShape(one: readonly number[], other: readonly number[]): boolean {
  return one.length === other.length && one.every((side, axis) => side === other[axis])
}
