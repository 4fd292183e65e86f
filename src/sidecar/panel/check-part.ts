import type { TSchema } from 'typebox'
import { Check, Errors } from 'typebox/schema'
import { Value } from 'typebox/value'
import { Refusal } from './refusal.ts'

/**
 * Checks a request's parameters or query, which come as text: numbers and booleans are read where the schema wants them.
 *
 * @throws {Refusal} 400, naming the field
 */
export function checkTexts(schema: TSchema, part: unknown, what: 'address' | 'query'): unknown {
  return checkPart(schema, Value.Convert(schema, { ...(part as object) }), what, 400)
}

/** @throws {Refusal} 422, naming the field */
export function checkBody(schema: TSchema, body: unknown): unknown {
  return checkPart(schema, body, 'body', 422)
}

function checkPart(schema: TSchema, part: unknown, what: string, status: number): unknown {
  if (Check(schema, part)) return part
  const { field, found } = fault(schema, part)
  const where = field === '' ? `The ${what} of the request` : `${field} in the ${what} of the request`
  throw new Refusal(status, 'REQUEST_INVALID', `${where} ${found}.`, 'See docs/api.md, or /api/openapi.json.', {
    field,
  })
}

/** The first field that is wrong, as a JSON pointer, and what is wrong with it. */
export function fault(schema: TSchema, value: unknown): { readonly field: string; readonly found: string } {
  const [, errors] = Errors(schema, value)
  // What a union says of itself is less than what its members say.
  const [first] = errors.filter(({ keyword }) => keyword !== 'anyOf' && keyword !== 'additionalProperties')
  const { keyword, instancePath: path } = first
  if (keyword === 'boolean') return { field: path, found: 'is not known' }
  if (keyword === 'required') {
    const [missing] = first.params.requiredProperties
    return { field: `${path}/${missing.replaceAll('~', '~0').replaceAll('/', '~1')}`, found: 'is missing' }
  }
  const said = errors
    .filter((error) => error.instancePath === path && error.keyword !== 'anyOf' && error.keyword !== 'required')
    .map(({ keyword, params, message }) =>
      keyword === 'enum'
        ? `must be one of ${params.allowedValues.join(', ')}`
        : keyword === 'const'
          ? `must be ${String(params.allowedValue)}`
          : message,
    )
  return { field: path, found: Array.from(new Set(said)).join(', or ') }
}
