/**
 * The harness itself, without the plugin: what it reads back is what a source drew.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { missingForObs } from '../../native/obs-host/build.ts'
import { ObsHost } from '../../native/obs-host/obs-host.ts'
import { cell, cells, numberPoints, readNumbers, ROOM_STEP, WHOLE } from '../../native/obs-host/picture.ts'

const missing = missingForObs()
if (missing !== undefined) console.warn(`The tests of the OBS filter are skipped: ${missing}.`)

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
    const numbers = (await host.frames(30, numberPoints())).map((frame) => readNumbers(frame.points).picture)
    expect(numbers).not.toContain(undefined)
    const steps = numbers.slice(1).map((n, index) => n! - numbers[index]!)
    expect(steps.every((step) => step >= 0 && step <= 6)).toBe(true)
    expect(numbers.at(-1)! - numbers[0]!).toBeGreaterThan(25)
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
    const [frame] = await host.frames(1, [cell(18, 1)], [WHOLE, cells(14, 0, 6, 7)])
    expect(frame.areas[1]).toMatchObject({ room: 96 * 126, opaque: 96 * 126, clear: 0, step: ROOM_STEP })
    expect(frame.areas[0].opaque).toBe(320 * 180)
    expect([120, 200]).toContain(frame.points[0].g)
  })

  it('leaves without a leak', async () => {
    expect((await host.quit()).leaks).toBe(0)
  })
})
