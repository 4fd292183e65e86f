import { localized } from '../invocation.ts'

/** A sentence whose `commands` in backticks are set as code. */
export function Sentence({ text }: { readonly text: string }) {
  return <>{text.split('`').map((part, i) => (i % 2 === 1 ? <code key={i}>{localized(part)}</code> : part))}</>
}
