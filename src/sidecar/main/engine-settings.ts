import type { TSchema } from 'typebox'
import { Check, Errors } from 'typebox/schema'
import { MatteboxError } from '../../errors/index.ts'
import { EngineSettings } from '../../settings/index.ts'
import { listenAddress } from './listen-address.ts'

const { properties } = EngineSettings

/** What serves where nothing was chosen. */
export const ENGINE_DEFAULTS: EngineSettings = Object.freeze<EngineSettings>({
  provider: properties.provider.default,
  device: properties.device.default,
  model: properties.model.default,
  threads: properties.threads.default,
  port: properties.port.default,
  listen: properties.listen.default,
})

/** What may be listened on, in a mend. */
export const AN_ADDRESS = 'an IP address of this machine, or 0.0.0.0 for all'

/** Settings that only a new inference process takes on. */
export const ENGINE_RESTARTS = ['provider', 'device', 'model', 'threads'] as const satisfies (keyof EngineSettings)[]

/**
 * Checks values for some of the engine's settings where they enter.
 *
 * @returns them, with an address written as browsers write it
 * @throws {MatteboxError} SETTINGS_INVALID, naming the key
 */
export function checkEngineSettings(changes: unknown): Partial<EngineSettings> {
  if (typeof changes !== 'object' || changes === null || Array.isArray(changes)) {
    throw new MatteboxError('SETTINGS_INVALID', 'The settings of the engine are no object.', `Known: ${names()}.`)
  }
  for (const [key, value] of Object.entries(changes)) {
    if (!Object.hasOwn(properties, key)) {
      throw new MatteboxError('SETTINGS_INVALID', `The engine has no setting ${key}.`, `It has ${names()}.`)
    }
    const schema: TSchema = properties[key as keyof EngineSettings]
    if (Check(schema, value)) continue
    const found = JSON.stringify(value).slice(0, 100)
    throw new MatteboxError('SETTINGS_INVALID', `The setting ${key} is ${found}.`, `It ${wanted(schema, value)}.`)
  }
  return 'listen' in changes ? { ...changes, listen: checkedAddress(changes.listen as string) } : changes
}

function checkedAddress(given: string): string {
  const address = listenAddress(given)
  if (address !== undefined) return address
  const found = `The setting listen is ${JSON.stringify(given).slice(0, 100)}.`
  throw new MatteboxError('SETTINGS_INVALID', found, `It is ${AN_ADDRESS}.`)
}

function names(): string {
  return Object.keys(properties).join(', ')
}

function wanted(schema: TSchema, value: unknown): string {
  const [, [fault]] = Errors(schema, value)
  return 'words' in schema ? `is one of ${(schema.words as string[]).join(', ')}` : fault.message
}
