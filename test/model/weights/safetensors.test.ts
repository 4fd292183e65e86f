import { describe, expect, it } from 'vitest'
import { MatteboxError } from '../../../src/errors/index.ts'
import {
  encodeHeader,
  readSafetensors,
  toBytes,
  toFloat32,
  type StoredTensor,
} from '../../../src/model/weights/safetensors.ts'

/** A file with this header (text, or what becomes JSON) and as many bytes of data. */
function file(header: unknown, dataBytes: number, claimed?: number): Uint8Array {
  const json = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header))
  const bytes = new Uint8Array(8 + json.length + dataBytes)
  new DataView(bytes.buffer).setBigUint64(0, BigInt(claimed ?? json.length), true)
  bytes.set(json, 8)
  return bytes
}

function fault(bytes: Uint8Array): string {
  try {
    readSafetensors(bytes, 'some.safetensors')
  } catch (error) {
    if (error instanceof MatteboxError && error.code === 'MODEL_DAMAGED') return error.message
    throw error
  }
  return 'none'
}

const floats = (begin: number, end: number) => ({
  dtype: 'F32',
  shape: [(end - begin) / 4],
  data_offsets: [begin, end],
})

describe('reading safetensors', () => {
  it('finds tensors and metadata wherever they stand in the header', () => {
    const bytes = file({ b: floats(4, 12), __metadata__: { made: 'here' }, a: floats(0, 4), empty: floats(12, 12) }, 12)
    const { tensors, metadata } = readSafetensors(bytes, 'x')
    expect(metadata.get('made')).toBe('here')
    expect(Array.from(tensors, ([name, { shape, bytes: data }]) => [name, shape, data.length])).toEqual([
      ['a', [1], 4],
      ['b', [2], 8],
      ['empty', [0], 0],
    ])
  })

  it.each([
    ['is truncated: it ends after 4 bytes', new Uint8Array(4)],
    ['is truncated: its header ends at byte 108, the file at 10', file('{}', 0, 100)],
    ['is damaged: it claims a header of 1125899906842624 bytes', file('{}', 0, 2 ** 50)],
    ['is damaged: its header cannot be read', file('{"a":', 0)],
    ['is damaged: its header cannot be read', file('{"a\u0000":{}}', 0)],
    ['is damaged: its header is no JSON object', file('[1]', 0)],
    ['is damaged: its metadata is no object', file({ __metadata__: 3 }, 0)],
    ['is damaged: metadata n is no text', file({ __metadata__: { n: 3 } }, 0)],
    ['is damaged: tensor a is described by no object', file({ a: null }, 0)],
    ['is damaged: tensor a has an unknown type', file({ a: { ...floats(0, 4), dtype: 'F31' } }, 4)],
    ['is damaged: tensor a has an unknown type', file({ a: { ...floats(0, 4), dtype: 'constructor' } }, 4)],
    ['is damaged: tensor a has no valid shape', file({ a: { ...floats(0, 4), shape: [-1] } }, 4)],
    ['is damaged: tensor a has no valid shape', file({ a: { ...floats(0, 4), shape: [0.5, 2] } }, 4)],
    ['is damaged: tensor a has no valid offsets', file({ a: { ...floats(0, 4), data_offsets: [0, 4, 8] } }, 4)],
    ['is damaged: tensor a has no valid offsets', file({ a: { ...floats(0, 4), data_offsets: [0, 1e300] } }, 4)],
    ['is damaged: tensor a has an unknown property more', file({ a: { ...floats(0, 4), more: 1 } }, 4)],
    ['is damaged: tensor a takes 4 bytes, its shape 8', file({ a: { ...floats(0, 4), shape: [2] } }, 4)],
    ['is damaged: tensor a takes -4 bytes', file({ a: { ...floats(4, 0), shape: [1] } }, 4)],
    ['is damaged: tensor a leaves a hole', file({ a: floats(4, 8) }, 8)],
    ['is damaged: tensor b overlaps', file({ a: floats(0, 8), b: floats(4, 8) }, 8)],
    ['is truncated: tensor b ends at byte 8 of 6', file({ a: floats(0, 4), b: floats(4, 8) }, 6)],
    ['is damaged: 1 bytes follow the last tensor', file({ a: floats(0, 4) }, 5)],
  ])('refuses a file that %s', (message, bytes) => {
    expect(fault(bytes)).toContain(`some.safetensors ${message}`)
  })

  it('refuses a key that stands there twice, also in other spelling or further in', () => {
    const a = JSON.stringify(floats(0, 4))
    expect(fault(file(`{"a":${a},"a":${a}}`, 4))).toContain('"a" stands there twice')
    expect(fault(file(`{"a":${a},"\\u0061" :${a}}`, 4))).toContain('stands there twice')
    expect(fault(file(`{"a":{"dtype":"F32","shape":[9],"shape":[1],"data_offsets":[0,4]}}`, 4))).toContain('"shape"')
    expect(fault(file(`{"__metadata__":{"x":"1"},"x":${a}}`, 4))).toBe('none')
    expect(fault(file(`{"__metadata__":{"x":"\\"x\\":","y":"x"},"x":${a}}`, 4))).toBe('none')
  })

  it('takes the names of prototypes for names like any other', () => {
    const entry = JSON.stringify(floats(0, 4))
    const { tensors } = readSafetensors(file(`{"__proto__":${entry}}`, 4), 'x')
    expect(Array.from(tensors.keys())).toEqual(['__proto__'])
    expect(fault(file(`{"a":{"__proto__":{"dtype":"F32"},"shape":[1],"data_offsets":[0,4]}}`, 4))).toContain('tensor a')
    expect(fault(file('{"constructor":{}}', 0))).toContain('tensor constructor has an unknown type')
  })

  it('shows no control characters of a file to the terminal', () => {
    expect(fault(file({ '\u001b[2Jx': 1 }, 0))).not.toContain('\u001b')
  })

  it('widens every floating-point type, at any alignment, from a Buffer too', () => {
    const stored = (dtype: StoredTensor['dtype'], values: ArrayBufferView): StoredTensor => {
      const padded = Buffer.alloc(values.byteLength + 1)
      padded.set(new Uint8Array(values.buffer), 1)
      return { dtype, shape: [3], bytes: padded.subarray(1) }
    }
    const wanted = Float32Array.of(1, -2.5, 0)
    expect(toFloat32(stored('F32', wanted))).toEqual(wanted)
    expect(toFloat32(stored('F64', Float64Array.from(wanted)))).toEqual(wanted)
    expect(toFloat32(stored('F16', Uint16Array.of(0x3c00, 0xc100, 0)))).toEqual(wanted)
    expect(toFloat32(stored('BF16', Uint16Array.of(0x3f80, 0xc020, 0)))).toEqual(wanted)
    expect(toFloat32(stored('I32', Int32Array.of(1, 2, 3)))).toBeUndefined()
  })
})

describe('writing safetensors', () => {
  it('puts tensors one after the other, behind a header of a multiple of 8 bytes', () => {
    const one = toBytes(Float32Array.of(1, 2, 3), 'F16')
    const two = toBytes(Float32Array.of(4), 'F32')
    const tensors = new Map<string, StoredTensor>([
      ['one', { dtype: 'F16', shape: [3], bytes: one }],
      ['two', { dtype: 'F32', shape: [1, 1], bytes: two }],
    ])
    const header = encodeHeader(new Map([['note', 'Grüße "quoted"']]), tensors)
    expect(header.length % 8).toBe(0)
    const read = readSafetensors(Buffer.concat([header, one, two]), 'x')
    expect(read.metadata.get('note')).toBe('Grüße "quoted"')
    expect(toFloat32(read.tensors.get('one')!)).toEqual(Float32Array.of(1, 2, 3))
    expect(read.tensors.get('two')?.shape).toEqual([1, 1])
  })
})
