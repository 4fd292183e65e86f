import type { ComponentChildren } from 'preact'
import { filter } from 'virtual:settings'
import type { SourceView } from '../../api/index.ts'
import { effectiveRatio, lowResolution } from '../../model/low-resolution.ts'
import { ratioMarks } from '../../settings/ratio-marks.ts'
import type { FilterSettings } from '../../settings/schema.ts'
import { words } from '../locale/index.ts'
import { RangeField, WordsField } from '../parts/index.ts'
import { isSame } from './edits.ts'
import type { Editor } from './editor.ts'
import { measurements, networkOf } from './measurements.ts'
import { costOf } from './ratio-cost.ts'

type Choice = 'auto' | 'portrait' | 'fullBody' | 'own'

interface RatioFieldProps {
  readonly source: SourceView
  readonly values: FilterSettings
  readonly editor: Editor
  readonly aside: ComponentChildren
}

const LEAST = 0.05
/** The live filter makes no low-resolution frame that is larger. */
const LONGEST_SIDE = 1024

/** The downsample ratio: automatic, the published marks for this source, or one's own; and what it comes to. */
export function RatioField({ source, values, editor, aside }: RatioFieldProps) {
  const said = words.sources.ratio
  const { title, description } = filter.ratio
  const { ratio } = values
  const size = source.sourceSize
  const marks = size && ratioMarks(size.width, size.height)
  const effective = size ? effectiveRatio(size.width, size.height, ratio) : ratio
  const options: { word: Choice; label: string }[] = [{ word: 'auto', label: said.auto }]
  if (marks) {
    // Small sources have one mark for both.
    if (marks.portrait !== marks.fullBody) options.push({ word: 'portrait', label: said.portrait(marks.portrait) })
    options.push({ word: 'fullBody', label: said.fullBody(marks.fullBody) })
  }
  const chosen = options.find(({ word }) => isSame(ratio, ratioOf(word)))?.word ?? 'own'
  // It is chosen by the slider.
  if (chosen === 'own') options.push({ word: 'own', label: said.own })

  function ratioOf(word: Choice): number | undefined {
    if (word === 'auto') return 0
    return word === 'own' ? undefined : marks?.[word]
  }

  return (
    <div class="ratio">
      <WordsField
        title={title}
        description={description}
        value={chosen}
        options={options}
        onChange={(word) => editor.change({ ratio: ratioOf(word) ?? ratio })}
        aside={aside}
      />
      <RangeField
        title={said.slider}
        value={rounded(Math.max(LEAST, effective))}
        minimum={LEAST}
        maximum={1}
        step={0.005}
        onInput={(value) => editor.drag({ ratio: value })}
        onChange={(value) => editor.change({ ratio: value })}
      >
        {size && <p class="ratio-line">{sizeLine(source, values)}</p>}
      </RangeField>
    </div>
  )
}

function rounded(ratio: number): number {
  return Math.round(ratio * 1000) / 1000
}

/** What the network will see, and what it costs here. */
function sizeLine(source: SourceView, values: FilterSettings) {
  const said = words.sources.ratio
  const { width, height } = source.sourceSize!
  const wanted = effectiveRatio(width, height, values.ratio)
  const inEffect = Math.min(wanted, LONGEST_SIDE / Math.max(width, height))
  const low = lowResolution(width, height, inEffect)
  const cost = costOf(low, networkOf(source, values), measurements.value)
  return (
    <>
      {said.sees(low.width, low.height)}
      {cost && (
        <>
          {' · '}
          <strong>{said.costs(cost.ms, cost.isMeasured)}</strong>
        </>
      )}
      {inEffect < wanted && <span class="muted"> {said.lowered(rounded(inEffect))}</span>}
    </>
  )
}
