import type { ComponentChildren } from 'preact'
import { useId, useState } from 'preact/hooks'

interface TextFieldProps {
  readonly title: string
  readonly description?: string
  readonly value: string
  readonly type?: keyof typeof KINDS
  readonly maxLength?: number
  readonly isDisabled?: boolean
  readonly onInput?: (value: string) => void
  /** When it is left, or Enter was pressed. False, or a promise of it: it was refused, and the field goes back. */
  readonly onChange?: (value: string) => unknown
  readonly aside?: ComponentChildren
}

/** Each by itself, since each kind of input takes other attributes. */
const KINDS = { text: { type: 'text' }, password: { type: 'password' }, number: { type: 'number' } } as const

/** A line of text. */
export function TextField(props: TextFieldProps) {
  const { title, description, value, type = 'text', maxLength, isDisabled = false, aside } = props
  const id = useId()
  // What is drawn anew meanwhile, as it is once a second, must not take away what is being typed.
  const [typed, setTyped] = useState<string | null>(null)
  const [before, setBefore] = useState(value)
  // Not in an effect: those run after the next paint, and take away what was typed until then.
  if (value !== before) {
    setBefore(value)
    setTyped(null)
  }
  const change = async (wished: string): Promise<void> => {
    if ((await props.onChange?.(wished)) === false) setTyped(null)
  }
  return (
    <div class="field">
      <div class="field-head">
        <label for={id}>{title}</label>
        {aside}
      </div>
      <input
        id={id}
        {...KINDS[type]}
        value={typed ?? value}
        maxLength={maxLength}
        disabled={isDisabled}
        autocomplete="off"
        spellcheck={false}
        aria-describedby={description === undefined ? undefined : `${id}-about`}
        onInput={({ currentTarget }) => {
          setTyped(currentTarget.value)
          props.onInput?.(currentTarget.value)
        }}
        onChange={({ currentTarget }) => void change(currentTarget.value)}
      />
      {description !== undefined && (
        <p class="about" id={`${id}-about`}>
          {description}
        </p>
      )}
    </div>
  )
}
