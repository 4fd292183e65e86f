import { damaged, printable } from './faults.ts'
import { narrowToHalf, widenHalf } from './half-float.ts'

/** Bytes an element takes, of every type that the format knows. */
const ELEMENT_BYTES = {
  BOOL: 1,
  U8: 1,
  I8: 1,
  F8_E5M2: 1,
  F8_E4M3: 1,
  U16: 2,
  I16: 2,
  F16: 2,
  BF16: 2,
  U32: 4,
  I32: 4,
  F32: 4,
  U64: 8,
  I64: 8,
  F64: 8,
} as const
export type DType = keyof typeof ELEMENT_BYTES

const LENGTH_BYTES = 8
/** This network's header takes 20 KB, 60 KB with BatchNorm: a longer one is no model of ours. */
const MAX_HEADER_BYTES = 1 << 20

export interface StoredTensor {
  readonly dtype: DType
  readonly shape: readonly number[]
  /** Little-endian and row-major; a view into the file, at any alignment. */
  readonly bytes: Uint8Array
}

export interface Safetensors {
  readonly metadata: ReadonlyMap<string, string>
  readonly tensors: ReadonlyMap<string, StoredTensor>
  /** The length field and the JSON, as they stand in the file. */
  readonly header: Uint8Array
  /** Everything after the header. */
  readonly data: Uint8Array
}

/** Whether a file begins as safetensors do: a header length under 4 GiB, then a JSON object. */
export function looksLikeSafetensors(bytes: Uint8Array): boolean {
  return bytes.length > LENGTH_BYTES && bytes[LENGTH_BYTES] === 0x7b && bytes.subarray(4, 8).every((byte) => byte === 0)
}

/** Splits a file into header and data. @throws {MatteboxError} MODEL_DAMAGED where the length cannot be right */
export function splitSafetensors(bytes: Uint8Array, fileName: string): Pick<Safetensors, 'header' | 'data'> {
  if (bytes.length < LENGTH_BYTES) throw damaged(fileName, `is truncated: it ends after ${bytes.length} bytes`)
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true))
  if (length > MAX_HEADER_BYTES) {
    throw damaged(fileName, `is damaged: it claims a header of ${length} bytes, at most ${MAX_HEADER_BYTES} are taken`)
  }
  const end = LENGTH_BYTES + length
  if (end > bytes.length) {
    throw damaged(fileName, `is truncated: its header ends at byte ${end}, the file at ${bytes.length}`)
  }
  return { header: bytes.subarray(0, end), data: bytes.subarray(end) }
}

/**
 * Reads a safetensors file (https://huggingface.co/docs/safetensors): 8 bytes of header length, a JSON header, the
 * tensors' bytes. Strict: no key twice, no hole, no overlap, nothing after the last tensor.
 *
 * @throws {MatteboxError} MODEL_DAMAGED with the file and the fault
 */
export function readSafetensors(bytes: Uint8Array, fileName: string): Safetensors {
  const { header, data } = splitSafetensors(bytes, fileName)
  const entries = parseHeader(header.subarray(LENGTH_BYTES), fileName)
  const metadata = new Map<string, string>()
  const placed: { name: string; dtype: DType; shape: number[]; begin: number; end: number }[] = []
  for (const [name, entry] of entries) {
    if (name === '__metadata__') readMetadata(entry, metadata, fileName)
    else placed.push({ name, ...readEntry(name, entry, fileName) })
  }

  placed.sort((one, other) => one.begin - other.begin || one.end - other.end)
  let reached = 0
  const tensors = new Map<string, StoredTensor>()
  for (const { name, dtype, shape, begin, end } of placed) {
    if (begin !== reached) {
      const fault = begin < reached ? 'overlaps the tensor before it' : 'leaves a hole before it'
      throw damaged(fileName, `is damaged: tensor ${printable(name)} ${fault}`)
    }
    if (end > data.length) {
      throw damaged(fileName, `is truncated: tensor ${printable(name)} ends at byte ${end} of ${data.length}`)
    }
    tensors.set(name, { dtype, shape, bytes: data.subarray(begin, end) })
    reached = end
  }
  if (reached !== data.length) {
    throw damaged(fileName, `is damaged: ${data.length - reached} bytes follow the last tensor`)
  }
  return { metadata, tensors, header, data }
}

