import { describe, expect, it } from 'vitest'
import type { ObsFilter, ObsVideoSource, PictureFigures, SourceView } from '../../../src/api/index.ts'
import { advice, NOTHING_SEEN, observe, type CoachFacts } from '../../../src/sidecar/panel/coach.ts'
import { sourceView } from '../../../src/sidecar/panel/source-view.ts'
import { addReports, NO_HISTORY, sourceMetrics } from '../../../src/sidecar/main/metrics.ts'
import { report } from '../main/told.ts'

/**
 * Seen red: with one threshold in place of two, "a figure that trembles …" comes and goes; with `afterMs` of 0, advice
 * comes at the first dark frame.
 */

const ID = '00000000000000a1'
const LIT: PictureFigures = { luma: 0.5, personLuma: 0.5, contrast: 0.3, area: 0.3 }

interface Moment {
  readonly picture?: PictureFigures | null
  readonly fps?: number | null
  readonly filters?: readonly Partial<ObsFilter>[]
  readonly isCamera?: boolean
  readonly twin?: boolean
  readonly connected?: boolean
}

function view(id: string, { picture = LIT, fps = 30, connected = true }: Moment): SourceView {
  const [metrics] = sourceMetrics(addReports(NO_HISTORY, [{ ...report(id), picture }]))
  const made = sourceView({ ...metrics, connected }, [], (text) => text)
  return { ...made, figures: { ...made.figures, fps } }
}

function facts(moment: Moment): CoachFacts {
  const { filters, isCamera = true, twin = false } = moment
  const seen: ObsVideoSource = {
    name: 'Camera',
    kind: 'v4l2_input',
    isCamera,
    scenes: [],
    filters: (filters ?? [{}]).map((filter, index) => ({
      name: 'Mattebox',
      kind: 'mattebox',
      enabled: true,
      index,
      filterId: 'kind' in filter ? null : ID,
      ...filter,
    })),
  }
  return { sources: [view(ID, moment), ...(twin ? [view('00000000000000b2', moment)] : [])], obs: { sources: [seen] } }
}

/** The codes that are told as seconds go by; each moment lasts for a number of them, in steps of a quarter. */
function told(...moments: (readonly [seconds: number, moment: Moment])[]): string[][] {
  let memory = NOTHING_SEEN
  let now = 1000
  return moments.map(([seconds, moment]) => {
    const known = facts(moment)
    for (const end = now + seconds * 1000; now < end; now += 250) memory = observe(memory, known, now)
    return advice(memory, known.sources[0], known).map(({ code }) => code)
  })
}

const dark = { picture: { ...LIT, personLuma: 0.1 } }
const blending = { picture: { ...LIT, contrast: 0.03 } }

describe('the picture coach', () => {
  it('has nothing to say where all is well, or nothing is known', () => {
    expect(told([60, {}], [60, { picture: null, fps: null }])).toEqual([[], []])
  })

  it('tells of a person in the dark after four seconds, and is silent two seconds after there is light', () => {
    expect(told([3, dark], [2, dark], [1, {}], [2, {}])).toEqual([[], ['TOO_DARK'], ['TOO_DARK'], []])
  })

  it('does not speak of a moment', () => {
    const blink = [3, dark] as const
    expect(told(blink, [1, {}], blink, [1, {}], blink)).toEqual([[], [], [], [], []])
  })

  it('does not flicker with a figure that trembles at its threshold', () => {
    const at = (personLuma: number): Moment => ({ picture: { ...LIT, personLuma } })
    const trembling = Array.from({ length: 20 }, (_, n) => [1, at(n % 2 === 0 ? 0.175 : 0.19)] as const)
    // It never came, since 0.19 is not dark; and once it is there it stays, since 0.21 is not light.
    expect(told(...trembling).flat()).toEqual([])
    const shaking = Array.from({ length: 20 }, (_, n) => [3, at(n % 2 === 0 ? 0.17 : 0.21)] as const)
    expect(new Set(told([5, at(0.1)], ...shaking).map((codes) => codes.join()))).toEqual(new Set(['TOO_DARK']))
  })

  it('keeps what it said where nothing is known for a while', () => {
    expect(told([5, dark], [30, { picture: null }])).toEqual([['TOO_DARK'], ['TOO_DARK']])
  })

  it('needs a person', () => {
    expect(told([60, { picture: { ...LIT, area: 0.01, personLuma: 0.1, contrast: 0.01 } }])).toEqual([[]])
    expect(told([60, { picture: { ...LIT, personLuma: null, contrast: null } }])).toEqual([[]])
  })

  it('tells of a person with the colours of the background, unless it is dark: then light is what helps', () => {
    expect(told([5, blending], [3, {}])).toEqual([['BLENDS'], []])
    expect(told([5, { picture: { ...LIT, personLuma: 0.1, contrast: 0.03 } }])).toEqual([['TOO_DARK']])
  })

  it('tells of a camera that fell to 15 frames a second, and of none that always had them', () => {
    expect(told([10, { fps: 30 }], [5, { fps: 15 }], [3, { fps: 30 }])).toEqual([[], ['SLOW_CAMERA'], []])
    expect(told([60, { fps: 15 }])).toEqual([[]])
    // Two seconds of many frames are no pace.
    expect(told([2, { fps: 60 }], [10, { fps: 15 }])).toEqual([[], []])
  })

  it('does not take a picture that stands still, or what is no camera, for a slow one', () => {
    expect(told([10, { fps: 30 }], [10, { fps: 0 }])).toEqual([[], []])
    expect(told([10, { fps: 60, isCamera: false }], [10, { fps: 15, isCamera: false }])).toEqual([[], []])
  })

  it('tells of a crop behind it and of a Render Delay before it, and of neither the other way round', () => {
    const crop = { kind: 'crop_filter', name: 'Crop' }
    const delay = { kind: 'gpu_delay', name: 'Render Delay' }
    expect(told([2, { filters: [{}, crop] }], [3, { filters: [crop, {}] }])).toEqual([['CROP_AFTER'], []])
    expect(told([2, { filters: [delay, {}] }], [3, { filters: [{}, delay] }])).toEqual([['DELAY_BEFORE'], []])
    expect(told([9, { filters: [{}, { ...crop, enabled: false }] }])).toEqual([[]])
  })

  it('tells of two mattebox filters on one source', () => {
    expect(told([2, { twin: true }], [3, {}])).toEqual([['TWO_FILTERS'], []])
  })

  it('forgets a filter that is gone', () => {
    expect(told([5, dark], [1, { connected: false }], [1, dark])).toEqual([['TOO_DARK'], [], []])
  })
})
