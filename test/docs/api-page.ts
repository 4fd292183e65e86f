import { join } from 'node:path'
import { format, resolveConfig } from 'prettier'
import { MODEL_BYTES_MAX } from '../../src/settings/model-limits.ts'
import type { OpenApi, Operation, Parameter } from '../../src/sidecar/panel/openapi.ts'
import { openApi } from '../../src/sidecar/panel/openapi.ts'
import type { Route } from '../../src/sidecar/panel/route.ts'

/** Writes docs/api.md from the table of routes, through their OpenAPI description. */

/** As JSON Schema has it, as far as our schemas go. */
interface Schema {
  readonly $ref?: string
  readonly type?: string
  readonly description?: string
  readonly title?: string
  readonly default?: unknown
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly anyOf?: readonly Schema[]
  readonly items?: Schema
  readonly properties?: Readonly<Record<string, Schema>>
  readonly patternProperties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly minimum?: number
  readonly maximum?: number
  readonly maxItems?: number
}

/** What stands for a field in an address. */
const SAMPLE: Readonly<Record<string, string>> = {
  id: '0123456789abcdef',
  filterId: '0123456789abcdef',
  source: 'Camera',
  filter: 'Mattebox',
  scene: 'Desk',
  input: 'Microphone',
}
/** A name, by what it is of. */
const NAME: Readonly<Record<string, string>> = {
  Presets: 'Evening',
  Regions: 'Chair',
  Models: 'my-model',
  'Models to fetch': 'rvm-mobilenetv3',
}

export async function apiPage(rows: readonly Route[]): Promise<string> {
  // The version stands in the description itself; here it would make a difference of each release.
  const api = openApi(rows, '0')
  const page = [INTRODUCTION, ...tags(api), schemas(api), SOCKETS].join('\n\n')
  const config = await resolveConfig(join(import.meta.dirname, 'api.md'))
  return format(page, { ...config, parser: 'markdown' })
}

const INTRODUCTION = `<!-- Generated from the API's schema: \`npm run docs:api\` writes it anew. -->

# The API

Everything that the panel shows and changes goes over this API, and scripts and Stream Decks may use it too. It is
served where the panel is: \`http://127.0.0.1:4477\`, unless another port was chosen. The same description for programs is
OpenAPI 3.1, at \`/api/openapi.json\`.

OBS's own hotkeys (\`reset\`, \`cover\`, \`next view\`) need none of this.

## Being let in

Scripts send the panel's secret with each request, as the header \`Authorization: Bearer …\`; \`npx mattebox token\` prints
it, and \`npx mattebox token --rotate\` makes a new one. In a shell, the examples below work after this, which keeps the
secret out of the list of processes:

\`\`\`sh
PANEL=http://127.0.0.1:4477
AUTH=$(mktemp)
echo "Authorization: Bearer $(npx mattebox token)" > "$AUTH"
\`\`\`

The panel's page has a cookie in place of the secret, and sends the header \`X-Mattebox\` with whatever changes something.

## Which filter is meant

A filter has an id of 16 digits, which stays the same over restarts of OBS and mattebox; \`GET /api/sources\` lists them.
In place of an id, every address takes the word \`find\` and the names that OBS shows in the query: of the source
(\`source\`), of the filter (\`filter\`), or both.

\`\`\`sh
curl -sS -H @"$AUTH" -X POST "$PANEL/api/sources/find/reset?source=Camera"
\`\`\`

Where more than one filter fits, the answer is 409 \`AMBIGUOUS\` and names them. Duplicates that studio mode makes are not
meant, and filters that are gone only where no other bears the names.

## Answers

JSON in UTF-8: 200 with what each address says below, or 204 without anything. Whatever went wrong answers 400 or more, and
says what was found and what to do; \`field\` is the JSON pointer of the field that is wrong.

\`\`\`json
{
  "error": {
    "code": "REQUEST_INVALID",
    "message": "/feather in the body of the request must be <= 8.",
    "mend": "See docs/api.md, or /api/openapi.json.",
    "field": "/feather"
  }
}
\`\`\`

| status | means |
| --- | --- |
| 400, 422 | the address, the query or the body holds what its field does not take |
| 401, 403 | no secret or a wrong one; another page or another name than the panel's own |
| 404, 405 | there is no such thing; or not with that method |
| 409 | not as things are now: the filter is not connected, more than one fits, the name is taken |
| 413, 415 | too large (JSON 1 MiB, models ${MODEL_BYTES_MAX / 2 ** 20} MiB); no JSON |
| 429, 503, 504 | too much at once, or OBS does not answer: try again later |
| 500 | mattebox, its disk or OBS failed |

Codes are stable: [errors.md](errors.md) lists them. Keys that a body does not know are refused, so that a slip of the pen
changes nothing.

## A Stream Deck, with Bitfocus Companion

Add the connection _Generic: HTTP Requests_ and set its _Base URL_ to \`http://127.0.0.1:4477\`. Each button is one action
of it. In _header input(JSON)_ goes the secret, \`{"Authorization": "Bearer …"}\`; _Content Type_ stays
\`application/json\`. With the base URL set, _URI_ and _Body_ are:

| button | action | URI | Body |
| --- | --- | --- | --- |
| forget what was seen | POST | \`/api/sources/find/reset?source=Camera\` | \`{}\` |
| cover the picture | POST | \`/api/sources/find/cover?source=Camera\` | \`{"on":true}\` |
| show it again | POST | \`/api/sources/find/cover?source=Camera\` | \`{"on":false}\` |
| look at the matte | PATCH | \`/api/sources/find/settings?source=Camera\` | \`{"view":"alpha"}\` |
| a preset | POST | \`/api/sources/find/preset?source=Camera\` | \`{"name":"Evening"}\` |

Companion keeps the secret in its own configuration: whoever has its export has the secret.`

