import { toBinary } from '@bufbuild/protobuf'
import { ModelProtoSchema } from 'onnx-buf'
import { describe, expect, it } from 'vitest'
import { MatteboxError } from '../../../src/errors/index.ts'
import {
  encodeModelFile,
  expectedTensors,
  OPTIONAL_TENSORS,
  parseWeights,
  type Weights,
} from '../../../src/model/weights/index.ts'
import { randomWeights } from '../random-weights.ts'
import { seededRandom } from '../seeded-random.ts'
import { officialGraph } from './official-graph.ts'
import { halfExact, safetensorsFile, withoutSegmentation } from './weights-for-files.ts'

/*
 * A damaged model file (row 10 of the reliability table): an error that names the file and the fault, never a crash,
 * never half-loaded weights. Our own file: no mutation passes. Foreign ones bear no hash: what passes is whole.
 *
 * `npm run fuzz` (MATTEBOX_FULL=1) runs the full numbers and prints them; here a part of them.
 * Seen red: with the comparison of either sha256 left out (ours), with requireFinite left out (foreign and ONNX),
 * with fromBinary's exceptions let through (ONNX).
 */
const full = process.env['MATTEBOX_FULL'] === '1'
const MUTATIONS = full ? 10_000 : 250
const timeout = full ? 3_600_000 : 120_000

const weights = halfExact(withoutSegmentation(randomWeights(41)))

type Random = () => number
const pick = (random: Random, below: number) => Math.floor(random() * below)

/** One of many ways to damage a file at `at`; undefined if it came out the same. */
function mutate(bytes: Buffer, at: number, random: Random): Buffer | undefined {
  const before = bytes.subarray(0, at)
  const noise = Buffer.from(Array.from({ length: 1 + pick(random, 16) }, () => pick(random, 256)))
  let mutant: Buffer
  switch (pick(random, 9)) {
    case 0:
      mutant = before
      break
    case 1:
      mutant = Buffer.concat([before, noise, bytes.subarray(at)])
      break
    case 2:
      mutant = Buffer.concat([before, bytes.subarray(at + noise.length)])
      break
    case 3:
      mutant = Buffer.concat([before, noise, bytes.subarray(at + noise.length)])
      break
    case 4: {
      // A run of bytes from elsewhere in the first 64 KiB, where the structure is.
      const from = pick(random, Math.min(bytes.length, 1 << 16))
      const run = bytes.subarray(from, from + noise.length)
      mutant = Buffer.concat([before, run, bytes.subarray(at + run.length)])
      break
    }
    case 5:
      // As exponents, ones mean NaN and infinity.
      mutant = Buffer.from(bytes).fill(0xff, at, at + noise.length)
      break
    default:
      mutant = Buffer.from(bytes)
      mutant[at] ^= random() < 0.5 ? 1 << pick(random, 8) : 1 + pick(random, 255)
  }
  return mutant.equals(bytes) ? undefined : mutant
}

/** Ways to edit a safetensors header that keep it JSON: numbers, names, types, entries. */
function editHeader(bytes: Buffer, random: Random): Buffer | undefined {
  const length = Number(bytes.readBigUInt64LE())
  const text = bytes.toString('utf8', 8, 8 + length)
  const words = Array.from(text.matchAll(/"(?:[^"\\]|\\.)*"|\d+/g))
  const word = words[pick(random, words.length)]
  const end = word.index + word[0].length
  const splice = (replacement: string) => text.slice(0, word.index) + replacement + text.slice(end)
  const isNumber = /^\d/.test(word[0])
  const numbers = ['0', '1', '-1', '1.5', '1e999', String(Number(word[0]) + 1), '9007199254740993', 'null', '[]']
  const texts = ['"F32"', '"BF16"', '"__proto__"', '"x"', '""', '"\\ud800"', '[]', word[0].slice(0, -1) + ' "']
  const candidates = isNumber ? numbers : texts
  let edited = splice(candidates[pick(random, candidates.length)])
  if (random() < 0.2) edited = splice(words[pick(random, words.length)][0])
  if (random() < 0.1) edited = text.replace(/"[^"]+":\{"dtype"[^}]+\},/, (entry) => entry.repeat(pick(random, 3)))
  const json = Buffer.from(edited)
  const header = Buffer.alloc(8)
  header.writeBigUInt64LE(BigInt(json.length))
  const mutant = Buffer.concat([header, json, bytes.subarray(8 + length)])
  return mutant.equals(bytes) ? undefined : mutant
}

/** What came of loading a mutant: an error that names file and fault, or weights. Anything else fails the test. */
function outcome(mutant: Buffer): 'refused' | Weights {
  try {
    return parseWeights(mutant, 'mutant.bin').weights
  } catch (error) {
    if (!(error instanceof MatteboxError)) throw error
    expect(['MODEL_DAMAGED', 'MODEL_TENSORS']).toContain(error.code)
    expect(error.message).toMatch(/^mutant\.bin .{8,}\.$/s)
    return 'refused'
  }
}

