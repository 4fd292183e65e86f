import { Validator } from '@seriousme/openapi-schema-validator'
import { Check, Errors } from 'typebox/schema'
import { describe, expect, it, vi } from 'vitest'
import { encodeModelFile } from '../../../src/model/weights/index.ts'
import { FilterSettings } from '../../../src/settings/index.ts'
import { openApi } from '../../../src/sidecar/panel/openapi.ts'
import type { Route } from '../../../src/sidecar/panel/route.ts'
import { randomWeights } from '../../model/random-weights.ts'
import { report } from '../main/told.ts'
import { FILTER_ID, openFilled, PanelStage, type Answered } from './panel-stage.ts'
import { unreachableCatalog } from './unreachable-catalog.ts'

/**
 * Seen red: with two rows of one operation id; with `additionalProperties` left out of the partial settings, which takes
 * keys that it does not know; with /metrics said to answer 204, the 202 of settings left out, a field more in an answer.
 */

describe('the description of the API', () => {
  it('is valid OpenAPI 3.1, and served', async () => {
    await using stage = await PanelStage.open()
    const { json } = await stage.ask('GET', '/api/openapi.json')
    expect(json).toEqual(JSON.parse(JSON.stringify(openApi(stage.rows, '1.2.3'))))
    expect(await new Validator().validate(json as Record<string, unknown>)).toEqual({ valid: true })
  })

  it('has each row of the table, and no other', async () => {
    await using stage = await PanelStage.open()
    const { paths } = openApi(stage.rows, '1.2.3')
    const described = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    )
    expect(described.sort()).toEqual(stage.rows.map(({ method, path }) => `${method} ${path}`).sort())
    const ids = Object.values(paths).flatMap((methods) => Object.values(methods).map(({ operationId }) => operationId))
    expect(new Set(ids).size).toBe(ids.length)
  })

  it('refers to nothing that is not there', async () => {
    await using stage = await PanelStage.open()
    const api = openApi(stage.rows, '1.2.3')
    const references = Array.from(
      JSON.stringify(api).matchAll(/"\$ref":"#\/components\/schemas\/(\w+)"/g),
      ([, n]) => n,
    )
    const { schemas } = api['components'] as { schemas: object }
    expect(new Set(references)).toContain('SourceView')
    expect(Object.keys(schemas)).toEqual(expect.arrayContaining(references))
  })
})

describe('each row of the API', () => {
  it('says what it is for in a sentence, and has an example of its body that it takes', async () => {
    await using stage = await PanelStage.open()
    for (const { summary, schemas, example, path } of stage.rows) {
      expect(summary, path).toMatch(/^[A-Z].*\.$/)
      if (schemas.body === undefined || schemas.body === 'stream') continue
      expect(Check(schemas.body, example), path).toBe(true)
    }
  })

  it('takes no key that it does not know', async () => {
    await using stage = await PanelStage.open()
    for (const { method, path, schemas } of stage.rows) {
      const parts = Object.values(schemas).filter((part) => typeof part === 'object')
      for (const part of parts) expect({ method, path, ...part }).toMatchObject({ additionalProperties: false })
    }
  })

  it('answers as it is described, nothing more and nothing less', async () => {
    await using stage = await openFilled()
    vi.stubEnv('MATTEBOX_CATALOG', unreachableCatalog(stage.folder))
    const { paths } = openApi(stage.rows, '1.2.3')
    for (const row of stage.rows.toSorted((one, other) => place(one) - place(other) || order(one.path, other.path))) {
      const { method, path } = row
      const isUpload = row.schemas.body === 'stream'
      const type = { 'content-type': isUpload ? 'application/octet-stream' : 'application/json' }
      const { status, type: answered, json, text } = await ask(stage, row, isUpload ? model : row.example, type)
      const what = `${method} ${path}: ${text.slice(0, 200)}`
      const { responses } = paths[path][method.toLowerCase()]
      expect(Object.keys(responses), what).toContain(String(status))
      expect(status, what).toBe(row.answer === undefined ? 204 : 200)
      if (typeof row.answer === 'string') expect(answered).toBe(row.answer)
      if (typeof row.answer !== 'object' || path === '/api/openapi.json') continue
      const answer = closed(row.answer)
      const [, faults] = Errors(answer, json)
      expect(Check(answer, json), `${what} ${JSON.stringify(faults.at(0))}`).toBe(true)
    }
    vi.unstubAllEnvs()
  })

  it('is described with 202 where it may answer that', async () => {
    await using stage = await PanelStage.open({ always: { sources: [report(FILTER_ID)], deaf: true } })
    await stage.keepsakes.putPreset({ name: 'Evening', settings: { feather: 1 } })
    const { paths } = openApi(stage.rows, '1.2.3')
    const late = stage.rows.filter(({ method, path }) => '202' in paths[path][method.toLowerCase()].responses)
    expect(late.map(({ path }) => path)).toEqual(['/api/sources/{id}/settings', '/api/sources/{id}/preset'])
    for (const row of late) {
      const { status, json } = await ask(stage, row, row.example)
      expect([status, Check(FilterSettings, json)]).toEqual([202, true])
    }
  })
})

const NAMES: Readonly<Record<string, string>> = {
  Presets: 'Evening',
  Regions: 'Chair',
  Models: 'my-model',
  'Models to fetch': 'rvm-mobilenetv3',
}
const SAMPLE: Readonly<Record<string, string>> = {
  id: FILTER_ID,
  filterId: FILTER_ID,
  source: 'Camera',
  filter: 'Mattebox',
  scene: 'Desk',
  input: 'Microphone',
}
const model = Buffer.from(
  encodeModelFile(randomWeights(1), 'fp16', { licence: 'MIT', source: 'chance', sourceSha256: '0'.repeat(64) }),
)

/** Asks for what is there. */
function ask(stage: PanelStage, { method, path, tag, schemas }: Route, body: unknown, headers = {}): Promise<Answered> {
  const sample = (name: string): string => (name === 'name' ? NAMES[tag] : SAMPLE[name])
  const { required = [] } = (schemas.query ?? {}) as { required?: string[] }
  const query = required.map((name) => `${name}=${sample(name)}`).join('&')
  const at = path.replace(/\{(\w+)\}/g, (_, name: string) => sample(name))
  return stage.ask(method, query === '' ? at : `${at}?${query}`, body, headers)
}

/** What is removed is looked at before, and the engine changes last. */
function place({ method, path }: Route): number {
  if (path.startsWith('/api/engine') && method !== 'GET') return 3
  return method === 'GET' ? 0 : method === 'DELETE' ? 2 : 1
}

const order = (one: string, other: string): number => (one < other ? -1 : 1)

/** The schema, that takes no key which it does not name. */
function closed<T>(schema: T): T {
  if (Array.isArray(schema)) return schema.map(closed) as T
  if (typeof schema !== 'object' || schema === null) return schema
  const copy = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, closed<unknown>(value)]))
  return ('properties' in schema ? { ...copy, additionalProperties: false } : copy) as T
}