const SOCKETS = `## WebSockets

\`/api/live\` tells the state as JSON, \`{"kind":"state","state":…}\` with a \`PanelState\`, at once and where it changes, at
most five times a second. Sent \`{"kind":"watch","filterIds":["0123456789abcdef"]}\`, it also sends pictures of these
sources: binary, the length of a header (uint32, little-endian), the header (JSON: \`filterId\`, \`frameId\`, \`width\`,
\`height\`, \`hasAlpha\`), RGBA in bytes, then alpha where there is a matte. Each such request is answered with
the state: who hears nothing any more learns so whether the other side lives.

\`/api/try\` mattes frames without OBS; the panel's page uses it. Both want the secret as the HTTP API does, and take
messages of at most 4 MiB of pixels and 64 KiB beside them; who does not read is let go of at 8 MiB.`

function tags(api: OpenApi): string[] {
  const operations = Object.entries(api.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
  )
  const names = Array.from(new Set(operations.map(({ operation }) => operation.tags[0])))
  return names.map((name) => {
    const own = operations.filter(({ operation }) => operation.tags[0] === name)
    return [`## ${name}`, ...own.map(({ method, path, operation }) => section(method, path, operation))].join('\n\n')
  })
}

function section(method: string, path: string, operation: Operation): string {
  const { summary, parameters = [], requestBody } = operation
  const json = requestBody?.content['application/json'] as { schema: Schema; example?: unknown } | undefined
  const done = operation.responses['200'] as { content: Record<string, { schema: Schema }> } | undefined
  const answers = Object.entries(done?.content ?? {}).map(([type, { schema }]) =>
    type === 'application/json' ? `Answers ${words(schema)}.` : `Answers \`${type}\`.`,
  )
  return [
    `### ${method} ${path}`,
    summary,
    ...(isSelecting(parameters) ? [SELECTING] : parameters.length > 0 ? [parameterTable(parameters)] : []),
    ...(json ? [`Body: ${words(json.schema)}`, ...fields(json.schema)] : []),
    ...(requestBody && !json ? ['Body: the bytes of the file.'] : []),
    ...answers,
    `\`\`\`sh\n${curl(method, path, operation)}\n\`\`\``,
  ].join('\n\n')
}

const SELECTING = '`{id}`: an id, or `find` and names; see [which filter is meant](#which-filter-is-meant).'

function isSelecting(parameters: readonly Parameter[]): boolean {
  return parameters.map(({ name }) => name).join() === 'id,source,filter'
}

