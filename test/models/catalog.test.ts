import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { MatteboxError } from '../../src/errors/index.ts'
import { parseCatalog, readCatalog } from '../../src/models/catalog.ts'
import { OFFICIAL_RELEASE, parseWeights } from '../../src/model/weights/index.ts'
import { runtimeVersion } from '../../src/settings/cuda-folder.ts'
import { seededRandom } from '../model/seeded-random.ts'

/*
 * What comes with the package, against what the catalog says of it. Red: change a byte of the model, or a figure of the
 * catalog.
 */

interface Entry {
  readonly name: string
  readonly file: string
  readonly bytes: number
  readonly sha256: string
  readonly precision: string
  readonly licence: string
  readonly address?: string
  readonly card?: string
}

const folder = join(import.meta.dirname, '..', '..', 'models')
const catalog = JSON.parse(readFileSync(join(folder, 'catalog.json'), 'utf8')) as {
  models: Entry[]
  providers: { name: string; runtime: string; files: { address: string }[] }[]
}
const shipped = catalog.models.filter(({ address }) => address === undefined)

describe('the catalog of models', () => {
  it('lists every model that comes with the package, and no other', () => {
    const there = readdirSync(folder).filter((file) => file.endsWith('.safetensors'))
    expect(shipped.map(({ file }) => file).sort()).toEqual(there.sort())
  })

  it.each(shipped)('describes $file as it is', ({ name, file, bytes, sha256, precision, licence, card }) => {
    const found = readFileSync(join(folder, file))
    expect(file).toBe(`${name}.safetensors`)
    expect(found.length).toBe(bytes)
    expect(createHash('sha256').update(found).digest('hex')).toBe(sha256)
    const { weights, info } = parseWeights(found, file)
    expect(info).toMatchObject({ format: 'mattebox', precision, licence, segmentation: true })
    expect(weights.size).toBe(164)
    expect(card !== undefined && existsSync(join(folder, card))).toBe(true)
  })

  it('names the official release as the program does', () => {
    expect(catalog.models).toContainEqual(expect.objectContaining(OFFICIAL_RELEASE))
  })

  it('has nothing to fetch but over an encrypted connection', () => {
    const files = catalog.providers.flatMap((provider) => provider.files)
    for (const { address = 'https:' } of [...catalog.models, ...files]) expect(address).toMatch(/^https:/)
  })

  it('has CUDA’s libraries for the runtime that mattebox runs', () => {
    expect(catalog.providers.map(({ name, runtime }) => [name, runtime])).toEqual([['cuda', runtimeVersion()]])
  })

  it('is read and checked, wherever it is', async () => {
    expect((await readCatalog()).models).toEqual(catalog.models)
    await expect(readCatalog('/nowhere/catalog.json')).rejects.toMatchObject({
      code: 'CATALOG_DAMAGED',
      message: 'The catalog /nowhere/catalog.json cannot be read (ENOENT).',
    })
  })

  it.each([
    ['no JSON', '{', 'is not JSON'],
    ['no list', '{}', 'is wrong at its root'],
    [
      'a model twice',
      (text: string) => text.replace('"rvm-mobilenetv3"', '"mattebox-default"'),
      'lists the model mattebox-default twice',
    ],
    ['a file elsewhere', (text: string) => text.replace('"rvm_mobile', '"../rvm_mobile'), 'is wrong at /models/1/file'],
    ['another protocol', (text: string) => text.replace('https:', 'file:'), 'is wrong at /models/1/address'],
    ['a hash cut short', (text: string) => text.replace('d2828"', '"'), 'is wrong at /models/1/sha256'],
    ['no size', (text: string) => text.replace('14975696', '0'), 'is wrong at /models/1/bytes'],
  ])('is refused with %s, and the fault is named', (_what, change, message) => {
    const text = readFileSync(join(folder, 'catalog.json'), 'utf8')
    expect(() => parseCatalog(typeof change === 'string' ? change : change(text), 'catalog.json')).toThrow(message)
  })

  // Row 10 of the reliability table: 10,000 with MATTEBOX_FULL=1, a part of them here.
  it('is refused or read whole, however it is damaged', () => {
    const bytes = readFileSync(join(folder, 'catalog.json'))
    const random = seededRandom(10)
    let refused = 0
    const mutations = process.env['MATTEBOX_FULL'] === '1' ? 10_000 : 1_000
    for (let i = 0; i < mutations; i++) {
      const at = Math.floor(random() * bytes.length)
      const mutant = Buffer.from(bytes.subarray(0, random() < 0.1 ? at : bytes.length))
      const length = 1 + Math.floor(random() * 4)
      for (let j = at; j < Math.min(at + length, mutant.length); j++) mutant[j] = Math.floor(random() * 256)
      try {
        const { models } = parseCatalog(mutant.toString(), 'catalog.json')
        const isWhole = models.every(
          ({ file, sha256, bytes: size }) => /^[\w.+-]+$/.test(file) && /^[0-9a-f]{64}$/.test(sha256) && size > 0,
        )
        if (!isWhole || models.length !== catalog.models.length) expect.fail(mutant.toString())
      } catch (error) {
        if (!(error instanceof MatteboxError)) throw error
        expect(error).toMatchObject({
          code: 'CATALOG_DAMAGED',
          message: expect.stringContaining('catalog.json') as string,
        })
        refused++
      }
    }
    expect(refused).toBeGreaterThan(0.5 * mutations)
  })
})
