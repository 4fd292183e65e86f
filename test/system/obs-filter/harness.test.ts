/**
 * The harness itself, without the plugin: what it reads back is what a source drew, when it drew it, each frame once.
 *
 * Seen red with a host that reads all, or points only, from the frame before; that leaves out or repeats a frame; that
 * exchanges colours; that looks for detail across only, or not in linear light; that counts nothing as clear; that hashes
 * the first pixels only; that leaves a source behind.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { missingForObs } from '../../native/obs-host/build.ts'
import { ObsHost } from '../../native/obs-host/obs-host.ts'
import { cell, cells, numberPoints, PERSON, readNumbers, ROOM_STEP, WHOLE } from '../../native/obs-host/picture.ts'
import { nowMs } from './stage.ts'

const missing = missingForObs()
if (missing !== undefined) console.warn(`The tests of the OBS filter are skipped: ${missing}.`)

const TICK_MS = 1000 / 30

describe.skipIf(missing !== undefined)('the libobs host', () => {
  let host: ObsHost
  beforeAll(async () => {
    host = await ObsHost.start({ socket: '/nonexistent', plugin: 'none' })
    await host.create('picture', 'still', { every: 0 })
    await host.create('picture', 'moving')
    await host.create('camera', 'camera', { fps: 15, format: 'i420' })
    for (const source of ['still', 'moving', 'camera']) await host.scene(`${source} scene`, [{ source }])
  })
  afterAll(async () => {
    await host.kill()
  })

  it('reads the number of every frame of a sync source', async () => {
    await host.program('moving scene')
    await host.pass(5)
    const frames = await host.frames(30, numberPoints())
    const numbers = frames.map((frame) => readNumbers(frame.points).picture)
    expect(numbers).not.toContain(undefined)
    expect(new Set(frames.map(({ hash }) => hash)).size).toBe(new Set(numbers).size)
    const steps = numbers.slice(1).map((n, index) => n! - numbers[index]!)
    expect(steps.every((step) => step >= 0 && step <= 6)).toBe(true)
    expect(numbers.at(-1)! - numbers[0]!).toBeGreaterThan(25)
    const times = frames.map(({ timestampMs }) => timestampMs)
    expect(times.slice(1).map((time, n) => Math.round((time - times[n]) / TICK_MS))).toEqual(Array(29).fill(1))
  })

  it('sees a change in the first frame that is drawn after it, in points, areas and hash alike', async () => {
    await host.program('still scene')
    await host.pass(5)
    const after: number[] = []
    for (const alpha of [0, 255, 0, 255]) {
      await host.capture([cell(6, 4)], [WHOLE])
      const changedMs = nowMs()
      await host.updateSource('still', { alpha })
      const frames = await host.captured(6, { stop: true })
      const first = frames.findIndex(({ points: [pixel] }) => pixel.a === alpha)
      const { hash, areas, timestampMs } = frames[first]
      expect(frames.findIndex((frame) => frame.hash === hash)).toBe(first)
      expect(frames.findIndex((frame) => frame.areas[0].hash === areas[0].hash)).toBe(first)
      expect(areas[0]).toMatchObject({ clear: alpha === 0 ? 320 * 180 : 0, opaque: alpha === 0 ? 0 : 320 * 180 })
      after.push(timestampMs - changedMs)
    }
    expect(Math.min(...after)).toBeGreaterThan(-TICK_MS)
    expect(Math.min(...after)).toBeLessThanOrEqual(TICK_MS + 2)
  })

  it('sees every frame of an async source of half the rate twice', async () => {
    await host.program('camera scene')
    await host.pass(10)
    const numbers = (await host.frames(60, numberPoints())).map((frame) => readNumbers(frame.points).picture)
    expect(new Set(numbers).size).toBeGreaterThanOrEqual(27)
    expect(new Set(numbers).size).toBeLessThanOrEqual(33)
  })

  it('finds the room, its detail, and opacity', async () => {
    await host.program('still scene')
    await host.pass(5)
    const room = cells(14, 0, 6, 7)
    const lines = [
      { ...room, width: 1 },
      { ...room, height: 1 },
    ]
    const [frame] = await host.frames(1, [cell(18, 1), cell(4, 4)], [WHOLE, room, ...lines])
    expect(frame.areas[1]).toMatchObject({ room: 96 * 126, opaque: 96 * 126, clear: 0, step: ROOM_STEP })
    expect(frame.areas[0].opaque).toBe(320 * 180)
    expect(frame.areas.slice(2).map(({ step }) => step)).toEqual([ROOM_STEP, ROOM_STEP])
    expect([120, 200]).toContain(frame.points[0].g)
    const { r, g, b } = frame.points[1]
    expect([r, g, b]).toEqual(PERSON)
  })

  it('leaves without a leak', async () => {
    expect((await host.quit()).leaks).toBe(0)
  })
})
