import type { ComponentChildren } from 'preact'
import { useId } from 'preact/hooks'

interface WordsFieldProps<W extends string> {
  readonly title: string
  /** Where it is plain from the place: then it is only read out. */
  readonly isTitleHidden?: boolean
  readonly description?: string
  readonly value: W
  readonly options: readonly { readonly word: W; readonly label: string }[]
  readonly isDisabled?: boolean
  readonly onChange: (word: W) => void
  readonly aside?: ComponentChildren
  readonly children?: ComponentChildren
}

/** One of a few words, all of them seen: radio buttons drawn as one row. */
export function WordsField<W extends string>(props: WordsFieldProps<W>) {
  const {
    title,
    isTitleHidden = false,
    description,
    value,
    options,
    isDisabled = false,
    onChange,
    aside,
    children,
  } = props
  const id = useId()
  return (
    <fieldset class="field" aria-describedby={description === undefined ? undefined : `${id}-about`}>
      <legend class={isTitleHidden ? 'visually-hidden' : undefined}>{title}</legend>
      {aside !== undefined && <div class="field-aside">{aside}</div>}
      <div class="choices">
        {options.map(({ word, label }) => (
          <label key={word}>
            <input
              type="radio"
              name={id}
              checked={word === value}
              disabled={isDisabled}
              onChange={() => onChange(word)}
            />
            <span>{label}</span>
          </label>
        ))}
      </div>
      {children}
      {description !== undefined && (
        <p class="about" id={`${id}-about`}>
          {description}
        </p>
      )}
    </fieldset>
  )
}
