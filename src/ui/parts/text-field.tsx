import type { ComponentChildren } from 'preact'
import { useId } from 'preact/hooks'

interface TextFieldProps {
  readonly title: string
  readonly description?: string
  readonly value: string
  readonly type?: keyof typeof KINDS
  readonly maxLength?: number
  readonly isDisabled?: boolean
  readonly onInput?: (value: string) => void
  /** When it is left, or Enter was pressed. */
  readonly onChange?: (value: string) => void
  readonly aside?: ComponentChildren
}

/** Each by itself, since each kind of input takes other attributes. */
const KINDS = { text: { type: 'text' }, password: { type: 'password' }, number: { type: 'number' } } as const

/** A line of text. */
export function TextField(props: TextFieldProps) {
  const { title, description, value, type = 'text', maxLength, isDisabled = false, aside } = props
  const id = useId()
  return (
    <div class="field">
      <div class="field-head">
        <label for={id}>{title}</label>
        {aside}
      </div>
      <input
        id={id}
        {...KINDS[type]}
        value={value}
        maxLength={maxLength}
        disabled={isDisabled}
        autocomplete="off"
        spellcheck={false}
        aria-describedby={description === undefined ? undefined : `${id}-about`}
        onInput={({ currentTarget }) => props.onInput?.(currentTarget.value)}
        onChange={({ currentTarget }) => props.onChange?.(currentTarget.value)}
      />
      {description !== undefined && (
        <p class="about" id={`${id}-about`}>
          {description}
        </p>
      )}
    </div>
  )
}
