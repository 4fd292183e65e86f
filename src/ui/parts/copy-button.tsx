import { useState } from 'preact/hooks'
import { words } from '../locale/index.ts'

interface CopyButtonProps {
  readonly text: string | (() => string)
  /** Default: “Copy”. */
  readonly children?: string
  /** What a screen reader says in place of its text. */
  readonly label?: string
}

const SAID_MS = 2500

/** Puts a text on the clipboard, and says so. Where the browser offers no clipboard (http beyond loopback) it is not drawn. */
export function CopyButton({ text, children = words.common.copy, label }: CopyButtonProps) {
  const [said, say] = useState('')
  if (!window.isSecureContext) return null
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(typeof text === 'string' ? text : text())
      say(words.common.copied)
    } catch {
      say(words.common.notCopied)
    }
    setTimeout(() => say(''), SAID_MS)
  }
  return (
    <>
      <button type="button" class="secondary outline" aria-label={label} onClick={() => void copy()}>
        {said === '' ? children : said}
      </button>
      <span class="visually-hidden" role="status">
        {said}
      </span>
    </>
  )
}
