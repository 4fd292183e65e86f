import type { ComponentChildren } from 'preact'
import type { filter } from 'virtual:settings'
import type { EngineSettings, FilterSettings } from '../../settings/index.ts'
import { words } from '../locale/index.ts'
import { RangeField } from './range-field.tsx'
import { SwitchField } from './switch-field.tsx'
import { TextField } from './text-field.tsx'
import { WordsField } from './words-field.tsx'

type Field = (typeof filter)['ratio']
type Key = keyof FilterSettings | keyof EngineSettings

interface SettingFieldProps {
  readonly name: Key
  /** `filter[name]` or `engine[name]` of virtual:settings. */
  readonly field: Field
  readonly value: unknown
  readonly isDisabled?: boolean
  /** While a slider is dragged. */
  readonly onInput?: (value: number) => void
  readonly onChange: (value: unknown) => void
  readonly aside?: ComponentChildren
  readonly children?: ComponentChildren
}

/** Of one step of a slider, where a hundredth would be too fine. */
const STEPS: Partial<Record<Key, number>> = { blur_radius: 1, feather: 0.25, max_delay_ms: 1 }

/** One setting, drawn from the schema: words as a row of radio buttons, numbers as a slider, on or off as a switch. */
export function SettingField({ name, field, value, onInput, ...rest }: SettingFieldProps) {
  const { title, description } = field
  if (field.words) {
    const labels: Readonly<Record<string, string>> = words.settings.words[name as keyof typeof words.settings.words]
    const options = field.words.map((word) => ({ word, label: labels[word] }))
    return <WordsField {...rest} title={title} description={description} value={value as string} options={options} />
  }
  if (field.type === 'boolean') {
    return <SwitchField {...rest} title={title} description={description} value={value as boolean} />
  }
  if (field.type === 'string') {
    return <TextField {...rest} title={title} description={description} value={value as string} />
  }
  const unit = (words.settings.units as Partial<Record<Key, string>>)[name]
  const step = STEPS[name] ?? (field.type === 'integer' ? 1 : 0.01)
  return (
    <RangeField
      {...rest}
      title={title}
      description={description}
      value={value as number}
      minimum={field.minimum!}
      maximum={field.maximum!}
      step={step}
      {...(unit !== undefined && { unit })}
      {...(onInput && { onInput })}
    />
  )
}
