import type { ComponentChildren } from 'preact'
import { useId } from 'preact/hooks'

interface SwitchFieldProps {
  readonly title: string
  readonly description?: string
  readonly value: boolean
  readonly isDisabled?: boolean
  readonly onChange: (value: boolean) => void
  readonly aside?: ComponentChildren
}

/** On or off. */
export function SwitchField({ title, description, value, isDisabled = false, onChange, aside }: SwitchFieldProps) {
  const id = useId()
  return (
    <div class="field">
      <div class="field-head">
        <label class="switch">
          <input
            type="checkbox"
            role="switch"
            checked={value}
            disabled={isDisabled}
            aria-describedby={description === undefined ? undefined : `${id}-about`}
            onChange={({ currentTarget }) => onChange(currentTarget.checked)}
          />
          {title}
        </label>
        {aside}
      </div>
      {description !== undefined && (
        <p class="about" id={`${id}-about`}>
          {description}
        </p>
      )}
    </div>
  )
}
