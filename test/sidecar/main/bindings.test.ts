import { describe, expect, it } from 'vitest'
import { NO_SCENES, settingsDue, takeScenes, type ScenesSeen } from '../../../src/sidecar/main/bindings.ts'
import { addReports, NO_HISTORY, sourceMetrics, type SourceMetrics } from '../../../src/sidecar/main/metrics.ts'
import { report } from './told.ts'

// Seen red: with the scene forgotten where a filter is gone, "that reconnects …" gets its preset again; with scenes kept
// by the filter alone, "of two OBS" comes with each report.

const filterId = '00000000000000a1'

function told(
  scene: string | null,
  changes: { pid?: number; connected?: boolean; settings?: null; welcomed?: boolean } = {},
): SourceMetrics[] {
  const given = report(filterId)
  const { pid = 1, connected = true, welcomed = false } = changes
  const last = {
    ...given,
    scene,
    hello: { ...given.hello, pid, welcomed },
    settings: changes.settings === null ? null : given.settings,
  }
  return sourceMetrics(addReports(NO_HISTORY, [last])).map((source) => ({ ...source, connected }))
}

/** The scenes that came, report by report. */
function came(...reports: SourceMetrics[][]): (string | undefined)[] {
  let seen: ScenesSeen = NO_SCENES
  return reports.map((sources) => {
    const taken = takeScenes(seen, sources)
    seen = taken.seen
    return taken.came.at(0)?.scene
  })
}

describe('a scene came on program for a filter', () => {
  it('that connects while it is there', () => expect(came(told('Desk'))).toEqual(['Desk']))

  it('once a change, and not with each report', () =>
    expect(came(told('Desk'), told('Desk'), told('Chat'), told('Chat'), told('Desk'))).toEqual([
      'Desk',
      undefined,
      'Chat',
      undefined,
      'Desk',
    ]))

  it('only when it is known', () =>
    expect(came(told(null), told('Desk'), told(null), told('Desk'))).toEqual([undefined, 'Desk', undefined, undefined]))

  it('only when the filter has told its settings', () =>
    expect(came(told('Desk', { settings: null }), told('Desk'))).toEqual([undefined, 'Desk']))

  it('not for one that reconnects to a new inference process', () =>
    expect(came(told('Desk'), told('Desk', { connected: false }), told('Desk'))).toEqual([
      'Desk',
      undefined,
      undefined,
    ]))

  it('not for one that was welcomed before this process was there, until its scene changes', () =>
    expect(came(told('Desk', { welcomed: true }), told('Chat', { welcomed: true }))).toEqual([undefined, 'Chat']))

  it('for one that reconnects after the scene changed', () =>
    expect(came(told('Desk'), told('Desk', { connected: false }), told('Chat'))).toEqual(['Desk', undefined, 'Chat']))

  it('for one whose OBS was started anew', () =>
    expect(came(told('Desk'), told('Desk', { connected: false }), told('Desk', { pid: 2 }))).toEqual([
      'Desk',
      undefined,
      'Desk',
    ]))

  it('once in each of two OBS that have the filter', () => {
    const both = [...told('Desk', { pid: 1 }), ...told('Chat', { pid: 2 })]
    expect(takeScenes(NO_SCENES, both).came.map(({ scene }) => scene)).toEqual(['Desk', 'Chat'])
    expect(came(both, both)).toEqual(['Desk', undefined])
  })

  it('and is forgotten with the filter', () => {
    const { seen } = takeScenes(NO_SCENES, told('Desk'))
    expect(takeScenes(seen, []).seen.size).toBe(0)
  })
})

describe('a preset is due', () => {
  const presets = [{ name: 'Evening', settings: { feather: 2 } }]
  const bindings = [{ scene: 'Desk', filterId, preset: 'Evening' }]

  it('where it is bound to that scene for that filter', () => {
    expect(settingsDue([{ filterId, scene: 'Desk' }], { bindings, presets })).toEqual([
      { filterId, settings: { feather: 2 } },
    ])
  })

  it('nowhere else', () => {
    expect(settingsDue([{ filterId, scene: 'Chat' }], { bindings, presets })).toEqual([])
    expect(settingsDue([{ filterId: '00000000000000a2', scene: 'Desk' }], { bindings, presets })).toEqual([])
    expect(settingsDue([{ filterId, scene: 'Desk' }], { bindings, presets: [] })).toEqual([])
  })
})
