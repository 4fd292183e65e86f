import type { Binding } from '../../api/index.ts'
import type { FilterSettings } from '../../settings/index.ts'
import type { Kept } from './kept.ts'
import type { SourceMetrics } from './metrics.ts'

/** The scene on program as each filter told it last, and the OBS that told it. */
export type ScenesSeen = ReadonlyMap<string, { readonly scene: string; readonly pid: number }>

export const NO_SCENES: ScenesSeen = new Map()

/**
 * Takes in what the filters report, and answers where a scene came on program: it changed, or the filter's OBS is a new
 * one. A filter that only reconnects tells the same scene again, and keeps what its user set.
 */
export function takeScenes(
  before: ScenesSeen,
  sources: readonly SourceMetrics[],
): { readonly seen: ScenesSeen; readonly came: readonly Pick<Binding, 'filterId' | 'scene'>[] } {
  const seen = new Map(before)
  const came: Pick<Binding, 'filterId' | 'scene'>[] = []
  for (const { filterId, connected, last } of sources) {
    const { scene, hello, settings } = last
    // Before it has told its settings, it takes none.
    if (!connected || scene === null || settings === null) continue
    const known = before.get(filterId)
    if (known?.scene === scene && known.pid === hello.pid) continue
    seen.set(filterId, { scene, pid: hello.pid })
    // This process is new and the filter is not: its user may have set something since the scene came.
    if (known === undefined && hello.welcomed) continue
    came.push({ filterId, scene })
  }
  return { seen, came }
}

/** The settings that filters are to take on, now that these scenes came on program. */
export function settingsDue(
  came: readonly Pick<Binding, 'filterId' | 'scene'>[],
  { bindings, presets }: Pick<Kept, 'bindings' | 'presets'>,
): { readonly filterId: string; readonly settings: Partial<FilterSettings> }[] {
  return came.flatMap(({ filterId, scene }) => {
    const bound = bindings.find((binding) => binding.filterId === filterId && binding.scene === scene)
    const preset = presets.find(({ name }) => name === bound?.preset)
    return preset ? [{ filterId, settings: preset.settings }] : []
  })
}
