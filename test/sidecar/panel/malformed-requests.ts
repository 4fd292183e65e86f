import type { TSchema } from 'typebox'
import { Check } from 'typebox/schema'
import { Value } from 'typebox/value'
import type { Route } from '../../../src/sidecar/panel/route.ts'

/** Requests that are wrong in one place, made from the API's own schemas. */

export interface Malformed {
  readonly method: string
  readonly path: string
  readonly body?: string | Buffer
  readonly headers: Readonly<Record<string, string>>
  /** What is wrong with it. */
  readonly fault: string
  /** JSON pointer of what is wrong; undefined: it is no field. */
  readonly field: string | undefined
}

/** As JSON Schema has it, as far as our schemas go. */
interface Schema {
  readonly type?: string
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly default?: unknown
  readonly anyOf?: readonly Schema[]
  readonly items?: Schema
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly additionalProperties?: boolean
  readonly pattern?: string
  readonly minimum?: number
  readonly maximum?: number
  readonly minItems?: number
  readonly maxItems?: number
}

type Random = () => number
type Path = readonly (string | number)[]

const NASTY_KEYS = [
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  '',
  ' ',
  'a/b~c',
  '🎥',
  'length',
]
const NASTY_VALUES: readonly unknown[] = [
  null,
  true,
  'text',
  '',
  -1,
  0.5,
  1e308,
  Number.MAX_SAFE_INTEGER + 2,
  [],
  {},
  [[]],
  'x'.repeat(5000),
  '\u0000',
  { length: 3 },
  Array.from({ length: 200 }, (_, n) => n),
]
const JSON_TYPE = { 'content-type': 'application/json' }

/** A request to one of the rows that its schemas do not take. Undefined where this throw of the dice made a good one. */
export function malformed(row: Route, random: Random): Malformed | undefined {
  const { params, query, body } = row.schemas
  const makers = [
    ...(params ? [() => wrongParams(row, random)] : []),
    ...(query ? [() => wrongQuery(row, random)] : []),
    ...(body !== undefined && body !== 'stream'
      ? [() => wrongBody(row, body, random), () => wrongBody(row, body, random), () => wrongText(row, body, random)]
      : []),
  ]
  return makers.length === 0 ? undefined : pick(makers, random)()
}

function wrongParams(row: Route, random: Random): Malformed | undefined {
  const [name] = /\{(\w+)\}/.exec(row.path)!.slice(1)
  const [text, isText] = pick<[string, boolean]>(
    [
      [
        encodeURIComponent(
          pick(['x', 'FIND', '0'.repeat(17), 'a'.repeat(2000), '\u0000', '../..', '__proto__'], random),
        ),
        true,
      ],
      ['%00', true],
      ['%E0%A4%A', false],
      ['%zz', false],
    ],
    random,
  )
  const isFault = !isText || !Check(row.schemas.params!, { [name]: decodeURIComponent(text) })
  if (!isFault) return undefined
  const path = row.path.replace(`{${name}}`, text)
  return {
    ...base(row, random),
    path: path + queryText(row, random),
    fault: `address ${text}`,
    field: isText ? `/${name}` : '',
  }
}

function wrongQuery(row: Route, random: Random): Malformed | undefined {
  const schema = row.schemas.query!
  const good = sample(schema, random) as Record<string, string | boolean>
  const keys = Object.keys((schema as Schema).properties!)
  const pairs: [string, string][] = Object.entries(good).map(([key, value]) => [key, String(value)])
  let field: string
  switch (Math.floor(random() * 4)) {
    case 0: {
      field = pick(keys, random)
      const at = pairs.findIndex(([key]) => key === field)
      if (at < 0) return undefined
      pairs.splice(at, 1)
      break
    }
    case 1:
      field = pick([...NASTY_KEYS, 'id[]', 'source[a]'], random)
      pairs.push([field, '1'])
      break
    case 2:
      // Twice is a list.
      field = pick(keys, random)
      pairs.push([field, 'a'], [field, 'b'])
      break
    default:
      field = pick(keys, random)
      pairs.push([field, 'x'.repeat(5000)])
  }
  const seen = parsed(pairs)
  if (Check(schema, Value.Convert(schema, seen))) return undefined
  const text = pairs.map(([key, value]) => `${encodeURIComponent(key)}=${encodeURIComponent(value)}`).join('&')
  return {
    ...base(row, random),
    path: `${goodPath(row, random)}?${text}`,
    fault: `query ${text.slice(0, 100)}`,
    field: pointer([field]),
  }
}

