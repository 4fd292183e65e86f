import type { TSchema } from 'typebox'
import * as api from '../../api/index.ts'
import * as settings from '../../settings/index.ts'
import type { Route } from './route.ts'

/** Schemas that have a page of their own in the description; others stand where they are used. */
const PAGES = [
  'AudioDelay',
  'AudioDelayRemoved',
  'AudioDelayView',
  'Binding',
  'ComplaintView',
  'EngineSettings',
  'EngineView',
  'Failure',
  'FilterSettings',
  'Metrics',
  'ModelView',
  'ObsView',
  'PanelState',
  'Preset',
  'ProcessView',
  'RegionTemplate',
  'SomeFilterSettings',
  'SourceView',
] as const
const SCHEMAS = { ...api, ...settings }
const NAMED = PAGES.map((name): [string, TSchema] => [name, SCHEMAS[name]])
const NAMES = new Map<unknown, string>(NAMED.map(([name, schema]) => [schema, name]))

export interface OpenApi {
  readonly openapi: '3.1.0'
  readonly info: { readonly title: string; readonly version: string; readonly description: string }
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly [key: string]: unknown
}

export interface Operation {
  readonly operationId: string
  readonly tags: readonly string[]
  readonly summary: string
  readonly parameters?: readonly Parameter[]
  readonly requestBody?: {
    readonly required: true
    readonly content: Readonly<Record<string, { schema?: unknown; example?: unknown }>>
  }
  readonly responses: Readonly<Record<string, unknown>>
}

export interface Parameter {
  readonly name: string
  readonly in: 'path' | 'query'
  readonly required: boolean
  readonly schema: unknown
  readonly description?: string
}

/** The table of routes as OpenAPI 3.1. */
export function openApi(rows: readonly Route[], version: string): OpenApi {
  const paths: Record<string, Record<string, Operation>> = {}
  for (const row of rows) {
    paths[row.path] = { ...paths[row.path], [row.method.toLowerCase()]: operation(row) }
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'mattebox',
      version,
      description: 'The HTTP API of the panel. docs/api.md tells how to be let in, and has examples.',
    },
    servers: [{ url: 'http://127.0.0.1:4477' }],
    security: [{ secret: [] }, { cookie: [] }],
    paths,
    components: {
      schemas: Object.fromEntries(NAMED.map(([name, schema]) => [name, inner(schema)])),
      securitySchemes: {
        secret: { type: 'http', scheme: 'bearer', description: 'What `mattebox token` prints.' },
        cookie: {
          type: 'apiKey',
          in: 'cookie',
          name: 'mattebox-4477',
          description: 'What the panel’s page has; named with the port. Writes need the header X-Mattebox beside it.',
        },
      },
    },
  }
}

function operation(row: Route): Operation {
  const { params, query, body } = row.schemas
  const parameters = [...parametersOf(params, 'path'), ...parametersOf(query, 'query')]
  return {
    operationId: operationId(row),
    tags: [row.tag],
    summary: row.summary,
    ...(parameters.length > 0 && { parameters }),
    ...(body !== undefined && { requestBody: { required: true, content: bodyContent(row) } }),
    responses: {
      ...done(row),
      default: {
        description: 'What was found, and what to do; `field` names what is wrong in the request.',
        content: { 'application/json': { schema: reference(api.Failure) } },
      },
    },
  }
}

function done({ answer, accepted }: Route): Record<number, unknown> {
  if (answer === undefined) return { 204: { description: 'Done.' } }
  const content =
    typeof answer === 'string'
      ? { [answer]: { schema: { type: 'string' } } }
      : { 'application/json': { schema: reference(answer) } }
  return {
    200: { description: 'Done.', content },
    ...(accepted !== undefined && { 202: { description: accepted, content } }),
  }
}

/** As `patchSourcesIdSettings`: one for each row. */
function operationId({ method, path }: Route): string {
  const words = path.split(/[^A-Za-z]+/).filter((word) => word !== '')
  // What lies outside of the API is text for other programs.
  const own = words[0] === 'api' ? words.slice(1) : [...words, 'text']
  return method.toLowerCase() + own.map((word) => word[0].toUpperCase() + word.slice(1)).join('')
}

function parametersOf(schema: TSchema | undefined, place: 'path' | 'query'): Parameter[] {
  if (schema === undefined) return []
  const { properties, required = [] } = schema as unknown as {
    properties: Record<string, { description?: string }>
    required?: string[]
  }
  return Object.entries(properties).map(([name, property]) => ({
    name,
    in: place,
    required: required.includes(name),
    schema: reference(property),
    ...(property.description !== undefined && { description: property.description }),
  }))
}

function bodyContent({ schemas: { body }, example }: Route): Record<string, { schema?: unknown; example?: unknown }> {
  if (body === 'stream') return { 'application/octet-stream': {} }
  return { 'application/json': { schema: reference(body), ...(example !== undefined && { example }) } }
}

/** The schema by its name where it has one, else as it is with those inside it by theirs. */
function reference(schema: unknown): unknown {
  const name = NAMES.get(schema)
  return name === undefined ? inner(schema) : { $ref: `#/components/schemas/${name}` }
}

function inner(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(reference)
  if (typeof schema !== 'object' || schema === null) return schema
  return Object.fromEntries(
    Object.entries(schema)
      // Our own word for the values of an enum.
      .filter(([key]) => key !== 'words')
      .map(([key, value]) => [key, reference(value)]),
  )
}
