import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { OFFICIAL_RELEASE, parseWeights } from '../../src/model/weights/index.ts'

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
const catalog = JSON.parse(readFileSync(join(folder, 'catalog.json'), 'utf8')) as { models: Entry[] }
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
    const { file, sha256, address } = OFFICIAL_RELEASE
    expect(catalog.models).toContainEqual(expect.objectContaining({ file, sha256, address }))
  })
})
