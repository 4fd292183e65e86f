import { expect, it } from 'vitest'
import { CutDetector, CUT_THRESHOLDS, type CutMeasure } from '../../../src/sidecar/inference/cut-detector.ts'
import { describeWithSharedData } from '../../shared-data.ts'
import { CHOSEN_ON, decodeClip, JUDGED_ON, type Clip } from './cut-clips.ts'
import { between, seeded, shoot, take, type Random } from './cut-material.ts'

/** Frames without a cut, of all halves together: 20 minutes at 30 frames a second; in the full form, of each half. */
const TWENTY_MINUTES = 20 * 60 * 30
const FULL = process.env['MATTEBOX_FULL'] === '1'
/** What the detector sees, and the larger picture that the camera pans over. */
const WIDTH = 256
const HEIGHT = 144
const WIDE = { width: 384, height: 216 }
/** Joins of each ordered pair of clips, of each kind. */
const JOINS = FULL ? 10 : 2
const CLIPS = CHOSEN_ON.length + JUDGED_ON.length

const KINDS = ['plain', 'other exposure', 'through white', 'through black'] as const
type Kind = (typeof KINDS)[number]

interface Outcome {
  readonly cuts: Record<Kind, { found: number; total: number }>
  readonly missed: string[]
  readonly falseCuts: string[]
  frames: number
  /** Where nothing was cut and little structure was found again: the most different colours, beside the limit. */
  nearestSame: { next: number; afterGap: number }
  readonly millisecondsPerFrame: number[]
}

const newOutcome = (): Outcome => ({
  cuts: Object.fromEntries(KINDS.map((kind) => [kind, { found: 0, total: 0 }])) as Outcome['cuts'],
  missed: [],
  falseCuts: [],
  frames: 0,
  nearestSame: { next: 1, afterGap: 1 },
  millisecondsPerFrame: [],
})

const describeMeasure = ({ age, compared, structure, steady, colours }: CutMeasure): string =>
  `age ${age}, ` +
  Object.entries({ compared, structure, steady, colours })
    .map(([k, v]) => `${k} ${v.toFixed(2)}`)
    .join(', ')

/** A frame that belongs to the picture before it. */
function expectNone(outcome: Outcome, detector: CutDetector, frame: Uint8Array, what: () => string): void {
  outcome.frames++
  const cut = detector.next(frame)
  const m = detector.measure
  if (cut) outcome.falseCuts.push(`${what()}: ${describeMeasure(m)}`)
  if (m.compared < 0.12 || m.structure >= CUT_THRESHOLDS.structureSamePlace) return
  const key = m.age === 1 ? 'next' : 'afterGap'
  if (m.structure < CUT_THRESHOLDS.structure || m.steady >= CUT_THRESHOLDS.steady) {
    outcome.nearestSame[key] = Math.min(outcome.nearestSame[key], m.colours)
  }
}

/** The clip as it is, in the network's usual size. */
async function playAsItIs(shared: string, name: string, outcome: Outcome): Promise<void> {
  const clip = await decodeClip(shared, name, 512, 288)
  const detector = new CutDetector(clip.width, clip.height)
  clip.frames.forEach((frame, index) => {
    const before = performance.now()
    expectNone(outcome, detector, frame, () => `${name} ${index}`)
    outcome.millisecondsPerFrame.push(performance.now() - before)
  })
}

function playTake(clip: Clip, frames: number, seed: number, outcome: Outcome): void {
  const detector = new CutDetector(WIDTH, HEIGHT)
  const frameOf = take(clip, { width: WIDTH, height: HEIGHT, random: seeded(seed) })
  for (let time = 0; time < frames; time++) {
    const { frame, index, event } = frameOf.next().value
    expectNone(outcome, detector, frame, () => `${clip.name} ${index} (${event}, seed ${seed}, time ${time})`)
  }
}

/** Some frames of one clip, then of another. The cut counts as found only at the first frame that shows the other. */
function join(from: Clip, to: Clip, kind: Kind, random: Random, outcome: Outcome): void {
  const before = 5
  const after = 5
  const detector = new CutDetector(WIDTH, HEIGHT)
  const out = new Uint8ClampedArray(WIDTH * HEIGHT * 4)
  const frame = new Uint8Array(out.buffer)
  const start = (clip: Clip): number => Math.floor(between(random, 0, clip.frames.length - 6))
  const [fromStart, toStart] = [start(from), start(to)]
  const gain = kind === 'other exposure' ? between(random, 0.5, 1.2) : 1
  const seen = (clip: Clip, index: number, gain: number): Uint8Array => {
    const left = (clip.width - WIDTH) / 2
    shoot(clip, index, { left, top: (clip.height - HEIGHT) / 2, gain, offset: 0 }, out, WIDTH, HEIGHT)
    return frame
  }
  const title = `${kind}: ${from.name} ${fromStart} > ${to.name} ${toStart}`
  for (let i = 0; i < before; i++) expectNone(outcome, detector, seen(from, fromStart + i, 1), () => title)
  if (kind === 'through white' || kind === 'through black') {
    frame.fill(kind === 'through white' ? 255 : 0)
    for (let rest = Math.floor(between(random, 1, 6)); rest > 0; rest--) {
      expectNone(outcome, detector, frame, () => title)
    }
  }
  const cuts = outcome.cuts[kind]
  cuts.total++
  if (detector.next(seen(to, toStart, gain))) cuts.found++
  else outcome.missed.push(`${title} (gain ${gain.toFixed(2)}): ${describeMeasure(detector.measure)}`)
  for (let i = 1; i < after; i++) expectNone(outcome, detector, seen(to, toStart + i, gain), () => title)
}

