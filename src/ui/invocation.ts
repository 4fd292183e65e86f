import { state } from './live.ts'

/** Before mattebox has said how it is called: from a clone, as most do. */
const USUAL = 'npx mattebox'

/** A command that begins with `mattebox`, as it is typed on this machine; another text stays as it is. */
export function localized(command: string): string {
  return command.replace(/^mattebox /, `${state.value?.invocation ?? USUAL} `)
}
