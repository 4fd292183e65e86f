/**
 * What the filter draws, to the pixel: the matte's coefficients, views, backgrounds, decontamination, levels, feather,
 * regions, semi-transparent sources, colour spaces and filters in a row. Tolerance: 2 of 255.
 *
 * Seen red with gray computed on linear light in the effect.
 */
import { once } from 'node:events'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Matte } from '../../fake-sidecar/mattes.ts'
import type { FakeSidecar } from '../../fake-sidecar/fake-sidecar.ts'
import { cell, cells, PERSON, ROOM_STEP, type Area, type Pixel, type Point } from '../../native/obs-host/picture.ts'
import { fromLight, toLight } from '../../native/obs-host/srgb.ts'
import { fakePlanes } from '../../native/obs-host/fake-matte.ts'
import { missing, Stage, until } from './stage.ts'

/** Coefficients that are the same everywhere, in the network's order. */
function constant(values: readonly number[]): Matte {
  return ({ width, height }) => {
    const out = new Float32Array(values.length * width * height)
    values.forEach((value, plane) => out.fill(value, plane * width * height, (plane + 1) * width * height))
    return out
  }
}
const alphaOf = (alpha: number): Matte => constant([0, alpha])

/** Opaque in the left half, where the person is. */
const leftHalf: Matte = ({ width, height }, planes) => {
  const out = new Float32Array(planes * width * height)
  for (let y = 0; y < height; y++) {
    const begin = ((planes - 1) * height + y) * width
    out.fill(1, begin, begin + width / 2)
  }
  return out
}

const PERSON_AT = cell(6, 4)
const ROOM_AT = cell(16, 3)
const RAMP_AT = Array.from({ length: 20 }, (_, column) => cell(column, 7))
const ROOM_AREA = cells(14, 1, 6, 5)

const rgba = ({ r, g, b, a }: Pixel): number[] => [r, g, b, a]
const round = (values: readonly number[]): number[] => values.map((value) => Math.round(value))
/** A colour at an opacity over black, as OBS blends it. */
const overBlack = (channel: number, alpha: number): number => 255 * fromLight(toLight(channel / 255) * alpha)

