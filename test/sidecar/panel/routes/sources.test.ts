import { describe, expect, it } from 'vitest'
import type { Failure, SourceView } from '../../../../src/api/index.ts'
import { until, report } from '../../main/told.ts'
import { PanelStage } from '../panel-stage.ts'

// Seen red: with studio mode's duplicates counted by `sourcesNamed`, "finds a filter by names …" is ambiguous.

const A = '00000000000000a1'
const B = '00000000000000b2'
const C = '00000000000000c3'
const TWIN = '00000000000000d4'

function named(id: string, source: string, filter: string, isPrivate = false) {
  const given = report(id)
  return { ...given, hello: { ...given.hello, source, filter, private: isPrivate } }
}

const sources = [
  named(A, 'Camera', 'Mattebox'),
  named(B, 'Guest', 'Mattebox'),
  named(C, 'Guest', 'Second'),
  named(TWIN, 'Camera', 'Mattebox', true),
]
const open = () => PanelStage.open({ always: { sources } })
const failure = (json: unknown) => (json as Failure).error
const ids = (json: unknown) => (json as SourceView[]).map(({ id }) => id)

describe.concurrent('filters through the API', () => {
  it('are listed, all of them or those that bear names', async () => {
    await using stage = await open()
    expect(ids((await stage.ask('GET', '/api/sources')).json)).toEqual([A, B, C, TWIN])
    expect(ids((await stage.ask('GET', '/api/sources?source=Guest')).json)).toEqual([B, C])
    expect(ids((await stage.ask('GET', '/api/sources?source=Guest&filter=Second')).json)).toEqual([C])
    expect(ids((await stage.ask('GET', '/api/sources?source=Nobody')).json)).toEqual([])
  })

  it('are found by id', async () => {
    await using stage = await open()
    expect((await stage.ask('GET', `/api/sources/${B}`)).json).toMatchObject({ id: B, source: 'Guest' })
    const { status, json } = await stage.ask('GET', '/api/sources/0000000000000000')
    expect(status).toBe(404)
    expect(failure(json).code).toBe('SOURCE_UNKNOWN')
    // What is known is named.
    expect(failure(json).mend).toContain(`${A} (Camera / Mattebox)`)
  })

  it('are found by names, for writes too; studio mode’s duplicates are not meant', async () => {
    await using stage = await open()
    expect((await stage.ask('GET', '/api/sources/find?source=Camera')).json).toMatchObject({ id: A })
    expect((await stage.ask('POST', '/api/sources/find/reset?source=Guest&filter=Second')).status).toBe(204)
    await until(() => stage.heard.length > 0, 'the reset')
    expect(stage.heard).toEqual([{ kind: 'reset', filterId: C }])
  })

  it('are ambiguous where more than one fits, and nothing is told to any', async () => {
    await using stage = await open()
    const { status, json } = await stage.ask('POST', '/api/sources/find/cover?source=Guest', { on: true })
    expect(status).toBe(409)
    expect(failure(json)).toMatchObject({ code: 'AMBIGUOUS' })
    expect(failure(json).message).toContain(`${C} (Guest / Second)`)
    expect(stage.heard).toEqual([])
  })

  it('are named by an id or by names, not by both', async () => {
    await using stage = await open()
    const { status, json } = await stage.ask('POST', `/api/sources/${A}/reset?source=Camera`)
    expect([status, failure(json).field]).toEqual([400, '/source'])
  })

  it('change settings, and the answer holds all that they have then', async () => {
    await using stage = await open()
    const began = performance.now()
    const { status, json } = await stage.ask('PATCH', `/api/sources/${A}/settings`, { feather: 2.5, view: 'alpha' })
    expect(status).toBe(200)
    expect(json).toMatchObject({ feather: 2.5, view: 'alpha', ratio: 0 })
    expect(performance.now() - began).toBeLessThan(1000)
    expect(stage.heard).toEqual([{ kind: 'set', filterId: A, changes: { feather: 2.5, view: 'alpha' } }])
    expect((await stage.ask('GET', `/api/sources/${A}`)).json).toMatchObject({ settings: { feather: 2.5 } })
  })

  it('have taken numbers on that they round', async () => {
    await using stage = await open()
    const points = [0, 1 / 3, 2 / 3].map((x) => ({ x, y: x * x }))
    const changes = { feather: 1 / 3, blur_radius: 63.1234567, regions: [{ kind: 'keep', points }] }
    const { status, json } = await stage.ask('PATCH', `/api/sources/${A}/settings`, changes)
    expect([status, json]).toMatchObject([200, { feather: 0.333333, blur_radius: 63.123455 }])
  })

  it('that do not answer in time are told of with 202, and the settings that they said last', async () => {
    await using stage = await PanelStage.open({ always: { sources, deaf: true } })
    const { status, json } = await stage.ask('PATCH', `/api/sources/${A}/settings`, { feather: 2.5 })
    expect(status).toBe(202)
    expect(json).toMatchObject({ feather: 0 })
  })

  it.each([
    [{ feather: 9 }, '/feather'],
    [{ ratio: 0.01 }, '/ratio'],
    [{ view: 'room' }, '/view'],
    [{ sparkle: 1 }, '/sparkle'],
    [{ regions: [{ kind: 'keep', points: [{ x: 2, y: 0 }] }] }, '/regions/0/points'],
    [[], ''],
  ])('refuse %j, naming the field, and change nothing', async (changes, field) => {
    await using stage = await open()
    const { status, json } = await stage.ask('PATCH', `/api/sources/${A}/settings`, changes)
    expect(status).toBe(422)
    expect(failure(json).field).toMatch(field === '' ? /^$/ : new RegExp(`^${field}`))
    expect(stage.heard).toEqual([])
  })

  it('take on a preset', async () => {
    await using stage = await open()
    await stage.ask('PUT', '/api/presets/Evening', { settings: { feather: 3 } })
    const { status, json } = await stage.ask('POST', `/api/sources/${A}/preset`, { name: 'Evening' })
    expect([status, json]).toMatchObject([200, { feather: 3 }])
    const none = await stage.ask('POST', `/api/sources/${A}/preset`, { name: 'Morning' })
    expect(none.status).toBe(422)
    expect(failure(none.json)).toMatchObject({ code: 'NOT_KEPT', field: '/name', mend: 'Choose one of: Evening.' })
  })

  it('that are away for a moment, where another process takes over, are told when they are back', async () => {
    const { plan } = sources[0]
    await using stage = await PanelStage.open({
      always: { sources, thenSources: [], handover: plan && [plan] },
      successor: { sources, thenSources: sources, handover: null, warmMs: 500 },
    })
    await until(() => stage.states.state.sources.every(({ connected }) => !connected), 'them to be gone')
    const { status, json } = await stage.ask('PATCH', `/api/sources/${A}/settings`, { feather: 3 })
    expect([status, json]).toMatchObject([200, { feather: 3 }])
  })

  it('that are gone are remembered, and can be told nothing', async () => {
    await using stage = await PanelStage.open({ always: { sources, thenSources: [] } })
    await until(() => stage.states.state.sources.every(({ connected }) => !connected), 'them to be gone')
    expect((await stage.ask('GET', `/api/sources/${A}`)).json).toMatchObject({ connected: false })
    const { status, json } = await stage.ask('POST', `/api/sources/${A}/reset`)
    expect(status).toBe(409)
    expect(failure(json)).toMatchObject({ code: 'SOURCE_AWAY', mend: expect.stringContaining('Start OBS') as string })
  })
})