/** As a server reads a query: what is there twice is a list. */
function parsed(pairs: readonly (readonly [string, string])[]): Record<string, unknown> {
  const seen = Object.create(null) as Record<string, unknown>
  for (const [key, value] of pairs) seen[key] = key in seen ? [seen[key], value].flat() : value
  return { ...seen }
}

function wrongBody(row: Route, schema: TSchema, random: Random): Malformed | undefined {
  const good = sample(schema, random)
  const places = placesIn(schema, good)
  const { path, schema: inner, value } = pick(places, random)
  const [wrong, at] = spoiled(inner, value, path, random)
  const text = JSON.stringify(replaced(good, path, wrong))
  const body: unknown = JSON.parse(text)
  if (Check(schema, body)) return undefined
  return {
    ...base(row, random),
    body: text,
    headers: JSON_TYPE,
    fault: `body ${text.slice(0, 200)}`,
    field: pointer(at),
  }
}

/** A value in place of a good one, and where its fault lies. */
function spoiled(schema: Schema, value: unknown, path: Path, random: Random): [unknown, Path] {
  if (schema.properties && random() < 0.5) {
    const before = value as Record<string, unknown>
    if (schema.required?.length && random() < 0.4) {
      const missing = pick(schema.required, random)
      return [Object.fromEntries(Object.entries(before).filter(([key]) => key !== missing)), [...path, missing]]
    }
    const key = pick(NASTY_KEYS, random)
    // Defined, as JSON.parse does: an assignment to __proto__ would make no key.
    const spoilt = Object.defineProperty({ ...before }, key, { value: 1, enumerable: true, configurable: true })
    return [spoilt, [...path, key]]
  }
  if (schema.type === 'array' && schema.maxItems !== undefined && random() < 0.5) {
    const [item = null] = value as unknown[]
    return [Array.from({ length: schema.maxItems + 1 }, () => item), path]
  }
  if (schema.maximum !== undefined && random() < 0.5) return [schema.maximum + 0.001 + random() * 1e6, path]
  if (schema.minimum !== undefined && random() < 0.5) return [schema.minimum - 0.001 - random() * 1e6, path]
  return [pick(NASTY_VALUES, random), path]
}

