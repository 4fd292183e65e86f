import { createHash } from 'node:crypto'
import { MatteboxError } from '../../errors/index.ts'
import { expectedTensors } from './convolutions.ts'
import { damaged, printable } from './faults.ts'
import { encodeHeader, toBytes, type Safetensors, type StoredTensor } from './safetensors.ts'
import type { Weights } from './tensor.ts'

/*
 * Our model file: safetensors (any reader of the format reads it) whose metadata say what it is and where it came
 * from, and protect every byte: `tensors_sha256` covers the tensors, `header_sha256` the length field and the header,
 * its own digits counted as zeros.
 */

export type Precision = 'fp16' | 'fp32'

export interface Provenance {
  /** SPDX identifier, or `unknown`. */
  readonly licence: string
  /** Free text: what the weights were made from. */
  readonly source: string
  /** sha256 of the file that they were imported from, lower-case hexadecimal. */
  readonly sourceSha256: string
}

const FORMAT_VERSION = '1'
const VARIANT = 'mobilenetv3'
const NO_DIGEST = '0'.repeat(64)

/** A mutation may hit one key, so any key of ours marks the file as one whose digests must hold. */
const ANY_KEY = '"mattebox.'
const KEYS = {
  version: 'mattebox.format_version',
  variant: 'mattebox.variant',
  licence: 'mattebox.licence',
  source: 'mattebox.source',
  sourceSha256: 'mattebox.source_sha256',
  tensorsSha256: 'mattebox.tensors_sha256',
  headerSha256: 'mattebox.header_sha256',
} as const
const HEADER_DIGEST = /"mattebox\.header_sha256":"([0-9a-f]{64})"/

/**
 * Writes our model file: tensors in the order of the forward pass, the same bytes for the same weights.
 *
 * @throws {MatteboxError} MODEL_TENSORS if a weight is too large for fp16
 */
export function encodeModelFile(weights: Weights, precision: Precision, provenance: Provenance): Uint8Array {
  const dtype = precision === 'fp16' ? 'F16' : 'F32'
  const tensors = new Map<string, StoredTensor>()
  for (const name of expectedTensors().keys()) {
    const tensor = weights.get(name)
    if (!tensor) continue
    if (dtype === 'F16') requireHalfRange(name, tensor.data)
    tensors.set(name, { dtype, shape: tensor.shape, bytes: toBytes(tensor.data, dtype) })
  }
  const data = Buffer.concat(Array.from(tensors.values(), ({ bytes }) => bytes))
  const metadata = new Map<string, string>([
    [KEYS.version, FORMAT_VERSION],
    [KEYS.variant, VARIANT],
    [KEYS.licence, provenance.licence],
    [KEYS.source, provenance.source],
    [KEYS.sourceSha256, provenance.sourceSha256],
    [KEYS.tensorsSha256, sha256(data)],
    [KEYS.headerSha256, NO_DIGEST],
  ])
  metadata.set(KEYS.headerSha256, sha256(encodeHeader(metadata, tensors)))
  return Buffer.concat([encodeHeader(metadata, tensors), data])
}

/** Whether a safetensors file says that it is one of ours: then every byte of it must be as it was written. */
export function isModelFile({ header }: Safetensors): boolean {
  return Buffer.from(header.buffer, header.byteOffset, header.length).includes(ANY_KEY)
}

/**
 * Checks a model file of ours against its two digests, and answers where its weights come from.
 *
 * @throws {MatteboxError} MODEL_DAMAGED if a byte differs, or a newer mattebox wrote it
 */
export function verifyModelFile(
  { header, data, metadata }: Safetensors,
  fileName: string,
): Provenance & { readonly tensorsSha256: string } {
  // Latin-1 maps bytes to characters one to one, whatever they are.
  const text = Buffer.from(header).toString('latin1')
  const stated = HEADER_DIGEST.exec(text)?.[1]
  if (stated === undefined) throw damaged(fileName, 'is damaged: its header has lost its sha256')
  const blank = text.replace(HEADER_DIGEST, `"${KEYS.headerSha256}":"${NO_DIGEST}"`)
  if (sha256(Buffer.from(blank, 'latin1')) !== stated) {
    throw damaged(fileName, 'is damaged: its header does not match its sha256')
  }
  const entry = (key: string): string => {
    const value = metadata.get(key)
    if (value === undefined) throw damaged(fileName, `is damaged: its metadata lack ${key}`)
    return value
  }
  const version = entry(KEYS.version)
  if (version !== FORMAT_VERSION || entry(KEYS.variant) !== VARIANT) {
    const found = `${printable(version)} (${printable(entry(KEYS.variant))})`
    throw damaged(
      fileName,
      `is of format ${found}, this mattebox reads ${FORMAT_VERSION} (${VARIANT})`,
      'Update mattebox, or import the model again.',
    )
  }
  const tensorsSha256 = entry(KEYS.tensorsSha256)
  if (sha256(data) !== tensorsSha256) throw damaged(fileName, 'is damaged: its tensors do not match their sha256')
  return {
    licence: entry(KEYS.licence),
    source: entry(KEYS.source),
    sourceSha256: entry(KEYS.sourceSha256),
    tensorsSha256,
  }
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** Largest magnitude that rounds to a finite half. */
const HALF_LIMIT = 65520

function requireHalfRange(name: string, data: Float32Array): void {
  const large = data.findIndex((value) => !(Math.abs(value) < HALF_LIMIT))
  if (large < 0) return
  throw new MatteboxError(
    'MODEL_TENSORS',
    `${name} holds ${data[large]}, which fp16 cannot.`,
    'Keep float32: give --precision fp32.',
  )
}
