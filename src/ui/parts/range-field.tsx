import type { ComponentChildren } from 'preact'
import { useId, useState } from 'preact/hooks'

interface RangeFieldProps {
  readonly title: string
  readonly description?: string
  readonly value: number
  readonly minimum: number
  readonly maximum: number
  /** Default: a hundredth. */
  readonly step?: number
  readonly unit?: string
  readonly isDisabled?: boolean
  /** While the slider is dragged. */
  readonly onInput?: (value: number) => void
  /** When it is let go, or a number was typed. */
  readonly onChange: (value: number) => void
  /** Beside the title: a button that resets it. */
  readonly aside?: ComponentChildren
  /** Below the slider: marks, what follows from the value. */
  readonly children?: ComponentChildren
}

/** A number by slider and by keyboard. */
export function RangeField(props: RangeFieldProps) {
  const { title, description, value, minimum, maximum, step = 0.01, unit, isDisabled = false, aside, children } = props
  const id = useId()
  // What is drawn anew meanwhile, as it is once a second, must not take away what is being typed.
  const [typed, setTyped] = useState<string | null>(null)
  const about = description === undefined ? undefined : `${id}-about`
  const limits = { min: minimum, max: maximum, step, disabled: isDisabled, 'aria-describedby': about }
  return (
    <div class="field">
      <div class="field-head">
        <label for={id}>{title}</label>
        {aside}
      </div>
      <div class="range">
        <input
          id={id}
          type="range"
          {...limits}
          value={value}
          aria-valuetext={unit === undefined ? undefined : `${value} ${unit}`}
          onInput={({ currentTarget }) => props.onInput?.(currentTarget.valueAsNumber)}
          onChange={({ currentTarget }) => props.onChange(currentTarget.valueAsNumber)}
        />
        <input
          type="number"
          {...limits}
          value={typed ?? value}
          aria-label={unit === undefined ? title : `${title}, ${unit}`}
          onInput={({ currentTarget }) => setTyped(currentTarget.value)}
          onChange={({ currentTarget }) => {
            const wished = currentTarget.valueAsNumber
            setTyped(null)
            if (!Number.isNaN(wished)) props.onChange(Math.min(maximum, Math.max(minimum, wished)))
          }}
        />
        {unit !== undefined && <span class="unit">{unit}</span>}
      </div>
      {children}
      {description !== undefined && (
        <p class="about" id={`${id}-about`}>
          {description}
        </p>
      )}
    </div>
  )
}
