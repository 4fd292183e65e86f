import { isAbsolute, join } from 'node:path'
import { homeOf } from './config-home.ts'

/** Where the user's models and provider libraries lie, after the XDG base directory specification. */
export function dataFolder(env: NodeJS.ProcessEnv = process.env): string {
  const given = env['XDG_DATA_HOME'] ?? ''
  return join(isAbsolute(given) ? given : join(homeOf(env), '.local', 'share'), 'mattebox')
}