/** The values of a floating-point tensor; undefined for any other type. BF16, F16 and F32 exactly, F64 rounded. */
export function toFloat32({ dtype, bytes }: StoredTensor): Float32Array | undefined {
  // Copied: a tensor may begin at an odd byte, where no typed array can. (Not by slice: a Buffer's slice is a view.)
  const copy = () => new Uint8Array(bytes).buffer
  switch (dtype) {
    case 'F16':
      return widenHalf(new Uint16Array(copy()))
    case 'BF16':
      return new Float32Array(Uint32Array.from(new Uint16Array(copy()), (half) => half << 16).buffer)
    case 'F32':
      return new Float32Array(copy())
    case 'F64':
      return Float32Array.from(new Float64Array(copy()))
    default:
      return undefined
  }
}

/** Little-endian bytes of a tensor's values. F16 is rounded to nearest even; what is too large becomes infinite. */
export function toBytes(values: Float32Array, dtype: 'F16' | 'F32'): Uint8Array {
  const stored = dtype === 'F16' ? narrowToHalf(values) : values
  return new Uint8Array(stored.buffer, stored.byteOffset, stored.byteLength)
}

/** Length field and JSON, padded with spaces to a multiple of 8 bytes; tensors lie one after the other as given. */
export function encodeHeader(
  metadata: ReadonlyMap<string, string>,
  tensors: ReadonlyMap<string, StoredTensor>,
): Uint8Array {
  let offset = 0
  const entries = Array.from(tensors, ([name, { dtype, shape, bytes }]) => {
    const begin = offset
    offset += bytes.length
    return [name, { dtype, shape, data_offsets: [begin, offset] }] as const
  })
  const json = new TextEncoder().encode(
    JSON.stringify({ __metadata__: Object.fromEntries(metadata), ...Object.fromEntries(entries) }),
  )
  const padded = Math.ceil(json.length / 8) * 8
  const header = new Uint8Array(LENGTH_BYTES + padded).fill(0x20)
  new DataView(header.buffer).setBigUint64(0, BigInt(padded), true)
  header.set(json, LENGTH_BYTES)
  return header
}

function parseHeader(json: Uint8Array, fileName: string): [string, unknown][] {
  let header: unknown
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(json)
    header = JSON.parse(text)
    requireUniqueKeys(text)
  } catch (error) {
    throw damaged(fileName, `is damaged: its header cannot be read (${reason(error)})`, undefined, error)
  }
  if (!isObject(header)) throw damaged(fileName, 'is damaged: its header is no JSON object')
  return Object.entries(header)
}

/** JSON.parse keeps the last of equal keys; another reader may keep the first. `text` must be valid JSON. */
function requireUniqueKeys(text: string): void {
  const open: Set<string>[] = []
  for (const [, key, bracket] of text.matchAll(/("(?:[^"\\]|\\.)*")(?=\s*:)|"(?:[^"\\]|\\.)*"|([{}])/g)) {
    if (bracket === '{') open.push(new Set())
    else if (bracket === '}') open.pop()
    else if (key) {
      const name = JSON.parse(key) as string
      const seen = open.at(-1)!
      if (seen.has(name)) throw new SyntaxError(`${key} stands there twice`)
      seen.add(name)
    }
  }
}

function readMetadata(entry: unknown, into: Map<string, string>, fileName: string): void {
  if (!isObject(entry)) throw damaged(fileName, 'is damaged: its metadata is no object')
  for (const [key, value] of Object.entries(entry)) {
    if (typeof value !== 'string') throw damaged(fileName, `is damaged: metadata ${printable(key)} is no text`)
    into.set(key, value)
  }
}

function readEntry(
  name: string,
  entry: unknown,
  fileName: string,
): { dtype: DType; shape: number[]; begin: number; end: number } {
  const fail = (fault: string) => damaged(fileName, `is damaged: tensor ${printable(name)} ${fault}`)
  if (!isObject(entry)) throw fail('is described by no object')
  const { dtype, shape, data_offsets: offsets, ...rest } = entry
  if (Object.keys(rest).length > 0) throw fail(`has an unknown property ${printable(Object.keys(rest)[0])}`)
  if (typeof dtype !== 'string' || !Object.hasOwn(ELEMENT_BYTES, dtype)) throw fail('has an unknown type')
  if (!isSizes(shape)) throw fail('has no valid shape')
  if (!isSizes(offsets) || offsets.length !== 2) throw fail('has no valid offsets')
  const [begin, end] = offsets as [number, number]
  const bytes = shape.reduce((product, side) => product * side, ELEMENT_BYTES[dtype as DType])
  if (end - begin !== bytes) throw fail(`takes ${end - begin} bytes, its shape ${bytes}`)
  return { dtype: dtype as DType, shape, begin, end }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((side) => Number.isSafeInteger(side) && (side as number) >= 0)
}

function reason(error: unknown): string {
  return printable(error instanceof Error ? error.message : String(error))
}
