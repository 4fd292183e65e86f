import { useState } from 'preact/hooks'
import { filter } from 'virtual:settings'
import { words } from '../locale/index.ts'
import { matteSize } from '../matte/size.ts'
import { RangeField, WordsField } from '../parts/index.ts'
import { ratioMarks } from './ratio-marks.ts'

interface RatioFieldProps {
  /** 0: auto. */
  readonly value: number
  /** Of the source; null: not known yet. */
  readonly size: { readonly width: number; readonly height: number } | null
  readonly onChange: (ratio: number) => void
}

type Choice = keyof typeof words.try.network.ratios

/** The downsample ratio: auto, the published marks for this source, or one's own. */
export function RatioField({ value, size, onChange }: RatioFieldProps) {
  const said = words.try.network
  const [isOwn, setOwn] = useState(false)
  const marks = size && ratioMarks(size.width, size.height)
  const inEffect = size && matteSize(size.width, size.height, value)
  const chosen: Choice = isOwn
    ? 'own'
    : value === 0 || !marks
      ? 'auto'
      : value === marks.portrait
        ? 'portrait'
        : value === marks.fullBody
          ? 'fullBody'
          : 'own'
  const options: { readonly word: Choice; readonly label: string }[] = [
    { word: 'auto', label: said.ratios.auto },
    ...(marks ? [{ word: 'portrait' as const, label: said.ratios.portrait }] : []),
    ...(marks && marks.fullBody !== marks.portrait ? [{ word: 'fullBody' as const, label: said.ratios.fullBody }] : []),
    { word: 'own', label: said.ratios.own },
  ]
  const own = value === 0 ? (inEffect?.ratio ?? 0.5) : value
  const choose = (word: Choice): void => {
    setOwn(word === 'own')
    if (word === 'auto') onChange(0)
    else if (word === 'own') onChange(Math.max(0.05, Number(own.toFixed(2))))
    else if (marks) onChange(marks[word])
  }
  return (
    <WordsField
      title={filter.ratio.title}
      description={filter.ratio.description}
      value={chosen}
      options={options}
      onChange={choose}
    >
      {chosen === 'own' && (
        <RangeField title={said.own} value={own} minimum={0.05} maximum={1} step={0.01} onChange={onChange} />
      )}
      {inEffect && <p class="about">{said.inEffect(inEffect.ratio, inEffect.width, inEffect.height)}</p>}
    </WordsField>
  )
}