async function examine(shared: string, names: readonly string[], takeFrames: number): Promise<Outcome> {
  const outcome = newOutcome()
  for (const [at, name] of names.entries()) {
    await playAsItIs(shared, name, outcome)
    playTake(await decodeClip(shared, name, WIDTH, HEIGHT), takeFrames, 1000 + at, outcome)
    playTake(await decodeClip(shared, name, WIDE.width, WIDE.height), takeFrames, 2000 + at, outcome)
  }
  await joinAll(shared, names, KINDS, JOINS, outcome)
  return outcome
}

async function joinAll(
  shared: string,
  names: readonly string[],
  kinds: readonly Kind[],
  joins: number,
  outcome: Outcome,
): Promise<void> {
  const clips: Clip[] = []
  for (const name of names) clips.push(await decodeClip(shared, name, WIDTH, HEIGHT))
  const random = seeded(3)
  for (const from of clips) {
    for (const to of clips) {
      if (from === to) continue
      for (const kind of kinds) for (let i = 0; i < joins; i++) join(from, to, kind, random, outcome)
    }
  }
}

function report(title: string, outcome: Outcome): void {
  const { cuts, falseCuts, missed, frames, nearestSame, millisecondsPerFrame: ms } = outcome
  const median = ms.toSorted((a, b) => a - b).at(ms.length >> 1)
  const found = KINDS.filter((kind) => cuts[kind].total > 0).map(
    (kind) => `${kind} ${cuts[kind].found}/${cuts[kind].total}`,
  )
  console.log(
    [
      `${title}: cuts found: ${found.join(', ')}; false cuts ${falseCuts.length} in ${(frames / 1800).toFixed(1)} min`,
      `  same picture, other colours: down to ${nearestSame.next.toFixed(2)} (cut under ${CUT_THRESHOLDS.colours}), ` +
        `after a gap ${nearestSame.afterGap.toFixed(2)} (cut under ${CUT_THRESHOLDS.coloursAfterGap})`,
      ...(median === undefined ? [] : [`  ${median.toFixed(3)} ms a frame at 512x288 (median)`]),
      ...falseCuts.map((line) => `  false: ${line}`),
      ...missed.map((line) => `  missed: ${line}`),
    ].join('\n'),
  )
}

const share = (cut: { found: number; total: number }): number => cut.found / cut.total

describeWithSharedData('cut detection on real clips', (shared) => {
  const halves = { 'chosen on': CHOSEN_ON, 'judged on': JUDGED_ON }

  for (const [title, names] of Object.entries(halves)) {
    it(
      `the half it was ${title}: finds 95 % of the cuts, and none where there is none`,
      async () => {
        const takeFrames = Math.ceil(TWENTY_MINUTES / 2 / (FULL ? names.length : CLIPS))
        const outcome = await examine(shared, names, takeFrames)
        report(title, outcome)
        expect(outcome.falseCuts).toEqual([])
        expect(share(outcome.cuts.plain)).toBeGreaterThanOrEqual(0.95)
      },
      FULL ? 600_000 : 120_000,
    )
  }

  it('all clips joined with all: finds 95 % of the cuts', async () => {
    const outcome = newOutcome()
    await joinAll(shared, [...CHOSEN_ON, ...JUDGED_ON], ['plain'], FULL ? 5 : 1, outcome)
    report('all pairs', outcome)
    expect(outcome.falseCuts).toEqual([])
    expect(share(outcome.cuts.plain)).toBeGreaterThanOrEqual(0.95)
  })

  it('all clips one after the other, by name: finds every cut where it is', async () => {
    const names = [...CHOSEN_ON, ...JUDGED_ON].sort()
    const detector = new CutDetector(WIDTH, HEIGHT)
    const wanted: number[] = []
    const found: number[] = []
    let time = 0
    for (const name of names) {
      if (time > 0) wanted.push(time)
      for (const frame of (await decodeClip(shared, name, WIDTH, HEIGHT)).frames) {
        if (detector.next(frame)) found.push(time)
        time++
      }
    }
    expect(found).toEqual(wanted)
  })
})
