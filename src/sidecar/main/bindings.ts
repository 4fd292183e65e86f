import type { Binding } from '../../api/index.ts'
import type { FilterSettings } from '../../settings/index.ts'
import type { Kept } from './kept.ts'
import type { SourceMetrics } from './metrics.ts'

/** The scene on program as each filter told it last, by filter and the process of its OBS. */
export type ScenesSeen = ReadonlyMap<string, string>

export const NO_SCENES: ScenesSeen = new Map()

/**
 * Takes in what the filters report, and answers where a scene came on program: it changed, or the filter's OBS is a new
 * one. A filter that only reconnects tells the same scene again, and keeps what its user set. Two OBS at once have a
 * program each; what is set then reaches the filter in both.
 */
export function takeScenes(
  before: ScenesSeen,
  sources: readonly SourceMetrics[],
): { readonly seen: ScenesSeen; readonly came: readonly Pick<Binding, 'filterId' | 'scene'>[] } {
  // Of filters that are forgotten, nothing is kept.
  const seen = new Map<string, string>()
  const came: Pick<Binding, 'filterId' | 'scene'>[] = []
  for (const { filterId, connected, last } of sources) {
    const { scene, hello, settings } = last
    const key = `${filterId} ${hello.pid}`
    const known = before.get(key)
    if (known !== undefined) seen.set(key, known)
    // Before it has told its settings, it takes none.
    if (!connected || scene === null || settings === null || scene === known) continue
    seen.set(key, scene)
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
