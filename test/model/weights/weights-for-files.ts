import { narrowToHalf, widenHalf } from '../../../src/model/weights/half-float.ts'
import { OPTIONAL_TENSORS, type Weights } from '../../../src/model/weights/index.ts'
import { encodeHeader, toBytes, type StoredTensor } from '../../../src/model/weights/safetensors.ts'

/** The same weights rounded to half precision, which every file keeps without loss. */
export function halfExact(weights: Weights): Weights {
  return new Map(
    Array.from(weights, ([name, { shape, data }]) => [name, { shape, data: widenHalf(narrowToHalf(data)) }]),
  )
}

export function withoutSegmentation(weights: Weights): Weights {
  return new Map(Array.from(weights).filter(([name]) => !OPTIONAL_TENSORS.has(name)))
}

/** Names of the tensors in which two sets of weights differ: quick where a deep comparison of millions is not. */
export function differences(found: Weights, wanted: Weights): string[] {
  const names = new Set([...found.keys(), ...wanted.keys()])
  return Array.from(names).filter((name) => {
    const [one, other] = [found.get(name), wanted.get(name)]
    if (!one || !other || one.shape.join() !== other.shape.join()) return true
    return one.data.length !== other.data.length || one.data.some((value, index) => value !== other.data[index])
  })
}

/**
 * A foreign safetensors file, as Python's library writes it: sorted names, no metadata unless given.
 *
 * @param options.override - types that some tensors claim; of the same width as `dtype`
 * @param options.batchCounts - a `num_batches_tracked` beside every running variance
 */
export function safetensorsFile(
  weights: Weights,
  {
    dtype = 'F32',
    override = {},
    batchCounts = false,
    metadata = {},
  }: {
    dtype?: 'F16' | 'F32'
    override?: Record<string, 'I32'>
    batchCounts?: boolean
    metadata?: Record<string, string>
  } = {},
): Buffer {
  const tensors = Array.from(weights, ([name, { shape, data }]): [string, StoredTensor] => [
    name,
    { dtype: Object.hasOwn(override, name) ? override[name] : dtype, shape, bytes: toBytes(data, dtype) },
  ])
  if (batchCounts) {
    for (const [name] of [...tensors]) {
      if (!name.endsWith('running_var')) continue
      const bytes = new Uint8Array(BigInt64Array.of(5000n).buffer)
      tensors.push([name.replace('running_var', 'num_batches_tracked'), { dtype: 'I64', shape: [], bytes }])
    }
  }
  tensors.sort(([one], [other]) => (one < other ? -1 : 1))
  const header = encodeHeader(new Map(Object.entries(metadata)), new Map(tensors))
  return Buffer.concat([header, ...tensors.map(([, { bytes }]) => bytes)])
}
