import { Validator } from '@seriousme/openapi-schema-validator'
import { Check, Errors } from 'typebox/schema'
import { describe, expect, it } from 'vitest'
import { openApi } from '../../../src/sidecar/panel/openapi.ts'
import { PanelStage } from './panel-stage.ts'

/**
 * Seen red: with two rows of one operation id; with `additionalProperties` left out of the partial settings, which takes
 * keys that it does not know.
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
      if (schemas.body !== undefined && schemas.body !== 'stream') expect(example, path).toBeDefined()
    }
  })

  it('takes no key that it does not know', async () => {
    await using stage = await PanelStage.open()
    for (const { method, path, schemas } of stage.rows) {
      const parts = Object.values(schemas).filter((part) => typeof part === 'object')
      for (const part of parts) expect({ method, path, ...part }).toMatchObject({ additionalProperties: false })
    }
  })

  it('answers what its schema says, nothing more and nothing less', async () => {
    await using stage = await PanelStage.open()
    for (const { method, path, answer } of stage.rows) {
      if (method !== 'GET' || !answer || path.includes('{')) continue
      const { json } = await stage.ask('GET', path)
      const [, faults] = Errors(answer, json)
      expect(Check(answer, json), `${path}: ${JSON.stringify(faults.at(0))}`).toBe(true)
    }
  })
})
