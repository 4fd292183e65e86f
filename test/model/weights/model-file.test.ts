import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { MatteboxError } from '../../../src/errors/index.ts'
import { encodeModelFile, parseWeights, type Provenance } from '../../../src/model/weights/index.ts'
import { encodeHeader, readSafetensors } from '../../../src/model/weights/safetensors.ts'
import { randomWeights } from '../random-weights.ts'
import { differences, halfExact, safetensorsFile } from './weights-for-files.ts'

const weights = halfExact(randomWeights(21))
const provenance: Provenance = {
  licence: 'GPL-3.0',
  source: 'made up, "for tests" – mattebox.header_sha256',
  sourceSha256: 'ab'.repeat(32),
}

function fault(bytes: Uint8Array): string {
  try {
    parseWeights(bytes, 'ours.safetensors')
  } catch (error) {
    if (error instanceof MatteboxError) return error.message
    throw error
  }
  return 'none'
}

/** A file of ours with other metadata, whose header bears the right sha256 all the same. */
function rewritten(change: (metadata: Map<string, string>) => void): Buffer {
  const { metadata, tensors, data } = readSafetensors(encodeModelFile(weights, 'fp16', provenance), 'x')
  const changed = new Map(metadata)
  change(changed)
  const key = 'mattebox.header_sha256'
  changed.set(key, '0'.repeat(64))
  changed.set(key, createHash('sha256').update(encodeHeader(changed, tensors)).digest('hex'))
  return Buffer.concat([encodeHeader(changed, tensors), data])
}

describe('our model file', () => {
  it('keeps every number and where it came from', () => {
    for (const precision of ['fp16', 'fp32'] as const) {
      const found = parseWeights(encodeModelFile(weights, precision, provenance), 'ours.safetensors')
      expect(differences(found.weights, weights)).toEqual([])
      expect(found.info).toMatchObject({ ...provenance, format: 'mattebox', precision, segmentation: true })
    }
  })

  it('is the same bytes for the same weights, in whatever order they come', () => {
    const backwards = new Map(Array.from(weights).reverse())
    const bytes = Buffer.from(encodeModelFile(weights, 'fp16', provenance))
    expect(bytes.equals(encodeModelFile(backwards, 'fp16', provenance))).toBe(true)
  })

  it('states the sha256 of its own tensors', () => {
    const bytes = encodeModelFile(weights, 'fp16', provenance)
    const { data } = readSafetensors(bytes, 'x')
    const { info } = parseWeights(bytes, 'x')
    expect(info.tensorsSha256).toBe(createHash('sha256').update(data).digest('hex'))
  })

  it('rounds to half precision by at most half a unit in the last place', () => {
    const fine = randomWeights(22)
    const { weights: found } = parseWeights(encodeModelFile(fine, 'fp16', provenance), 'x')
    for (const [name, { data }] of fine) {
      const stored = found.get(name)!.data
      const wrong = data.findIndex((v, i) => Math.abs(v - stored[i]) > Math.max(Math.abs(v) * 2 ** -11, 2 ** -25))
      expect(wrong, name).toBe(-1)
    }
  })

  it('refuses to narrow what half precision cannot hold, and names it', () => {
    const { shape } = weights.get('refiner.conv.6.bias')!
    const large = new Map(weights).set('refiner.conv.6.bias', { shape, data: Float32Array.of(0, 65520, 0, 0) })
    expect(() => encodeModelFile(large, 'fp16', provenance)).toThrow('refiner.conv.6.bias holds 65520')
    expect(fault(encodeModelFile(large, 'fp32', provenance))).toBe('none')
  })

  it('notices a byte that changed in the tensors, and one in the header', () => {
    const bytes = Buffer.from(encodeModelFile(weights, 'fp16', provenance))
    bytes[bytes.length - 1] ^= 1
    expect(fault(bytes)).toBe('ours.safetensors is damaged: its tensors do not match their sha256.')
    bytes[bytes.length - 1] ^= 1
    bytes[bytes.indexOf('GPL-3.0') + 4] = 0x32
    expect(fault(bytes)).toBe('ours.safetensors is damaged: its header does not match its sha256.')
  })

  it('refuses NaN and infinity even where the sha256 is right', () => {
    const { shape } = weights.get('project_mat.conv.bias')!
    const wrong = new Map(weights).set('project_mat.conv.bias', { shape, data: Float32Array.of(0, NaN, Infinity, 1) })
    expect(fault(encodeModelFile(wrong, 'fp32', provenance))).toContain('2 of 4 numbers of project_mat.conv.bias')
  })

  it('says so when a newer mattebox wrote it, or it holds another variant', () => {
    expect(fault(rewritten(() => undefined))).toBe('none')
    expect(fault(rewritten((metadata) => metadata.set('mattebox.format_version', '2')))).toContain('is of format 2')
    expect(fault(rewritten((metadata) => metadata.set('mattebox.variant', 'resnet50')))).toContain('(resnet50)')
    expect(fault(rewritten((metadata) => metadata.delete('mattebox.licence')))).toContain('lack mattebox.licence')
  })

  it('takes licence and source of foreign safetensors from their metadata, else knows none', () => {
    const info = (metadata: Record<string, string>) =>
      parseWeights(safetensorsFile(weights, { metadata }), '/some/where/net.safetensors').info
    expect(info({})).toMatchObject({ format: 'safetensors', licence: 'unknown', source: 'net.safetensors' })
    expect(info({ license: 'MIT', source: 'trained\u001b[2J here' })).toMatchObject({
      licence: 'MIT',
      source: 'trained\uFFFD[2J here',
    })
  })
})
