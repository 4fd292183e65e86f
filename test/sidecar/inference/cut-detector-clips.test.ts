import { expect, it } from 'vitest'
import { CutDetector, CUT_THRESHOLDS, gapOf, type CutMeasure } from '../../../src/sidecar/inference/cut-detector.ts'
import { describeWithSharedData } from '../../shared-data.ts'
import { CLIPS, decodeClip, SAME_OFFICE, type Clip } from './cut-clips.ts'
import { seededRandom } from '../../model/seeded-random.ts'
import { between, shoot, take, type Random } from './cut-material.ts'

const FULL = process.env['MATTEBOX_FULL'] === '1'
/** Frames without a cut: 20 minutes at 30 frames a second, or an hour. */
const TAKE_FRAMES = (FULL ? 60 : 20) * 60 * 30
/** What the detector sees, and the larger picture that the camera pans over. */
const WIDTH = 256
const HEIGHT = 144
const WIDE = { width: 384, height: 216 }
/** Joins of each ordered pair of clips, of each kind. */
const JOINS = FULL ? 5 : 1

const KINDS = ['plain', 'other exposure', 'through white', 'through black'] as const
type Kind = (typeof KINDS)[number]

interface Outcome {
  readonly cuts: Record<Kind, { found: number; total: number }>
  readonly missed: string[]
  readonly falseCuts: string[]
  frames: number
  /** Where nothing was cut though little structure was found again: the most different colours. */
  nearestSame: { nextFrame: number; afterFlash: number; afterLongGap: number }
  readonly millisecondsPerFrame: number[]
}

const newOutcome = (): Outcome => ({
  cuts: Object.fromEntries(KINDS.map((kind) => [kind, { found: 0, total: 0 }])) as Outcome['cuts'],
  missed: [],
  falseCuts: [],
  frames: 0,
  nearestSame: { nextFrame: 1, afterFlash: 1, afterLongGap: 1 },
  millisecondsPerFrame: [],
})

const describeMeasure = ({ age, compared, structure, colours }: CutMeasure): string =>
  `age ${age}, ` +
  Object.entries({ compared, structure, colours })
    .map(([k, v]) => `${k} ${v.toFixed(2)}`)
    .join(', ')

/** A frame that belongs to the picture before it. */
function expectNone(outcome: Outcome, detector: CutDetector, frame: Uint8Array, what: () => string): void {
  outcome.frames++
  const cut = detector.next(frame)
  const m = detector.measure
  if (cut) outcome.falseCuts.push(`${what()}: ${describeMeasure(m)}`)
  if (m.compared < 0.12) return
  const gap = gapOf(m.age)
  if (m.structure < CUT_THRESHOLDS[gap].structure) {
    outcome.nearestSame[gap] = Math.min(outcome.nearestSame[gap], m.colours)
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
  const frameOf = take(clip, { width: WIDTH, height: HEIGHT, random: seededRandom(seed) })
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

async function examine(shared: string): Promise<Outcome> {
  const outcome = newOutcome()
  const takeFrames = Math.ceil(TAKE_FRAMES / 2 / CLIPS.length)
  for (const [at, name] of CLIPS.entries()) {
    await playAsItIs(shared, name, outcome)
    playTake(await decodeClip(shared, name, WIDTH, HEIGHT), takeFrames, 1000 + at, outcome)
    playTake(await decodeClip(shared, name, WIDE.width, WIDE.height), takeFrames, 2000 + at, outcome)
  }
  await joinAll(shared, outcome)
  return outcome
}

async function joinAll(shared: string, outcome: Outcome): Promise<void> {
  const clips: Clip[] = []
  for (const name of CLIPS) clips.push(await decodeClip(shared, name, WIDTH, HEIGHT))
  const random = seededRandom(3)
  for (const from of clips) {
    for (const to of clips) {
      if (from === to) continue
      for (const kind of KINDS) for (let i = 0; i < JOINS; i++) join(from, to, kind, random, outcome)
    }
  }
}

function report(outcome: Outcome): void {
  const { cuts, falseCuts, missed, frames, nearestSame, millisecondsPerFrame: ms } = outcome
  const median = ms.toSorted((a, b) => a - b).at(ms.length >> 1)
  const found = KINDS.filter((kind) => cuts[kind].total > 0).map(
    (kind) => `${kind} ${cuts[kind].found}/${cuts[kind].total}`,
  )
  console.log(
    [
      `cuts found: ${found.join(', ')}; false cuts ${falseCuts.length} in ${(frames / 1800).toFixed(1)} min`,
      '  same picture, least like in colour (cut under): ' +
        Object.entries(nearestSame)
          .map(
            ([gap, colours]) =>
              `${gap} ${colours.toFixed(2)} (${CUT_THRESHOLDS[gap as keyof typeof nearestSame].colours})`,
          )
          .join(', '),
      ...(median === undefined ? [] : [`  ${median.toFixed(3)} ms a frame at 512x288 (median)`]),
      ...falseCuts.map((line) => `  false: ${line}`),
      ...missed.map((line) => `  missed: ${line}`),
    ].join('\n'),
  )
}

const share = (cut: { found: number; total: number }): number => cut.found / cut.total

describeWithSharedData('cut detection on real clips', (shared) => {
  it(
    'finds 95 % of the cuts between any two clips, and none in 20 minutes of flashes, pans and ramps',
    async () => {
      const outcome = await examine(shared)
      report(outcome)
      expect(outcome.falseCuts).toEqual([])
      expect(share(outcome.cuts.plain)).toBeGreaterThanOrEqual(0.95)
    },
    FULL ? 1_200_000 : 240_000,
  )

  it('all clips one after the other, by name: finds every cut where it is, but for a change of people in one place', async () => {
    const detector = new CutDetector(WIDTH, HEIGHT)
    const wanted: number[] = []
    const found: number[] = []
    let time = 0
    let before: string | undefined
    for (const name of CLIPS) {
      const sameOffice = before === SAME_OFFICE[0] && name === SAME_OFFICE[1]
      if (before !== undefined && !sameOffice) wanted.push(time)
      before = name
      for (const frame of (await decodeClip(shared, name, WIDTH, HEIGHT)).frames) {
        if (detector.next(frame)) found.push(time)
        time++
      }
    }
    expect(found).toEqual(wanted)
  })
})
