import { homedir } from 'node:os'
import { isAbsolute, join } from 'node:path'

/** What of this machine is looked at; tests hand in folders of their own. */
export interface Surroundings {
  readonly env: NodeJS.ProcessEnv
  /** Where snapd keeps what it installed. */
  readonly snapFolder: string
  /** The kernel's list of processes. */
  readonly procFolder: string
}

export function thisMachine(): Surroundings {
  return { env: process.env, snapFolder: '/snap', procFolder: '/proc' }
}

export function homeOf(env: NodeJS.ProcessEnv): string {
  return env['HOME'] || homedir()
}

/** The user's configuration, after the XDG base directory specification, which wants relative paths ignored. */
export function configHomeOf(env: NodeJS.ProcessEnv): string {
  const given = env['XDG_CONFIG_HOME'] ?? ''
  return isAbsolute(given) ? given : join(homeOf(env), '.config')
}
