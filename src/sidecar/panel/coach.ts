import type { Advice, ObsView, SourceView } from '../../api/index.ts'

/**
 * The picture coach: a line of advice where it is earned. Pure: what is known and the time are handed in, in milliseconds
 * of a clock that only goes forward.
 *
 * Advice appears when its cause has held for a while, and goes when the cause has been clearly over for a while: a
 * threshold for each, so that a figure that trembles at one of them makes nothing flicker.
 */

/** What is remembered of one rule for one source. */
interface Watched {
  readonly isGiven: boolean
  /** Since when the figures speak against what is given now; null: they do not. */
  readonly turnedAt: number | null
}

/** What is remembered of a source. */
interface Memory {
  readonly rules: Readonly<Record<string, Watched | undefined>>
  /** Since when it has given many frames a second; null: it does not. */
  readonly fastSince: number | null
  /** How many frames a second it gave when it gave many for long; null: it never has. */
  readonly usualFps: number | null
}

type CoachMemory = ReadonlyMap<string, Memory>
export const NOTHING_SEEN: CoachMemory = new Map()

export interface CoachFacts {
  readonly sources: readonly Omit<SourceView, 'advice'>[]
  readonly obs: Pick<ObsView, 'sources'>
}

/** A cause, and what to do; `isThere` and `isOver` may both be false: between its two thresholds, or nothing is known. */
interface Cause extends Advice {
  readonly isThere: boolean
  readonly isOver: boolean
  /** It is told when it has been there for so long. */
  readonly afterMs: number
}

/** Longer than somebody leans out of the light, or a camera's exposure settles. */
const PICTURE_MS = 4_000
/** A list of filters is what it is; a moment for those who are moving filters about. */
const FILTERS_MS = 1_000
/** It goes as it comes: a person who turns on a lamp wants to see that it helped. */
const OVER_MS = 2_000

/** Takes in what is known now. */
export function observe(before: CoachMemory, { sources, obs }: CoachFacts, nowMs: number): CoachMemory {
  return new Map(
    sources
      .filter(({ connected }) => connected)
      .map((source) => {
        const old = before.get(keyOf(source)) ?? { rules: {}, fastSince: null, usualFps: null }
        const pace = observePace(old, source.figures.fps, nowMs)
        const rules = Object.fromEntries(
          causes(source, sources, obs, pace.usualFps).map((cause) => [
            cause.code,
            watch(old.rules[cause.code], cause, nowMs),
          ]),
        )
        return [keyOf(source), { rules, ...pace }]
      }),
  )
}

/** What is to be said of a source, the most useful first. */
export function advice(memory: CoachMemory, source: CoachFacts['sources'][number], facts: CoachFacts): Advice[] {
  const seen = memory.get(keyOf(source))
  if (!seen) return []
  return causes(source, facts.sources, facts.obs, seen.usualFps)
    .filter(({ code }) => seen.rules[code]?.isGiven)
    .map(({ code, message }) => ({ code, message }))
}

/** Two OBS may have the same filter. */
function keyOf({ id, obs }: CoachFacts['sources'][number]): string {
  return `${id} ${obs.pid}`
}

function watch(old: Watched = { isGiven: false, turnedAt: null }, cause: Cause, nowMs: number): Watched {
  const turned = old.isGiven ? cause.isOver : cause.isThere
  if (!turned) return { isGiven: old.isGiven, turnedAt: null }
  const turnedAt = old.turnedAt ?? nowMs
  const holdsMs = old.isGiven ? OVER_MS : cause.afterMs
  return nowMs - turnedAt >= holdsMs ? { isGiven: !old.isGiven, turnedAt: null } : { isGiven: old.isGiven, turnedAt }
}

function causes(
  source: CoachFacts['sources'][number],
  others: CoachFacts['sources'],
  obs: CoachFacts['obs'],
  usualFps: number | null,
): Cause[] {
  return [
    twoFilters(source, others),
    tooDark(source),
    blends(source),
    slowCamera(source, obs, usualFps),
    cropAfter(source, obs),
    renderDelayBefore(source, obs),
  ]
}

/** Both matte the same picture: twice the work, and the second has no room left to look at. */
function twoFilters(source: CoachFacts['sources'][number], others: CoachFacts['sources']): Cause {
  const twins = others.filter(
    (other) => other.connected && !other.private && other.source === source.source && other.obs.pid === source.obs.pid,
  )
  const isThere = !source.private && twins.length > 1
  const message = `${source.source} has ${twins.length} mattebox filters: one does the work, each more costs as much again. Remove all but one.`
  return { code: 'TWO_FILTERS', message, isThere, isOver: !isThere, afterMs: FILTERS_MS }
}

/** Less than this of the picture is a hand, or a fault of the matte. */
const PERSON_AREA = 0.02

