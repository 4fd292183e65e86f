/**
 * Sources of every kind under the filter: still pictures, paused clips, cameras slower than OBS, deinterlaced and filtered
 * ones; resized, swapped, hidden and shown while running; many at once.
 *
 * 5 s of stillness here; 60 s with MATTEBOX_FULL=1. Under `newest` a still picture was seen red while
 * pairing.c forgot repeated frames too early.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { FakeSidecar } from '../../fake-sidecar/fake-sidecar.ts'
import { cell, numberPoints, readNumbers, WHOLE, type Area } from '../../native/obs-host/picture.ts'
import { connectionOf, expectAccounted, full, missing, nextStats, resetsOf, Stage, until } from './stage.ts'

const STILL_SECONDS = full ? 60 : 5
const points = numberPoints()
const isMatted = ({ points: pixels }: Parameters<Parameters<typeof until>[2]>[0], at = 0): boolean =>
  readNumbers(pixels.slice(at, at + points.length)).matte !== undefined

describe.skipIf(missing !== undefined)('sources under the filter', { timeout: 120_000 }, () => {
  let stage: Stage
  let sidecar: FakeSidecar

  async function open(options: Parameters<typeof Stage.open>[0] = {}): Promise<void> {
    stage = await Stage.open(options)
    sidecar = stage.sidecar()
  }
  afterEach(() => stage.close())

  const matted = () => until(stage.host, [points], isMatted)
  const sentIn = async (seconds: number): Promise<number> => {
    const before = connectionOf(sidecar).counters.received
    await stage.host.pass(seconds * stage.host.fps)
    return connectionOf(sidecar).counters.received - before
  }

  describe('at 30 frames a second', () => {
    beforeEach(() => open())

    it('a still picture stays matted, is sent once, and never reset', async () => {
      await stage.show({}, { picture: { every: 0 } })
      await matted()
      const sent = await sentIn(1)
      const frames = await stage.host.frames(STILL_SECONDS * 30, points)
      expect(frames.filter((frame) => !isMatted(frame)).length).toBe(0)
      expect(new Set(frames.map(({ hash }) => hash)).size).toBe(1)
      expect(sent).toBe(0)
      expect(connectionOf(sidecar).counters.received).toBeLessThanOrEqual(2)
      expect(resetsOf(sidecar)).toEqual([])
      await expectAccounted(stage, sidecar)
    })

    it('a paused clip stays matted, and goes on without a reset', async () => {
      await stage.show({}, { kind: 'camera' })
      await matted()
      await stage.host.updateSource('cam', { paused: true })
      await stage.host.pass(20)
      const sent = connectionOf(sidecar).counters.received
      const frames = await stage.host.frames(STILL_SECONDS * 30, points)
      expect(frames.filter((frame) => !isMatted(frame)).length).toBe(0)
      expect(connectionOf(sidecar).counters.received).toBe(sent)
      await stage.host.updateSource('cam', { paused: false })
      const after = await stage.host.frames(60, points)
      expect(after.filter((frame) => !isMatted(frame)).length).toBe(0)
      expect(new Set(after.map(({ hash }) => hash)).size).toBeGreaterThan(10)
      expect(resetsOf(sidecar).filter((reason) => reason !== 'source')).toEqual([])
      await expectAccounted(stage, sidecar)
    })

    it.each(['bgra', 'i420'])('a camera in %s is matted on its own frames', async (format) => {
      await stage.show({ in_between: 'hold' }, { kind: 'camera', picture: { format } })
      await matted()
      await stage.host.pass(20)
      const numbers = (await stage.host.frames(40, points)).map((frame) => readNumbers(frame.points))
      expect(numbers.filter(({ picture, matte }) => picture === undefined || picture !== matte)).toEqual([])
      await expectAccounted(stage, sidecar)
    })

    // 1: discard; 5: blend 2x, which makes pictures of its own.
    it.each([1, 5])('a deinterlaced camera (mode %i) is matted', async (mode) => {
      await stage.show({}, { kind: 'camera', picture: { fps: 15 } })
      await stage.host.do('deinterlace', { source: 'cam', mode })
      await until(
        stage.host,
        [[cell(18, 7), cell(16, 3)]],
        ({ points: [gray, room] }) => gray.a === 255 && room.a === 0,
      )
      const frames = await stage.host.frames(45, [cell(18, 7), cell(16, 3)])
      expect(frames.filter(({ points: [gray, room] }) => gray.a !== 255 || room.a !== 0).length).toBe(0)
    })

    it('a filter before ours is what the network sees and what is shown', async () => {
      await stage.host.create('picture', 'cam')
      await stage.host.addFilter('cam', 'colour', { hue_shift: 180 }, 'color_filter_v2')
      await stage.host.addFilter('cam', 'matte', { ratio: 0.25 })
      await stage.host.scene('scene', [{ source: 'cam' }])
      sidecar.behave({ matte: 'opaque' })
      await stage.host.program('scene')
      const person = cell(6, 8)
      const frame = await until(stage.host, [[person]], ({ points: [pixel] }) => pixel.a === 255)
      expect(frame.points[0].g).toBeGreaterThan(frame.points[0].r)
      expect(connectionOf(sidecar).counters.received).toBeGreaterThan(0)
      await expectAccounted(stage, sidecar)
    })

    it('another size is another memory, and no frame of the wrong size', async () => {
      await stage.show()
      await matted()
      const sizes = () => new Set(sidecar.frames.map(({ width, height }) => `${width}x${height}`))
      expect(sizes()).toEqual(new Set(['80x48']))
      await stage.host.updateSource('cam', { width: 256, height: 144 })
      const small: Area = { x: 0, y: 0, width: 256, height: 144 }
      await until(stage.host, [numberPoints(small)], ({ points: pixels }) => readNumbers(pixels).matte !== undefined)
      await stage.host.pass(15)
      expect(sizes()).toEqual(new Set(['80x48', '64x32']))
      // One reset, or two where the memory of the new size comes a moment after the first frame of it.
      expect(['source', 'source size']).toContain(resetsOf(sidecar).join(' '))
      const epochs = sidecar.frames.map(({ epoch, width }) => `${epoch} ${width}`)
      expect(new Set(epochs).size).toBe(new Set(sidecar.frames.map(({ epoch }) => epoch)).size)
      await expectAccounted(stage, sidecar)
    })

    it('another ratio is another low resolution, shown without a gap', async () => {
      await stage.show()
      await matted()
      await stage.host.capture(points)
      await stage.host.updateFilter('cam', 'matte', { ratio: 0.5 })
      const frames = await stage.host.captured(60, { stop: true })
      expect(frames.filter((frame) => !isMatted(frame)).length).toBe(0)
      const last = sidecar.frames.at(-1)!
      expect([last.width, last.height]).toEqual([160, 96])
      expect(resetsOf(sidecar)).toEqual(['size'])
      expect((await nextStats(sidecar)).ratio).toBe(0.5)
      await expectAccounted(stage, sidecar)
    })

    it('hidden for over a second is a gap; the room is not shown when it comes back', async () => {
      await stage.show({}, { picture: { walks: false } })
      await matted()
      await stage.host.showItem('cam scene', 'cam', false)
      await stage.host.pass(45)
      await stage.host.capture(points, [WHOLE])
      await stage.host.showItem('cam scene', 'cam', true)
      const frames = await stage.host.captured(45, { stop: true })
      expect(Math.max(...frames.map(({ areas }) => areas[0].room))).toBe(0)
      expect(isMatted(frames.at(-1)!)).toBe(true)
      expect(resetsOf(sidecar)).toEqual(['gap'])
      await expectAccounted(stage, sidecar)
    })

    it('hidden for a moment is no gap', async () => {
      await stage.show()
      await matted()
      await stage.host.showItem('cam scene', 'cam', false)
      await stage.host.pass(6)
      await stage.host.showItem('cam scene', 'cam', true)
      await stage.host.pass(30)
      expect(resetsOf(sidecar)).toEqual([])
    })

    it('a source without a size is not drawn, and comes back', async () => {
      await stage.show({}, { picture: { walks: false } })
      await matted()
      await stage.host.updateSource('cam', { width: 0, height: 0 })
      await stage.host.pass(45)
      const [nothing] = await stage.host.frames(1, [], [WHOLE])
      expect(nothing.areas[0].clear).toBe(320 * 180)
      await stage.host.capture(points, [WHOLE])
      await stage.host.updateSource('cam', { width: 320, height: 180 })
      const frames = await stage.host.captured(45, { stop: true })
      expect(Math.max(...frames.map(({ areas }) => areas[0].room))).toBe(0)
      expect(isMatted(frames.at(-1)!)).toBe(true)
    })

    it('sources come and go while others run', async () => {
      await stage.show({}, { picture: { walks: false } })
      await matted()
      await stage.host.capture(points, [WHOLE])
      for (let n = 0; n < 5; n++) {
        await stage.show({}, { source: `other ${n}`, picture: { walks: false } })
        await stage.host.captured(12)
        await stage.host.program('cam scene')
        await stage.host.captured(3)
        await stage.host.do('remove', { source: `other ${n}` })
        await stage.host.do('remove', { source: `other ${n} scene` })
        const frames = await stage.host.captured(3)
        expect(Math.max(...frames.map(({ areas }) => areas[0].room))).toBe(0)
      }
      await matted()
      await until(stage.host, [points], () => sidecar.open.length === 1)
    })

    it('four at once are matted each by its own matte, and accounted for each', async () => {
      const tiles: Area[] = [0, 1, 2, 3].map((n) => ({
        ...{ x: (n % 2) * 160, y: Math.floor(n / 2) * 90 },
        ...{ width: 160, height: 90 },
      }))
      for (const n of tiles.keys()) {
        await stage.host.create('picture', `cam ${n}`, { width: 160, height: 90 })
        await stage.host.addFilter(`cam ${n}`, 'matte', { ratio: 0.5, in_between: 'hold', max_delay_ms: 500 })
        // So that the numbers of no two are the same.
        await stage.host.pass(5 * n)
      }
      await stage.host.scene(
        'four',
        tiles.map(({ x, y }, n) => ({ source: `cam ${n}`, x, y })),
      )
      await stage.host.program('four')
      const all = tiles.flatMap((tile) => numberPoints(tile))
      const numbersOf = (pixels: Parameters<typeof readNumbers>[0]) =>
        tiles.map((_, n) => readNumbers(pixels.slice(n * points.length, (n + 1) * points.length)))
      await until(stage.host, [all], (frame) => numbersOf(frame.points).every(({ matte }) => matte !== undefined))
      await stage.host.pass(45)
      const frames = await stage.host.frames(60, all)
      const numbers = frames.flatMap((frame) => numbersOf(frame.points))
      const shown = numbers.filter(({ picture }) => picture !== undefined)
      expect(shown.length).toBeGreaterThanOrEqual(0.95 * numbers.length)
      expect(shown.filter(({ picture, matte }) => picture !== matte)).toEqual([])
      for (const n of tiles.keys()) await expectAccounted(stage, sidecar, `cam ${n}`)
    })
  })

  it('a still picture stays matted under newest, at 60 frames a second', async () => {
    await open({ fps: 60 })
    await stage.show({ pairing: 'newest' }, { picture: { every: 0 } })
    await matted()
    await stage.host.pass(60)
    const frames = await stage.host.frames(120, points)
    expect(frames.filter((frame) => !isMatted(frame)).length).toBe(0)
    expect(resetsOf(sidecar)).toEqual([])
  })

  it('of 30 frames a second in an OBS of 60 sends 30 a second', async () => {
    await open({ fps: 60 })
    await stage.show({}, { kind: 'camera', picture: { fps: 30 } })
    await matted()
    const sent = await sentIn(4)
    expect(sent).toBeLessThanOrEqual(30 * 4 + 4)
    const { lagged, rendered } = await stage.host.video()
    expect(sent).toBeGreaterThanOrEqual((30 * 4 - 6) * (1 - lagged / rendered))
  })

  it('a sync source that advances every other tick is sent every other tick', async () => {
    await open()
    await stage.show({}, { picture: { every: 2 } })
    await matted()
    const sent = await sentIn(4)
    expect(sent).toBeLessThanOrEqual(60 + 2)
    await expectAccounted(stage, sidecar)
  })
})
