import { basename } from 'node:path'
import { damaged, printable } from './faults.ts'
import { knownFileKind } from './file-kinds.ts'
import { requireFinite } from './finite.ts'
import { isModelFile, sha256, verifyModelFile, type Precision, type Provenance } from './model-file.ts'
import { weightsFromOnnx } from './official-onnx.ts'
import { OFFICIAL_RELEASE } from './official-release.ts'
import { looksLikeSafetensors, readSafetensors } from './safetensors.ts'
import { weightsFromStateDict } from './state-dict.ts'
import type { Weights } from './tensor.ts'

export interface WeightsInfo extends Provenance {
  /** `mattebox`: our own file, whose every byte was checked against its digests; the others carry none. */
  readonly format: 'mattebox' | 'safetensors' | 'onnx'
  /** How the file stores its numbers; anything wider than half precision counts as fp32. */
  readonly precision: Precision
  /** sha256 of the tensors' bytes, which our own file states and keeps. */
  readonly tensorsSha256: string | undefined
  /** Whether the segmentation head is there. */
  readonly segmentation: boolean
}

export interface LoadedWeights {
  readonly weights: Weights
  readonly info: WeightsInfo
}

/**
 * Reads a model file, whatever it is: our own, safetensors under the published names (BatchNorm folded or not), or
 * the official ONNX release. It is recognised by its content. All or nothing: every tensor has its shape and only
 * finite numbers.
 *
 * @param fileName - stands in the messages
 * @throws {MatteboxError} MODEL_DAMAGED, MODEL_TENSORS
 */
export function parseWeights(bytes: Uint8Array, fileName: string): LoadedWeights {
  if (bytes.length === 0) throw damaged(fileName, 'is empty')
  const loaded = looksLikeSafetensors(bytes) ? fromSafetensors(bytes, fileName) : fromOnnx(bytes, fileName)
  requireFinite(loaded.weights, fileName)
  return loaded
}

function fromSafetensors(bytes: Uint8Array, fileName: string): LoadedWeights {
  const file = readSafetensors(bytes, fileName)
  // The digests come first: nothing of a damaged file of ours is looked at any further.
  const ours = isModelFile(file) ? verifyModelFile(file, fileName) : undefined
  const weights = weightsFromStateDict(file.tensors, fileName)
  const halves = Array.from(file.tensors.values()).every(({ dtype }) => dtype === 'F16' || dtype === 'I64')
  return {
    weights,
    info: {
      format: ours ? 'mattebox' : 'safetensors',
      precision: halves ? 'fp16' : 'fp32',
      tensorsSha256: undefined,
      segmentation: hasSegmentation(weights),
      ...(ours ?? foreignProvenance(bytes, file.metadata, fileName)),
    },
  }
}

function fromOnnx(bytes: Uint8Array, fileName: string): LoadedWeights {
  const kind = knownFileKind(bytes)
  if (kind) throw damaged(fileName, `is ${kind.what}, not a model file`, kind.mend)
  const { weights, precision, metadata } = weightsFromOnnx(bytes, fileName)
  return {
    weights,
    info: {
      format: 'onnx',
      precision,
      tensorsSha256: undefined,
      segmentation: hasSegmentation(weights),
      ...foreignProvenance(bytes, metadata, fileName),
    },
  }
}

function foreignProvenance(bytes: Uint8Array, metadata: ReadonlyMap<string, string>, fileName: string): Provenance {
  const sourceSha256 = sha256(bytes)
  if (sourceSha256 === OFFICIAL_RELEASE.sha256) {
    return { licence: OFFICIAL_RELEASE.licence, source: OFFICIAL_RELEASE.address, sourceSha256 }
  }
  const licence = metadata.get('licence') ?? metadata.get('license') ?? 'unknown'
  const source = metadata.get('source') ?? basename(fileName)
  return { licence: printable(licence), source: printable(source, 1000), sourceSha256 }
}

function hasSegmentation(weights: Weights): boolean {
  return weights.has('project_seg.conv.weight')
}