describe.skipIf(missing !== undefined)('what the filter draws', () => {
  let stage: Stage
  let sidecar: FakeSidecar

  beforeAll(async () => {
    stage = await Stage.open()
    sidecar = stage.sidecar({ matte: alphaOf(1) })
    await stage.show({ decontaminate: false, max_delay_ms: 500 }, { picture: { walks: false } })
    await until(stage.host, [[PERSON_AT]], ({ points }) => points[0].a === 255)
  })
  afterAll(() => stage.close())

  /** Lets so many frames be answered. */
  async function answered(count: number): Promise<void> {
    for (let n = 0; n < count; n++) await once(sidecar, 'frame')
  }

  /** Pixels once settings and matte are in effect. */
  async function drawn(
    settings: Readonly<Record<string, unknown>>,
    matte: Matte,
    points: readonly Point[],
    areas: readonly Area[] = [],
  ) {
    sidecar.behave({ matte })
    const defaults = {
      ...{ view: 'result', background: 'remove', decontaminate: false, level_low: 0, level_high: 1, feather: 0 },
      // A machine that is too slow for a moment shows what it had.
      ...{ regions: [], blur_radius: 24, stamp: false, in_between: 'hold', when_unavailable: 'freeze' },
    }
    await stage.host.updateFilter('cam', 'matte', { ...defaults, ...settings })
    await answered(5)
    await stage.host.pass(8)
    const [frame] = await stage.host.frames(1, points, areas)
    return { pixels: frame.points.map(rgba), areas: frame.areas }
  }

  function expectNear(found: readonly number[], wanted: readonly number[], tolerance = 2): void {
    const far = found.some((value, n) => Math.abs(value - wanted[n]) > tolerance)
    expect(far ? round(found) : round(wanted)).toEqual(round(wanted))
  }

  describe('result', () => {
    it('is the source, with the matte as its opacity', async () => {
      const { pixels } = await drawn({}, alphaOf(0.5), [PERSON_AT])
      expectNear(pixels[0], [...PERSON, 128])
    })

    it('is transparent where the matte is 0', async () => {
      const { areas } = await drawn({}, alphaOf(0), [], [{ x: 0, y: 0, width: 320, height: 180 }])
      expect(areas[0].clear).toBe(320 * 180)
    })

    it('takes alpha = A·gray + b, with gray of gamma-encoded values', async () => {
      const { pixels } = await drawn({}, constant([0.8, 0.1]), [...RAMP_AT, PERSON_AT])
      RAMP_AT.forEach((_, column) => {
        const gray = column * 13
        expectNear([pixels[column][3]], [0.8 * gray + 0.1 * 255])
        expectNear(pixels[column].slice(0, 3), [gray, gray, gray], gray < 30 ? 6 : 2)
      })
      expectNear([pixels[20][3]], [(0.8 * (PERSON[0] + PERSON[1] + PERSON[2])) / 3 + 25.5])
    })

    it('takes the colour from the network where decontaminate is on: I + A·I + b, clamped', async () => {
      const matte = constant([-0.5, -0.5, 0.5, 0, 0.1, 0.3, 0.2, 1])
      const { pixels } = await drawn({ decontaminate: true }, matte, [PERSON_AT, ...RAMP_AT])
      expectNear(pixels[0], [0.5 * PERSON[0] + 25.5, 0.5 * PERSON[1] + 76.5, 255, 255])
      RAMP_AT.forEach((_, column) => {
        const gray = column * 13
        const wanted = [0.5 * gray + 25.5, 0.5 * gray + 76.5, Math.min(255, 1.5 * gray + 51), 255]
        expectNear(pixels[1 + column], wanted)
      })
    })

    it('keeps the colour where decontaminate is on and the network changes nothing', async () => {
      const { pixels } = await drawn({ decontaminate: true }, constant([0, 0, 0, 0, 0, 0, 0, 0.5]), [PERSON_AT])
      expectNear(pixels[0], [...PERSON, 128])
    })

    it('puts the person over the blurred room where the background is blurred', async () => {
      const matte: Matte = ({ pixels, width, height }, planes) => fakePlanes(pixels, width, height, planes)
      const { pixels, areas } = await drawn(
        { background: 'blur', blur_radius: 64 },
        matte,
        [PERSON_AT, ROOM_AT],
        [ROOM_AREA, { x: 0, y: 0, width: 320, height: 180 }],
      )
      expectNear(pixels[0], [...PERSON, 255])
      expect(areas[1].opaque).toBe(320 * 180)
      expect(areas[0].step).toBeLessThan(ROOM_STEP / 8)
      // The mean of the checkerboard, in linear light.
      const mean = 255 * fromLight((toLight(200 / 255) + toLight(120 / 255)) / 2)
      expectNear(pixels[1], [16, mean, 32, 255], 4)
    })

    it('does not let the person shine into the blurred room', async () => {
      const beside = { x: 166, y: 90 }
      const { pixels } = await drawn({ background: 'blur', blur_radius: 64 }, leftHalf, [beside])
      expect(pixels[0][0]).toBeLessThan(60)
    })
  })

  describe('the other views', () => {
    it.each([
      [2, constant([0, 0.5]), false],
      [8, constant([0, 0, 0, 0, 0, 0, 0, 0.5]), true],
    ])('alpha is the matte as opaque gray (%i planes)', async (_, matte, decontaminate) => {
      const { pixels } = await drawn({ view: 'alpha', decontaminate }, matte, [PERSON_AT, ROOM_AT])
      expectNear(pixels[0], [128, 128, 128, 255])
      expectNear(pixels[1], [128, 128, 128, 255])
    })

    it('foreground is the person over opaque black', async () => {
      const { pixels } = await drawn({ view: 'foreground' }, alphaOf(0.5), [PERSON_AT])
      expectNear(pixels[0], [...PERSON.map((channel) => overBlack(channel, 0.5)), 255])
    })

    it("foreground shows the network's colour where decontaminate is on", async () => {
      const matte = constant([0, 0, 0, 0, -0.2, 0.2, 0, 1])
      const { pixels } = await drawn({ view: 'foreground', decontaminate: true }, matte, [PERSON_AT])
      expectNear(pixels[0], [PERSON[0] - 51, PERSON[1] + 51, PERSON[2], 255])
    })

    it.each(['alpha', 'foreground'])('%s has no room in it, whatever the background', async (view) => {
      const matte: Matte = ({ pixels, width, height }, planes) => fakePlanes(pixels, width, height, planes)
      const whole = { x: 0, y: 0, width: 320, height: 180 }
      const { pixels, areas } = await drawn({ view, background: 'blur' }, matte, [ROOM_AT], [whole])
      expect(areas[0].room).toBe(0)
      expectNear(pixels[0], [0, 0, 0, 255])
    })
  })

  describe('levels', () => {
    it.each([
      [0.25, 0.75, 0.5, 0.5],
      [0.5, 1, 0.5, 0],
      [0, 0.5, 0.5, 1],
      [0.2, 0.6, 0.4, 0.5],
      [0.5, 0.5, 0.6, 1],
      [0.5, 0.5, 0.4, 0],
    ])('low %f and high %f make a matte of %f one of %f', async (level_low, level_high, matte, wanted) => {
      const { pixels } = await drawn({ level_low, level_high }, alphaOf(matte), [PERSON_AT])
      expectNear([pixels[0][3]], [255 * wanted])
    })
  })

  describe('feather', () => {
    const row = Array.from({ length: 41 }, (_, n) => ({ x: 140 + n, y: 90 }))
    /** Pixels with an alpha between, and the middle of them. */
    const edge = (pixels: readonly number[][]) => ({
      soft: pixels.filter(([, , , a]) => a > 5 && a < 250).length,
      opaque: pixels.filter(([, , , a]) => a > 127).length,
    })

    it('softens the edge on both sides where it is positive', async () => {
      const plain = edge((await drawn({}, leftHalf, row)).pixels)
      const soft = edge((await drawn({ feather: 8 }, leftHalf, row)).pixels)
      expect(soft.soft).toBeGreaterThan(plain.soft)
      expect(Math.abs(soft.opaque - plain.opaque)).toBeLessThanOrEqual(1)
    })

    it('shrinks the matte where it is negative', async () => {
      const plain = edge((await drawn({}, leftHalf, row)).pixels)
      const shrunk = edge((await drawn({ feather: -8 }, leftHalf, row)).pixels)
      // 8 pixels of a 1080-line picture are 1.3 of this one.
      expect(plain.opaque - shrunk.opaque).toBeGreaterThanOrEqual(1)
      expect(plain.opaque - shrunk.opaque).toBeLessThanOrEqual(2)
    })
  })

  describe('regions', () => {
    const box = (kind: 'keep' | 'keep_out', x0: number, y0: number, x1: number, y1: number) => ({
      kind,
      points: [
        { x: x0, y: y0 },
        { x: x1, y: y0 },
        { x: x1, y: y1 },
        { x: x0, y: y1 },
      ],
    })

    it('keep out is always background', async () => {
      const regions = [box('keep_out', 0.25, 0.2, 0.5, 0.7)]
      const { pixels } = await drawn({ regions }, alphaOf(1), [PERSON_AT, { x: 20, y: 80 }])
      expectNear(pixels[0], [0, 0, 0, 0])
      expect(pixels[1][3]).toBe(255)
    })

    it('keep is always foreground', async () => {
      const regions = [box('keep', 0.25, 0.2, 0.5, 0.7)]
      const { pixels } = await drawn({ regions }, alphaOf(0), [PERSON_AT, { x: 20, y: 80 }])
      expectNear(pixels[0], [...PERSON, 255])
      expect(pixels[1][3]).toBe(0)
    })

    it('what is kept out stays out, whatever is kept; and outside of both the matte holds', async () => {
      const regions = [box('keep', 0.2, 0.1, 0.6, 0.8), box('keep_out', 0.4, 0.1, 0.6, 0.8)]
      const { pixels } = await drawn({ regions }, alphaOf(0.5), [
        { x: 96, y: 80 },
        { x: 160, y: 80 },
        { x: 260, y: 130 },
      ])
      expect(pixels.map(([, , , a]) => a)).toEqual([255, 0, 128])
    })

    it('follows the polygon: a triangle is not its box', async () => {
      const regions = [
        {
          kind: 'keep_out',
          points: [
            { x: 0, y: 0 },
            { x: 1, y: 0 },
            { x: 0, y: 1 },
          ],
        },
      ]
      const { pixels } = await drawn({ regions }, alphaOf(1), [
        { x: 20, y: 20 },
        { x: 300, y: 170 },
        { x: 150, y: 85 },
        { x: 170, y: 95 },
      ])
      expect(pixels.map(([, , , a]) => a)).toEqual([0, 255, 0, 255])
    })
  })

  it('stamps the numbers of the frame and of its matte, opaquely, where it is asked to', async () => {
    const bits = Array.from({ length: 64 }, (_, n) => ({ x: 4 + 8 * (n % 32), y: n < 32 ? 4 : 12 }))
    const { pixels } = await drawn({ stamp: true }, alphaOf(0), bits)
    expect(pixels.every(([, , , a]) => a === 255)).toBe(true)
    const number = (row: number): number =>
      pixels.slice(row * 32, row * 32 + 32).reduce((sum, [r]) => sum * 2 + (r > 127 ? 1 : 0), 0)
    expect(number(0)).toBeGreaterThan(10)
    expect(number(1)).toBe(number(0))
  })

  describe('colour spaces', () => {
    const FRAMES = 16
    /** What another target than OBS's canvas gets, premultiplied. */
    async function probed(
      kind: 'picture' | 'picture-hdr',
      picture: Readonly<Record<string, unknown>>,
      space: 'srgb' | 'srgb-16f' | '709-extended',
      linear = true,
      settings: Readonly<Record<string, unknown>> = {},
    ) {
      const source = `${kind} ${JSON.stringify(picture)} ${space} ${linear} ${JSON.stringify(settings)}`
      sidecar.behave({ matte: alphaOf(0.5) })
      await stage.show({ decontaminate: false, ...settings }, { kind, source, picture: { walks: false, ...picture } })
      await until(stage.host, [[PERSON_AT]], ({ points }) => points[0].a > 0)
      await stage.host.pass(FRAMES)
      const [person] = await stage.host.probe(source, space, [PERSON_AT], { linear })
      await stage.host.program('cam scene')
      return person
    }
    const half = (channel: number): number => toLight(channel / 255) / 2
    const near = (found: readonly number[], wanted: readonly number[]): void => {
      found.forEach((value, n) => {
        expect(value).toBeCloseTo(wanted[n], 1.7)
      })
    }

    it('sRGB, blended in linear light', async () => {
      near(await probed('picture', {}, 'srgb'), [...PERSON.map((c) => fromLight(half(c))), 0.5])
    })

    it("sRGB, blended as it is encoded (OBS's screenshots)", async () => {
      near(await probed('picture', {}, 'srgb', false), [...PERSON.map((c) => c / 255 / 2), 0.5])
    })

    it('an sRGB source in an HDR canvas', async () => {
      near(await probed('picture', {}, '709-extended'), [...PERSON.map(half), 0.5])
    })

    it.each(['srgb-16f', '709-extended'] as const)('a source in %s', async (space) => {
      near(await probed('picture-hdr', { space }, space), [...PERSON.map(half), 0.5])
    })

    it('light beyond white stays beyond white', async () => {
      const found = await probed('picture-hdr', { space: '709-extended', gain: 4 }, '709-extended')
      near(found, [...PERSON.map((c) => 4 * half(c)), 0.5])
    })

    it.each(['alpha', 'foreground'] as const)('view %s in an HDR canvas', async (view) => {
      const found = await probed('picture-hdr', { space: '709-extended' }, '709-extended', true, { view })
      const gray = toLight(0.5)
      near(found, view === 'alpha' ? [gray, gray, gray, 1] : [...PERSON.map(half), 1])
    })
  })

  it('a semi-transparent source stays so, and the network sees its own colour', async () => {
    sidecar.behave({ matte: alphaOf(0.5) })
    await stage.show({ decontaminate: false }, { source: 'glass', picture: { walks: false, alpha: 128 } })
    await until(stage.host, [[PERSON_AT]], ({ points }) => points[0].a > 0)
    await stage.host.pass(16)
    const [frame] = await stage.host.frames(1, [PERSON_AT])
    expectNear(rgba(frame.points[0]), [...PERSON, 64], 3)

    let seen: number[] = []
    sidecar.behave({
      matte: (sent, planes) => {
        const at = (Math.floor(sent.height * 0.45) * sent.width + Math.floor(sent.width * 0.325)) * 4
        if (seen.length === 0) seen = Array.from(sent.pixels.subarray(at, at + 4))
        return alphaOf(0.5)(sent, planes)
      },
    })
    await stage.host.pass(6)
    expectNear(seen, [PERSON[2], PERSON[1], PERSON[0], 128], 3)
    await stage.host.program('cam scene')
  })

  it('two filters in a row multiply their mattes', async () => {
    sidecar.behave({ matte: alphaOf(0.5) })
    await stage.show({ decontaminate: false }, { source: 'twice', picture: { walks: false } })
    await stage.host.addFilter('twice', 'again', { ratio: 0.25, decontaminate: false })
    await until(stage.host, [[PERSON_AT]], ({ points }) => points[0].a > 0 && points[0].a < 100)
    const [frame] = await stage.host.frames(1, [PERSON_AT])
    expectNear(rgba(frame.points[0]), [...PERSON, 64])
  })
})
