import { homedir } from 'node:os'
import { isAbsolute, join } from 'node:path'

/** The user's home. */
export function homeOf(env: NodeJS.ProcessEnv): string {
  return env['HOME'] || homedir()
}

/** The user's configuration, after the XDG base directory specification, which wants relative paths ignored. */
export function configHomeOf(env: NodeJS.ProcessEnv): string {
  const given = env['XDG_CONFIG_HOME'] ?? ''
  return isAbsolute(given) ? given : join(homeOf(env), '.config')
}
