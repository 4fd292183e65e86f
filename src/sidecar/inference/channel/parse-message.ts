import type { TSchema } from 'typebox'
import { Value } from 'typebox/value'
import { breach, wrongVersion } from './channel-error.ts'
import { FROM_FILTER, type FromFilter, type Hello } from './messages.ts'
import { LIMITS, MESSAGES } from './wire.ts'

/** A message of a filter that was found whole and right. */
export type FilterMessage = {
  [name in keyof FromFilter]: { readonly name: name; readonly body: FromFilter[name] }
}[keyof FromFilter]

const NAMES = new Map<number, keyof FromFilter>(
  (Object.keys(FROM_FILTER) as (keyof FromFilter)[]).map((name) => [MESSAGES[name], name]),
)

/**
 * Checks a message where it enters; what comes back is to be trusted. Keys that are not known are left out.
 *
 * @throws {MatteboxError} CHANNEL_BREACH, naming the fault
 */
export function parseMessage(type: number, text: string): FilterMessage {
  const name = NAMES.get(type)
  if (name === undefined) throw breach(`a message of type ${type}, which filters do not send`)
  return { name, body: checked(name, parseObject(name, text)) } as FilterMessage
}

/**
 * A filter's hello.
 *
 * @throws {MatteboxError} CHANNEL_BREACH, naming the fault; CHANNEL_VERSION where the filter speaks another version,
 *   whatever the rest of its hello looks like
 */
export function parseHello(text: string): Hello {
  const body = parseObject('hello', text)
  const { wire } = body
  if (typeof wire !== 'number' || !Number.isInteger(wire)) throw breach('a hello that names no wire version')
  if (wire !== LIMITS.wireVersion) throw wrongVersion(wire)
  return checked('hello', body)
}

function parseObject(name: string, text: string): Record<string, unknown> {
  let body: unknown
  try {
    body = JSON.parse(text)
  } catch {
    throw breach(`a ${name} that is not JSON`)
  }
  if (typeof body !== 'object' || body === null || Array.isArray(body)) throw breach(`a ${name} that is no object`)
  return body as Record<string, unknown>
}

function checked<Name extends keyof FromFilter>(name: Name, body: Record<string, unknown>): FromFilter[Name] {
  const schema: TSchema = FROM_FILTER[name]
  if (Value.Check(schema, body)) return Value.Clean(schema, body) as FromFilter[Name]
  // Check found one at least.
  const { instancePath, message } = Value.Errors(schema, body)[0]
  throw breach(`a ${name} of the wrong shape: ${instancePath === '' ? 'it' : instancePath.slice(1)} ${message}`)
}
