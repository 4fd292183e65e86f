import { localized } from '../invocation.ts'
import { words } from '../locale/index.ts'
import { CopyButton } from './copy-button.tsx'

/** Something to be typed elsewhere: a command, an address, a path. */
export function CommandLine({ text }: { readonly text: string }) {
  const typed = localized(text)
  return (
    <div class="command">
      <code>{typed}</code>
      <CopyButton text={typed} label={words.common.copyThis(typed)} />
    </div>
  )
}
