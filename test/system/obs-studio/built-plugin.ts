import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { missingForObs } from '../../native/obs-studio/obs-studio.ts'

/** The plugin as `npm run build:plugin` leaves it. */
export const builtPlugin = resolve('build/plugin/mattebox')

/** Whether the plugin cannot be tried in a real OBS here; says why, once. */
export function cannotRunObs(): boolean {
  const missing = missingForObs()
  if (!existsSync(builtPlugin)) missing.push('the built plugin (npm run build:plugin)')
  if (missing.length > 0) console.warn(`Tests in real OBS are skipped: missing here: ${missing.join(', ')}.`)
  return missing.length > 0
}
