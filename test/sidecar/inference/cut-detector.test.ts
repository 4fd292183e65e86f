import { describe, expect, it } from 'vitest'
import { CutDetector } from '../../../src/sidecar/inference/cut-detector.ts'
import { draw, even, scene, type Scene, type View } from './cut-scenes.ts'

const WIDTH = 256
const HEIGHT = 144
const ROOM = scene(1)
const OTHER_ROOM = scene(2)

const shot = (place: Scene, view?: View): Uint8Array => draw(place, WIDTH, HEIGHT, view)
const shots = (place: Scene, views: readonly View[]): Uint8Array[] => views.map((view) => shot(place, view))
const times = <T>(count: number, make: (i: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i))
const white = (count: number): Uint8Array[] => times(count, () => even(WIDTH, HEIGHT, 255))
const black = (count: number): Uint8Array[] => times(count, () => even(WIDTH, HEIGHT, 0))

/** Indices of the frames at which the detector says "cut". */
function cutsIn(frames: readonly Uint8Array[], detector = new CutDetector(WIDTH, HEIGHT)): number[] {
  return frames.flatMap((frame, index) => (detector.next(frame) ? [index] : []))
}

describe('cut detection', () => {
  it('finds a cut to another place, at its first frame and only there', () => {
    const frames = [...times(4, () => shot(ROOM)), ...times(4, () => shot(OTHER_ROOM))]
    expect(cutsIn(frames)).toEqual([4])
  })

  it('takes the picture after a cut as the new reference: back again is a cut too', () => {
    expect(cutsIn([ROOM, OTHER_ROOM, OTHER_ROOM, ROOM, ROOM, scene(3)].map((place) => shot(place)))).toEqual([1, 3, 5])
  })

  it('finds cuts between places of any colours', () => {
    const places = times(20, (i) => scene(100 + i))
    expect(cutsIn(places.map((place) => shot(place)))).toEqual(times(19, (i) => i + 1))
  })

  it('finds cuts where there are no colours', () => {
    const places = times(20, (i) => scene(100 + i, { gray: true }))
    expect(cutsIn(places.map((place) => shot(place))).length).toBeGreaterThanOrEqual(18)
  })

  it('says nothing at the first frame', () => {
    expect(cutsIn([shot(ROOM)])).toEqual([])
  })

  it('compares with nothing after a reset', () => {
    const detector = new CutDetector(WIDTH, HEIGHT)
    cutsIn([shot(ROOM), shot(ROOM)], detector)
    detector.reset()
    expect(cutsIn([shot(OTHER_ROOM), shot(OTHER_ROOM), shot(ROOM)], detector)).toEqual([2])
  })

  it.each([
    [16, 16],
    [32, 16],
    [16, 512],
    [1024, 16],
    [288, 512],
    [480, 272],
    [1024, 1024],
  ])('works at %i x %i', (width, height) => {
    const frames = [
      draw(ROOM, width, height),
      draw(ROOM, width, height, { left: 0.03 }),
      even(width, height, 255),
      draw(ROOM, width, height, { left: 0.03, gain: 0.7 }),
      draw(OTHER_ROOM, width, height),
      draw(OTHER_ROOM, width, height),
    ]
    expect(cutsIn(frames, new CutDetector(width, height))).toEqual([4])
  })

  describe('a frame without structure is undecided', () => {
    it.each([1, 2, 3, 4, 5])('%i white or black frames in one place are no cut', (count) => {
      const views = times(2 * count + 6, (i) => ({ left: 0.01 * i }))
      const frames = shots(ROOM, views)
      frames.splice(2, count, ...white(count))
      frames.splice(count + 4, count, ...black(count))
      expect(cutsIn(frames)).toEqual([])
    })

    it.each([1, 5, 100])('another place after %i white or black frames is a cut', (count) => {
      for (const gap of [white(count), black(count), [...white(count), ...black(count)]]) {
        expect(cutsIn([shot(ROOM), ...gap, shot(OTHER_ROOM), shot(OTHER_ROOM)])).toEqual([1 + gap.length])
      }
    })

    it('the first picture after nothing but black is no cut', () => {
      expect(cutsIn([...black(3), shot(ROOM), shot(ROOM), shot(OTHER_ROOM)])).toEqual([5])
    })

    it('fades to and from black or white are no cut', () => {
      const fade = [0.8, 0.6, 0.4, 0.2, 0.05, 0, 0, 0.05, 0.2, 0.4, 0.6, 0.8, 1]
      for (const top of [0, 255]) {
        const views = fade.map((gain) => ({ gain, offset: top * (1 - gain) }))
        expect(cutsIn([shot(ROOM), ...shots(ROOM, views)])).toEqual([])
      }
    })
  })

  describe('light is no cut', () => {
    it.each([1, 2, 3, 4, 5])('a flash of %i frames, blown out or hazy', (count) => {
      for (const gain of [1.5, 2, 3, 5, 9]) {
        const flash: View = { gain }
        expect(cutsIn(shots(ROOM, [{}, {}, ...times(count, () => flash), {}, {}]))).toEqual([])
      }
      for (const haze of [0.2, 0.4, 0.6, 0.8, 0.9, 0.95, 0.98]) {
        const flash: View = { gain: 1 - haze, offset: 255 * haze }
        expect(cutsIn(shots(ROOM, [{}, {}, ...times(count, () => flash), {}, {}]))).toEqual([])
      }
    })

    it.each([5, 15, 60])('an exposure ramp of %i frames', (count) => {
      const ramp = times(count + 1, (i) => ({ gain: 0.3 * (2 / 0.3) ** (i / count) }))
      expect(cutsIn(shots(ROOM, [...ramp, ...ramp.toReversed()]))).toEqual([])
    })

    it.each([0.3, 0.5, 0.7, 1.4, 2])('a step of exposure to %d, that stays', (gain) => {
      expect(cutsIn(shots(ROOM, [{}, {}, ...times(20, () => ({ gain })), {}, {}]))).toEqual([])
    })

    it('another place in another exposure is a cut', () => {
      for (const gain of [0.3, 0.6, 1.3]) expect(cutsIn([shot(ROOM), shot(OTHER_ROOM, { gain })])).toEqual([1])
    })

    it('noise of a sensor in the dark', () => {
      const views = times(20, (time) => ({ gain: 0.25, noise: 8, time }))
      expect(cutsIn(shots(ROOM, views))).toEqual([])
    })
  })

  describe('motion is no cut', () => {
    it.each([0.02, 0.05, 0.08])('a pan by %d of the width a frame', (speed) => {
      const views = times(Math.floor(0.9 / speed), (i) => ({ left: speed * i, top: 0.3 * speed * i }))
      expect(cutsIn(shots(ROOM, views))).toEqual([])
    })

    it('a pan through a flash', () => {
      const frames = shots(
        ROOM,
        times(20, (i) => ({ left: 0.02 * i })),
      )
      frames.splice(8, 4, ...white(4))
      expect(cutsIn(frames)).toEqual([])
    })

    it('someone who enters, fast', () => {
      const views = times(8, (i) => ({
        person: { x: -0.3 + 0.12 * i, y: 0.4, size: 0.8, clothes: [200, 30, 30] } as const,
      }))
      expect(cutsIn(shots(ROOM, [{}, {}, ...views]))).toEqual([])
    })

    // Faster than a sixth of the width a frame, so much comes and goes in one frame that it may count as a cut.
    it.each([0.05, 0.1, 0.15])('someone who passes close to the camera by %d of the width a frame', (speed) => {
      for (const seed of [1, 2, 3]) {
        for (const clothes of [
          [40, 60, 120],
          [200, 40, 30],
          [30, 30, 30],
        ] as const) {
          const views = times(Math.floor(2.8 / speed), (i) => ({
            person: { x: -0.9 + speed * i, y: 0.1, size: 1.5, clothes },
          }))
          expect(cutsIn(shots(scene(seed), [{}, ...views, {}]))).toEqual([])
        }
      }
    })
  })
})
