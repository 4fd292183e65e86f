/**
 * What the filter's hotkeys do to what is shown, pressed by libobs's own call: `reset` counts one reset and shows no gap;
 * `cover` shows the policy's picture at once, and the matted one at once again; `next view` goes round the three views.
 *
 * Seen red with keys that act on release too; with a reset of another reason; with one that lets go of the planes; with
 * `cover` ten frames late, showing the room under `show`, or ending the sending; with a view left out; with hotkeys that
 * stay when the filter goes.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { FakeSidecar } from '../../fake-sidecar/fake-sidecar.ts'
import type { OutputFrame } from '../../native/obs-host/obs-host.ts'
import { cell, cells, numberPoints, PERSON, readNumbers, WHOLE, type Pixel } from '../../native/obs-host/picture.ts'
import { connectionOf, missing, nextStats, nowMs, resetsOf, Stage, until } from './stage.ts'

const numbers = numberPoints()
const ROOM_AREA = cells(14, 1, 6, 5)
const points = [...numbers, cell(6, 4), cell(16, 3)]
const areas = [WHOLE, ROOM_AREA]
/** A key takes effect at the tick after it, and a busy machine may let one pass. */
const AT_ONCE_MS = (3 * 1000) / 30
/** What a blur leaves of the room's checkerboard. */
const BLURRED_STEP = 12

const pairOf = (frame: OutputFrame) => readNumbers(frame.points)
const isMatted = (frame: OutputFrame): boolean => pairOf(frame).matte !== undefined && frame.areas[0].room === 0
const isClear = ({ areas: [whole] }: OutputFrame): boolean => whole.clear === WHOLE.width * WHOLE.height
const rgba = ({ r, g, b, a }: Pixel): number[] => [r, g, b, a]

describe.skipIf(missing !== undefined)('the hotkeys of a filter', { timeout: 60_000 }, () => {
  let stage: Stage
  let sidecar: FakeSidecar
  let id: string

  beforeAll(async () => {
    stage = await Stage.open()
    sidecar = stage.sidecar()
    await stage.show({ in_between: 'hold' }, { picture: { walks: false } })
    await until(stage.host, [points, areas], isMatted)
    id = String((await stage.host.filterSettings('cam', 'matte'))['filter_id'])
    await stage.host.pass(30)
  })
  afterAll(() => stage.close())

  const press = (key: 'reset' | 'cover' | 'next_view') => stage.host.do('hotkey', { name: `mattebox.${id}.${key}` })

  describe('reset', () => {
    it.each(['matched', 'newest'])('is one reset, and under %s every frame stays matted', async (pairing) => {
      await stage.host.updateFilter('cam', 'matte', { pairing })
      await stage.host.pass(10)
      const before = resetsOf(sidecar).length
      const { epoch } = sidecar.frames.at(-1)!
      await stage.host.capture(points, areas)
      await press('reset')
      const frames = await stage.host.captured(20, { stop: true })
      expect(frames.filter((frame) => !isMatted(frame)).length).toBe(0)
      if (pairing === 'matched')
        expect(frames.map(pairOf).filter(({ picture, matte }) => picture !== matte)).toEqual([])
      expect(resetsOf(sidecar).slice(before)).toEqual(['asked'])
      expect(sidecar.frames.at(-1)).toMatchObject({ epoch: epoch + 1, reason: 'asked' })
      await stage.host.updateFilter('cam', 'matte', { pairing: 'matched' })
    })

    it('is counted under its reason', async () => {
      expect((await nextStats(sidecar)).resets).toMatchObject({ asked: 2 })
    })
  })

  describe('cover', () => {
    /** What a policy promises of a covered frame. */
    const COVERED: Readonly<Record<string, (frame: OutputFrame) => boolean>> = {
      hide: isClear,
      freeze: isMatted,
      blur: ({ areas: [whole, room] }) => whole.opaque === WHOLE.width * WHOLE.height && room.step <= BLURRED_STEP,
      show: isClear,
    }

    it.each(Object.keys(COVERED))(
      'under %s shows the policy’s picture at once, and the matted one again',
      async (policy) => {
        await stage.host.updateFilter('cam', 'matte', { when_unavailable: policy })
        await until(stage.host, [points, areas], isMatted)
        const resets = resetsOf(sidecar).length
        const { received } = connectionOf(sidecar).counters

        await stage.host.capture(points, areas)
        const pressedMs = nowMs()
        await press('cover')
        const covered = await stage.host.captured(12)
        const late = covered.filter(({ timestampMs }) => timestampMs > pressedMs + AT_ONCE_MS)
        expect(late.length).toBeGreaterThan(5)
        expect(late.filter((frame) => !COVERED[policy](frame)).length).toBe(0)
        if (policy === 'freeze') expect(new Set(late.map(({ hash }) => hash)).size).toBe(1)

        const againMs = nowMs()
        await press('cover')
        const again = await stage.host.captured(12, { stop: true })
        const shown = again.filter(({ timestampMs }) => timestampMs > againMs + AT_ONCE_MS)
        expect(shown.length).toBeGreaterThan(5)
        expect(shown.filter((frame) => !isMatted(frame)).length).toBe(0)
        expect(new Set(shown.map((frame) => pairOf(frame).picture)).size).toBeGreaterThan(3)
        if (policy !== 'blur')
          expect(Math.max(...[...covered, ...again].map(({ areas: [whole] }) => whole.room))).toBe(0)
        // The engine goes on, so that nothing is to be waited for afterwards.
        expect(connectionOf(sidecar).counters.received).toBeGreaterThan(received + 12)
        expect(resetsOf(sidecar).length).toBe(resets)
      },
    )

    it('is told to the sidecar while it lasts', async () => {
      await press('cover')
      let stats = await nextStats(sidecar)
      // The link hears figures four times a second.
      if (!stats.cover) stats = await nextStats(sidecar)
      expect(stats.cover).toBe(true)
      await press('cover')
    })
  })

  it('next view goes from the result to the alpha, to the foreground, and back', async () => {
    const seen = async () => {
      await stage.host.pass(6)
      const [frame] = await stage.host.frames(1, points)
      return frame.points.slice(-2).map(rgba)
    }
    const views = []
    for (let n = 0; n < 3; n++) {
      await press('next_view')
      views.push({ pixels: await seen(), view: connectionOf(sidecar).settings?.view })
    }
    const WHITE = [255, 255, 255, 255]
    const BLACK = [0, 0, 0, 255]
    expect(views).toEqual([
      { view: 'alpha', pixels: [WHITE, BLACK] },
      { view: 'foreground', pixels: [[...PERSON, 255], BLACK] },
      {
        view: 'result',
        pixels: [
          [...PERSON, 255],
          [0, 0, 0, 0],
        ],
      },
    ])
  })

  it('go with the filter', async () => {
    await stage.host.removeFilter('cam', 'matte')
    await stage.host.pass(5)
    await expect(press('reset')).rejects.toThrow('no such hotkey')
  })
})