/** Bodies that are no JSON, or no UTF-8, or of another type. */
function wrongText(row: Route, schema: TSchema, random: Random): Malformed {
  const good = JSON.stringify(sample(schema, random))
  const [fault, body, headers] = pick<[string, string | Buffer, Record<string, string>]>(
    [
      ['nothing', '', JSON_TYPE],
      ['half of it', good.slice(0, -1), JSON_TYPE],
      ['more than it', `${good}${good}`, JSON_TYPE],
      ['NaN', '{"ratio":NaN}', JSON_TYPE],
      ['Infinity', '[Infinity]', JSON_TYPE],
      ['a number without end', '{"ratio":1e999}', JSON_TYPE],
      ['single quotes', "{'a':1}", JSON_TYPE],
      ['a comment', `/**/${good}`, JSON_TYPE],
      ['much nesting', '['.repeat(20_000), JSON_TYPE],
      ['UTF-16', Buffer.from(good, 'utf16le'), JSON_TYPE],
      ['broken UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d]), JSON_TYPE],
      ['zeros', Buffer.alloc(100), JSON_TYPE],
      ['a form', 'a=1', { 'content-type': 'application/x-www-form-urlencoded' }],
      ['text', good, { 'content-type': 'text/plain' }],
      ['an unknown charset', good, { 'content-type': 'application/json; charset=klingon' }],
      ['squeezed', good, { ...JSON_TYPE, 'content-encoding': 'gzip' }],
      ['too much', JSON.stringify('x'.repeat(1024 * 1024)), JSON_TYPE],
    ],
    random,
  )
  return { ...base(row, random), body, headers, fault: `${row.path}: ${fault}`, field: undefined }
}

function base(row: Route, random: Random): Pick<Malformed, 'method' | 'path' | 'headers' | 'body'> {
  const { body } = row.schemas
  const json = body !== undefined && body !== 'stream'
  return {
    method: row.method,
    path: goodPath(row, random) + queryText(row, random),
    headers: json ? JSON_TYPE : {},
    ...(json && { body: JSON.stringify(sample(body, random)) }),
  }
}

function goodPath(row: Route, random: Random): string {
  const good = row.schemas.params ? (sample(row.schemas.params, random) as Record<string, string>) : {}
  return row.path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(good[name]))
}

function queryText(row: Route, random: Random): string {
  if (!row.schemas.query) return ''
  const good = sample(row.schemas.query, random) as Record<string, unknown>
  const pairs = Object.entries(good).map(([key, value]) => `${key}=${encodeURIComponent(String(value))}`)
  return pairs.length === 0 ? '' : `?${pairs.join('&')}`
}

/** A value that the schema takes. */
function sample(schema: Schema, random: Random): unknown {
  const { type, enum: values, anyOf, properties, required = [], items, minimum = 0, maximum = 1 } = schema
  if ('const' in schema) return schema.const
  if (values) return pick(values, random)
  if (anyOf) return sample(pick(anyOf, random), random)
  switch (type) {
    case 'object': {
      const keys = Object.keys(properties ?? {}).filter((key) => required.includes(key) || random() < 0.3)
      return Object.fromEntries(keys.map((key) => [key, sample(properties![key], random)]))
    }
    case 'array': {
      const count = Math.max(schema.minItems ?? 0, Math.floor(random() * 3))
      return Array.from({ length: count }, () => sample(items!, random))
    }
    case 'boolean':
      return random() < 0.5
    case 'integer':
      return Math.floor(minimum + random() * (maximum - minimum))
    case 'number':
      return minimum + random() * (maximum - minimum)
    case 'string':
      return schema.default ?? (schema.pattern?.startsWith('^[0-9a-f]') ? '00000000000000a1' : 'name')
    default:
      return null
  }
}

interface Place {
  readonly path: Path
  readonly schema: Schema
  readonly value: unknown
}

/** Every value inside a value, with its schema. */
function placesIn(schema: Schema, value: unknown, path: Path = []): Place[] {
  const here = { path, schema, value }
  if (schema.properties) {
    const inner = Object.entries(value as Record<string, unknown>)
    return [here, ...inner.flatMap(([key, one]) => placesIn(schema.properties![key], one, [...path, key]))]
  }
  if (schema.type === 'array') {
    return [here, ...(value as unknown[]).flatMap((one, at) => placesIn(schema.items!, one, [...path, at]))]
  }
  return [here]
}

function replaced(whole: unknown, path: Path, value: unknown): unknown {
  const [key, ...rest] = path
  if (path.length === 0) return value
  if (Array.isArray(whole)) return whole.with(key as number, replaced(whole[key as number], rest, value))
  const object = whole as Record<string, unknown>
  return { ...object, [key]: replaced(object[key], rest, value) }
}

function pointer(path: Path): string {
  return path.map((key) => `/${String(key).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
}

function pick<T>(from: readonly T[], random: Random): T {
  return from[Math.floor(random() * from.length)]
}
