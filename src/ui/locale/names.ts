import { words } from './index.ts'

/** What codes of the API are called; one of which this page knows nothing keeps its own word. */

export const providerName = (provider: string): string => nameIn(words.settings.words.provider, provider)
export const resetReason = (reason: string): string => nameIn(words.resetReasons, reason)
export const dropReason = (reason: string): string => nameIn(words.dropReasons, reason)

function nameIn(names: Readonly<Record<string, string>>, code: string): string {
  return names[code] ?? code
}
