import { describe, expect, it } from 'vitest'
import type { ObsFilter, ObsVideoSource, SourceView } from '../../../src/api/index.ts'
import { isOurs, obsCount, obsProcesses, sorted, warningsOf } from '../../../src/ui/obs/findings.ts'

const OURS: ObsFilter = { name: 'matte', kind: 'mattebox_filter', enabled: true, index: 0, filterId: 'a'.repeat(16) }
const CROP: ObsFilter = { name: 'Crop', kind: 'crop_filter', enabled: true, index: 0, filterId: null }

function source(name: string, filters: readonly ObsFilter[], isCamera = true): ObsVideoSource {
  return { name, kind: 'v4l2_input', isCamera, scenes: ['Main'], filters: [...filters] }
}

const connected = (id: string, pid: number, version = '30.2.3') =>
  ({ id, connected: true, obs: { pid, version } }) as SourceView

// Seen red with `ours.every` as `ours.some`, without the enabled ones counted alone, and with pids not compared.
describe('what is remarkable in OBS', () => {
  it('is a filter that is switched off: the room is shown', () => {
    const sources = [source('Camera', [CROP, { ...OURS, enabled: false }]), source('Guest', [OURS])]
    expect(warningsOf({ sources, hasPlugin: true })).toEqual([{ kind: 'off', source: 'Camera', filter: 'matte' }])
  })

  it('is not one that is switched off beside another that mattes', () => {
    const sources = [source('Camera', [OURS, { ...OURS, name: 'spare', enabled: false }])]
    expect(warningsOf({ sources, hasPlugin: true })).toEqual([])
  })

  it('is every filter of ours where OBS does not know the plugin, switched on or not', () => {
    const sources = [source('Camera', [OURS, { ...OURS, name: 'spare', enabled: false }]), source('Game', [CROP])]
    expect(warningsOf({ sources, hasPlugin: false }).map(({ kind, filter }) => [kind, filter])).toEqual([
      ['missing', 'matte'],
      ['missing', 'spare'],
    ])
  })

  it('is a source that is matted twice', () => {
    const sources = [source('Camera', [OURS, CROP, { ...OURS, name: 'again' }])]
    expect(warningsOf({ sources, hasPlugin: true })).toEqual([{ kind: 'twice', source: 'Camera', filter: 'again' }])
  })

  it('is nothing while OBS is not connected', () => {
    expect(warningsOf({ sources: null, hasPlugin: null })).toEqual([])
  })

  it('knows a filter of ours that has told no id yet', () => {
    expect(isOurs({ ...OURS, filterId: null })).toBe(true)
    expect(isOurs(CROP)).toBe(false)
  })

  it('sorts sources by what there is to do', () => {
    const all = [source('Camera', [OURS]), source('Phone', [CROP]), source('Game', [], false)]
    const { withFilter, cameras, others } = sorted(all)
    expect([withFilter, cameras, others].map((found) => found.map(({ name }) => name))).toEqual([
      ['Camera'],
      ['Phone'],
      ['Game'],
    ])
  })

  it('tells two OBS apart, the one that the WebSocket reaches first', () => {
    const sources = [connected('b'.repeat(16), 2), connected('a'.repeat(16), 1), connected('c'.repeat(16), 2)]
    const obs = { sources: [source('Camera', [OURS])], state: 'connected' as const }
    const processes = obsProcesses({ sources, obs } as unknown as Parameters<typeof obsProcesses>[0])
    expect(processes.map(({ pid, isReached, filters }) => [pid, isReached, filters.length])).toEqual([
      [1, true, 1],
      [2, false, 2],
    ])
    expect(obsCount(processes, obs)).toBe(2)
  })

  it('counts an OBS that is reached and has no filter beside one that has', () => {
    const sources = [connected('b'.repeat(16), 2), { ...connected('a'.repeat(16), 1), connected: false }]
    const obs = { sources: [source('Camera', [])], state: 'connected' as const }
    const processes = obsProcesses({ sources, obs } as unknown as Parameters<typeof obsProcesses>[0])
    expect(processes.map(({ pid }) => pid)).toEqual([2])
    expect(obsCount(processes, obs)).toBe(2)
    expect(obsCount(processes, { state: 'away' })).toBe(1)
  })
})