const shapes = expectedTensors()
function expectWhole(found: Weights): void {
  for (const [name, shape] of shapes) {
    const tensor = found.get(name)
    if (!tensor && OPTIONAL_TENSORS.has(name)) continue
    expect(tensor?.shape).toEqual(shape)
    expect(tensor?.data.length).toBe(shape.reduce((product, side) => product * side, 1))
    expect(allFinite(tensor!.data), name).toBe(true)
  }
  expect(Array.from(found.keys()).every((name) => shapes.has(name))).toBe(true)
}

function allFinite(data: Float32Array): boolean {
  for (const value of data) if (!(Math.abs(value) < Infinity)) return false
  return true
}

function report(what: string, counts: { refused: number; whole: number }): void {
  if (full) console.log(`${what}: ${counts.refused} refused, ${counts.whole} loaded whole`)
}

describe('a damaged model file of ours', () => {
  const provenance = {
    licence: 'GPL-3.0',
    source: 'made up',
    sourceSha256: '0'.repeat(64),
  }
  const bytes = Buffer.from(encodeModelFile(weights, 'fp16', provenance))
  const headerBytes = 8 + Number(bytes.readBigUInt64LE())

  it('is noticed whichever byte of its header changed', { timeout }, () => {
    const random = seededRandom(1)
    let count = 0
    for (let at = 0; at < headerBytes; at += full ? 1 : 7) {
      const change = 1 + pick(random, 255)
      bytes[at] ^= change
      expect(outcome(bytes), `byte ${at}`).toBe('refused')
      bytes[at] ^= change
      count++
    }
    report(`ours, each of ${headerBytes} header bytes`, { refused: count, whole: 0 })
  })

  it('is noticed whichever byte of its tensors changed', { timeout }, () => {
    const random = seededRandom(2)
    for (let i = 0; i < MUTATIONS; i++) {
      const at = headerBytes + pick(random, bytes.length - headerBytes)
      const bit = 1 << pick(random, 8)
      bytes[at] ^= bit
      expect(outcome(bytes), `byte ${at}`).toBe('refused')
      bytes[at] ^= bit
    }
    report('ours, tensor bytes', { refused: MUTATIONS, whole: 0 })
  })

  it('is noticed however it was cut, stretched, overwritten or edited', { timeout }, () => {
    const random = seededRandom(3)
    let refused = 0
    while (refused < MUTATIONS) {
      const at = pick(random, random() < 0.7 ? headerBytes : bytes.length)
      const mutant = random() < 0.3 ? editHeader(bytes, random) : mutate(bytes, at, random)
      if (!mutant) continue
      expect(outcome(mutant)).toBe('refused')
      refused++
    }
    report('ours, cut, stretched, overwritten or edited', { refused, whole: 0 })
  })
})

describe('a damaged foreign safetensors', () => {
  it('is refused, or whole', { timeout }, () => {
    const random = seededRandom(4)
    const bytes = safetensorsFile(weights, { dtype: 'F16', metadata: { source: 'made up' } })
    const headerBytes = 8 + Number(bytes.readBigUInt64LE())
    const counts = { refused: 0, whole: 0 }
    while (counts.refused + counts.whole < MUTATIONS) {
      const at = pick(random, random() < 0.8 ? headerBytes : bytes.length)
      const mutant = random() < 0.4 ? editHeader(bytes, random) : mutate(bytes, at, random)
      if (!mutant) continue
      const found = outcome(mutant)
      if (found === 'refused') counts.refused++
      else {
        expectWhole(found)
        counts.whole++
      }
    }
    report('foreign safetensors', counts)
  })
})

describe('a damaged official ONNX', () => {
  it('is refused, or whole', { timeout }, () => {
    const random = seededRandom(5)
    const bytes = Buffer.from(toBinary(ModelProtoSchema, officialGraph(weights)))
    const structure = structurePositions(bytes)
    const counts = { refused: 0, whole: 0 }
    while (counts.refused + counts.whole < MUTATIONS) {
      const at = random() < 0.8 ? structure[pick(random, structure.length)] : pick(random, bytes.length)
      const mutant = mutate(bytes, at, random)
      if (!mutant) continue
      const found = outcome(mutant)
      if (found === 'refused') counts.refused++
      else {
        expectWhole(found)
        counts.whole++
      }
    }
    report(`official ONNX (${structure.length} bytes of structure)`, counts)
  })
})

/** Every position of the file that is not inside a tensor's raw data. */
function structurePositions(bytes: Buffer): number[] {
  const inside = new Uint8Array(bytes.length)
  for (const { data } of weights.values()) {
    const raw = Buffer.from(data.buffer, data.byteOffset, data.byteLength)
    const at = bytes.indexOf(raw)
    inside.fill(1, at, at + raw.length)
  }
  return Array.from(inside.keys()).filter((at) => inside[at] === 0)
}