/**
 * A face in good light has a luma of 0.45 to 0.7, and a person with dark clothes a mean of 0.25 and more. Below 0.18 a
 * camera's noise is as strong as the differences that the network looks for.
 */
const DARK = { below: 0.18, over: 0.22 }

function tooDark({ picture }: CoachFacts['sources'][number]): Cause {
  const luma = personLuma(picture)
  return {
    code: 'TOO_DARK',
    message: 'The person is dark. Put a lamp in front of you, or raise the camera’s exposure.',
    isThere: luma !== null && luma < DARK.below,
    isOver: luma !== null && luma > DARK.over,
    afterMs: PICTURE_MS,
  }
}

function personLuma(picture: CoachFacts['sources'][number]['picture']): number | null {
  return picture && picture.area >= PERSON_AREA ? picture.personLuma : null
}

/** A webcam's noise in a room is 0.02 to 0.03 of full scale: colours that differ by twice that are hard to tell apart. */
const BLENDS = { below: 0.06, over: 0.09 }

function blends({ picture }: CoachFacts['sources'][number]): Cause {
  const contrast = picture && picture.area >= PERSON_AREA ? picture.contrast : null
  const luma = personLuma(picture)
  // In the dark all colours are alike, and light is what helps.
  const isDark = luma !== null && luma < DARK.over
  return {
    code: 'BLENDS',
    message:
      'The person has the colours of the background. Other clothes, another background or a light from behind help.',
    isThere: contrast !== null && contrast < BLENDS.below && !isDark,
    isOver: isDark || (contrast !== null && contrast > BLENDS.over),
    afterMs: PICTURE_MS,
  }
}

/** Cameras that want more light halve their rate: 30 becomes 15, 25 becomes 12.5. Below 5 the picture stands still. */
const SLOW = { atMost: 15.5, atLeast: 5, over: 18 }
const FAST_FPS = 20
const FAST_FOR_MS = 5_000

function slowCamera(source: CoachFacts['sources'][number], obs: CoachFacts['obs'], usualFps: number | null): Cause {
  const { fps } = source.figures
  // A video or a game may slow down as it likes.
  const isCamera = obs.sources?.find(({ name }) => name === source.source)?.isCamera ?? true
  const isThere = isCamera && usualFps !== null && fps !== null && fps <= SLOW.atMost && fps >= SLOW.atLeast
  return {
    code: 'SLOW_CAMERA',
    message: `The camera gives ${Math.round(fps ?? 0)} frames a second and gave ${Math.round(usualFps ?? 0)} before: most do that when it gets dark. More light, or an exposure that is set by hand, brings them back.`,
    isThere,
    isOver: !isCamera || (fps !== null && fps > SLOW.over),
    afterMs: PICTURE_MS,
  }
}

function observePace(
  { fastSince, usualFps }: Memory,
  fps: number | null,
  nowMs: number,
): Pick<Memory, 'fastSince' | 'usualFps'> {
  // At least FAST_FPS for long, so that two frames that came at once are no pace.
  if (fps === null || fps < FAST_FPS) return { fastSince: null, usualFps }
  const since = fastSince ?? nowMs
  return { fastSince: since, usualFps: nowMs - since >= FAST_FOR_MS ? fps : usualFps }
}

/** The filters that are on, before and after ours; undefined where OBS does not say, or ours is not among them. */
function neighbours(source: CoachFacts['sources'][number], obs: CoachFacts['obs']) {
  const filters = obs.sources?.find(({ name }) => name === source.source)?.filters.filter(({ enabled }) => enabled)
  const ours = filters?.findIndex(({ filterId }) => filterId === source.id) ?? -1
  return ours < 0 || !filters ? undefined : { before: filters.slice(0, ours), after: filters.slice(ours + 1) }
}

/** What is cropped away afterwards was matted for nothing, and took its part of the low resolution. */
function cropAfter(source: CoachFacts['sources'][number], obs: CoachFacts['obs']): Cause {
  const crop = neighbours(source, obs)?.after.find(({ kind }) => kind === 'crop_filter')
  return {
    code: 'CROP_AFTER',
    message: `The filter “${crop?.name}” crops what is matted already. Put it before mattebox: the matte is finer then.`,
    isThere: crop !== undefined,
    isOver: crop === undefined,
    afterMs: FILTERS_MS,
  }
}

/** The picture would change later than the scene that the filter resets at. */
function renderDelayBefore(source: CoachFacts['sources'][number], obs: CoachFacts['obs']): Cause {
  const delay = neighbours(source, obs)?.before.find(({ kind }) => kind === 'gpu_delay')
  return {
    code: 'DELAY_BEFORE',
    message: `The filter “${delay?.name}” delays the picture before it is matted, and resets come too early. Put it after mattebox.`,
    isThere: delay !== undefined,
    isOver: delay === undefined,
    afterMs: FILTERS_MS,
  }
}
