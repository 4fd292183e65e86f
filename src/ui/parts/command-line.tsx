import { words } from '../locale/index.ts'
import { CopyButton } from './copy-button.tsx'

/** Something to be typed elsewhere: a command, an address, a path. */
export function CommandLine({ text }: { readonly text: string }) {
  return (
    <div class="command">
      <code>{text}</code>
      <CopyButton text={text} label={words.common.copyThis(text)} />
    </div>
  )
}
