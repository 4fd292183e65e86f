import { join } from 'node:path'
import { configHomeOf, homeOf } from '../settings/config-home.ts'
import type { Surroundings } from './surroundings.ts'

/** How OBS came onto the machine, and by that where it looks for things. A snap takes no plugins from outside. */
export type ObsKind = 'native' | 'flatpak' | 'snap'

export const FLATPAK_ID = 'com.obsproject.Studio'

/** What a Flatpak keeps of its user's. */
export function flatpakHome(env: NodeJS.ProcessEnv): string {
  return join(homeOf(env), '.var', 'app', FLATPAK_ID)
}

/**
 * The plugin's folder in the user's folder of plugins: `AddExtraModulePaths` in OBS's window-basic-main.cpp takes
 * `obs-studio/plugins/NAME` of the configuration home, which inside a Flatpak is the app's own.
 */
export function pluginFolder(kind: Exclude<ObsKind, 'snap'>, { env }: Pick<Surroundings, 'env'>): string {
  const config = kind === 'flatpak' ? join(flatpakHome(env), 'config') : configHomeOf(env)
  return join(config, 'obs-studio', 'plugins', 'mattebox')
}
