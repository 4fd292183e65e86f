import type { ComponentChildren } from 'preact'
import { filter } from 'virtual:settings'
import { effectiveRatio } from '../../model/low-resolution.ts'
import { RATIO_MIN, ratioMarks } from '../../settings/ratio-marks.ts'
import { words } from '../locale/index.ts'
import { matteSize, type MatteSize } from '../matte/size.ts'
import { RangeField } from './range-field.tsx'
import { WordsField } from './words-field.tsx'

type Choice = 'auto' | 'portrait' | 'fullBody' | 'own'

interface RatioFieldProps {
  /** 0: auto. */
  readonly ratio: number
  /** Of the source; null: not known yet. */
  readonly size: { readonly width: number; readonly height: number } | null
  /** While the slider is dragged. */
  readonly onInput?: (ratio: number) => void
  readonly onChange: (ratio: number) => void
  readonly aside?: ComponentChildren
  /** What a step costs at a size, as a sentence; null: not known. */
  readonly costAt?: (low: MatteSize) => string | null
}

/** The downsample ratio: automatic, the published marks for this source, or one's own; and what it comes to. */
export function RatioField({ ratio, size, onInput, onChange, aside, costAt }: RatioFieldProps) {
  const said = words.ratio
  const marks = size && ratioMarks(size.width, size.height)
  const wanted = size ? effectiveRatio(size.width, size.height, ratio) : ratio
  const options: { word: Choice; label: string; ratio: number }[] = [{ word: 'auto', label: said.auto, ratio: 0 }]
  if (marks) {
    const { portrait, fullBody } = marks
    // Small sources have one mark for both.
    if (portrait !== fullBody) options.push({ word: 'portrait', label: said.portrait(portrait), ratio: portrait })
    options.push({ word: 'fullBody', label: said.fullBody(fullBody), ratio: fullBody })
  }
  const isChosen = (option: { readonly ratio: number }): boolean => Math.abs(option.ratio - ratio) < 1e-6
  // It is chosen by the slider.
  if (!options.some(isChosen)) options.push({ word: 'own', label: said.own, ratio })
  const low = size && matteSize(size.width, size.height, ratio)
  const cost = low && costAt?.(low)
  return (
    <div class="ratio">
      <WordsField
        title={filter.ratio.title}
        description={filter.ratio.description}
        value={options.find(isChosen)!.word}
        options={options}
        onChange={(word) => onChange(options.find((option) => option.word === word)!.ratio)}
        aside={aside}
      />
      <RangeField
        title={said.slider}
        value={rounded(Math.max(RATIO_MIN, wanted))}
        minimum={RATIO_MIN}
        maximum={1}
        step={0.005}
        {...(onInput && { onInput })}
        onChange={onChange}
      >
        {low && (
          <p class="ratio-line">
            {said.sees(low.width, low.height)}
            {cost && (
              <>
                {' · '}
                <strong>{cost}</strong>
              </>
            )}
            {low.ratio < wanted && <span class="muted"> {said.lowered(rounded(low.ratio))}</span>}
          </p>
        )}
      </RangeField>
    </div>
  )
}

function rounded(ratio: number): number {
  return Math.round(ratio * 1000) / 1000
}