function parameterTable(parameters: readonly Parameter[]): string {
  const rows = parameters.map(
    ({ name, in: place, required, schema, description = '' }) =>
      `| \`${name}\` | ${place === 'path' ? 'address' : 'query'}${required ? '' : ', may be left out'} | ${words(schema as Schema)} | ${description} |`,
  )
  return ['| name | in | takes | |', '| --- | --- | --- | --- |', ...rows].join('\n')
}

function curl(method: string, path: string, { tags: [tag], parameters = [], requestBody }: Operation): string {
  const sample = (name: string): string => (name === 'name' ? (NAME[tag] ?? 'Evening') : SAMPLE[name])
  const at = path.replace(/\{(\w+)\}/g, (_, name: string) => sample(name))
  const query = parameters
    .filter(({ in: place, required }) => place === 'query' && required)
    .map(({ name }) => `${name}=${encodeURIComponent(sample(name))}`)
  const address = `"$PANEL${at}${query.length > 0 ? `?${query.join('&')}` : ''}"`
  const json = requestBody?.content['application/json']
  return [
    'curl -sS -H @"$AUTH"',
    ...(method === 'GET' ? [] : [`-X ${method}`]),
    ...(json ? ["-H 'Content-Type: application/json'", `-d '${JSON.stringify(json.example)}'`] : []),
    ...(requestBody && !json ? ['-T my-model.onnx'] : []),
    address,
  ].join(' ')
}

function fields(schema: Schema): string[] {
  if (schema.$ref !== undefined || schema.properties === undefined) return []
  return [propertyTable(schema)]
}

function schemas(api: OpenApi): string {
  const { components } = api as unknown as { components: { schemas: Record<string, Schema> } }
  const parts = Object.entries(components.schemas).map(([name, schema]) =>
    [`### ${name}`, ...(schema.properties ? [propertyTable(schema)] : [words(schema)])].join('\n\n'),
  )
  return ['## Schemas', ...parts].join('\n\n')
}

function propertyTable({ properties = {}, required = [] }: Schema): string {
  const rows = Object.entries(properties).flatMap(([name, property]) => propertyRows(name, property, required))
  return ['| field | takes | |', '| --- | --- | --- |', ...rows].join('\n')
}

/** A field, and those inside it. */
function propertyRows(name: string, schema: Schema, required: readonly string[]): string[] {
  const key = name.split('.').at(-1)!
  const optional = required.includes(key) ? '' : ' (may be left out)'
  // Of what may be null, it is said inside.
  const said = [schema, ...(schema.anyOf ?? [])].find(({ description }) => description)?.description ?? ''
  const standard = schema.default === undefined ? '' : ` Default: \`${JSON.stringify(schema.default)}\`.`
  const row = `| \`${name}\` | ${words(schema)}${optional} | ${said}${standard} |`
  const inside = schema.items ?? schema.anyOf?.find(({ properties }) => properties) ?? schema
  const suffix = schema.items ? '[]' : ''
  if (!inside.properties) return [row]
  const rows = Object.entries(inside.properties).flatMap(([inner, property]) =>
    propertyRows(`${name}${suffix}.${inner}`, property, inside.required ?? []),
  )
  return [row, ...rows]
}

/** What a schema takes, in words. */
function words(schema: Schema): string {
  const { $ref, type, enum: values, anyOf, items, minimum, maximum, maxItems } = schema
  if ($ref !== undefined) {
    const name = $ref.split('/').at(-1)!
    return `[${name}](#${name.toLowerCase()})`
  }
  if ('const' in schema) return `\`${JSON.stringify(schema.const)}\``
  if (values) return values.map((value) => `\`${JSON.stringify(value)}\``).join(', ')
  if (anyOf) return anyOf.map(words).join(' or ')
  if (type === 'array')
    return `a list${maxItems === undefined ? '' : ` of at most ${maxItems}`} of ${items ? words(items) : 'anything'}`
  if (schema.patternProperties) return `numbers by name`
  const range = minimum === undefined && maximum === undefined ? '' : ` ${minimum ?? ''}…${maximum ?? ''}`
  switch (type) {
    case 'object':
      return 'an object'
    case 'null':
      return 'null'
    case 'integer':
      return `whole number${range}`
    case 'boolean':
      return 'true or false'
    case 'string':
      return 'text'
    default:
      return `${type ?? 'anything'}${range}`
  }
}
