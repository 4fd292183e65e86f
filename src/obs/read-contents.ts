import type { ObsAudioInput, ObsFilter, ObsVideoSource, ObsView } from '../api/index.ts'
import type { ObsSocket } from './obs-socket.ts'
import { hasPicture, isCamera, OUR_KIND } from './source-kinds.ts'

/** What is in an OBS. */
export interface ObsContents extends Pick<ObsView, 'programScene'> {
  readonly sources: ObsVideoSource[]
  readonly audioInputs: ObsAudioInput[]
}

interface Scene {
  readonly sceneName: string
}

/** What obs-websocket says of an entry of a scene, as far as it matters here. */
interface SceneItem {
  readonly sourceName: string
  readonly sourceType: string
  readonly inputKind: string | null
  readonly isGroup: boolean | null
}

/** From 5.5 on, obs-websocket tells what an input gives. */
interface Input {
  readonly inputName: string
  readonly inputKindCaps?: number
}

/**
 * Reads an OBS whole, in a handful of messages however much is in it. What vanishes meanwhile is left out; an event
 * tells of it.
 *
 * @throws {OBSWebSocketError} OBS still starts (`STATUS.NotReady`)
 * @throws {MatteboxError} OBS_AWAY, OBS_SILENT
 */
export async function readContents(socket: ObsSocket): Promise<ObsContents> {
  const [{ scenes, currentProgramSceneName }, { groups }, { inputs }] = await Promise.all([
    socket.call('GetSceneList'),
    socket.call('GetGroupList'),
    socket.call('GetInputList'),
  ])
  // OBS lists what lies undermost first.
  const sceneNames = (scenes as unknown as Scene[]).map(({ sceneName }) => sceneName).reverse()
  const items = await itemsOf(socket, sceneNames, groups)
  const flags = new Map((inputs as unknown as Input[]).map((input) => [input.inputName, input.inputKindCaps]))

  const kinds = kindsOf(sceneNames, items)
  const scenesWith = scenesWithEach(sceneNames, items)
  const pictured = [...kinds].filter(([name, kind]) => hasPicture(kind, flags.get(name)))
  const filters = await socket.callEach(
    'GetSourceFilterList',
    pictured.map(([sourceName]) => ({ sourceName })),
  )
  const sources = pictured.flatMap(([name, kind], n) => {
    const answer = filters[n]
    if (answer === null) return []
    const scenes = [...(scenesWith.get(name) ?? [])]
    const ordered = answer.filters.map(filterView).sort((a, b) => a.index - b.index)
    return [{ name, kind, isCamera: isCamera(kind), scenes, filters: ordered }]
  })
  return { programScene: currentProgramSceneName, sources, audioInputs: await audioOf(socket, [...flags.keys()]) }
}

/** What is in each scene and group, uppermost first. */
async function itemsOf(
  socket: ObsSocket,
  scenes: readonly string[],
  groups: readonly string[],
): Promise<Map<string, readonly SceneItem[]>> {
  const [inScenes, inGroups] = await Promise.all([
    socket.callEach(
      'GetSceneItemList',
      scenes.map((sceneName) => ({ sceneName })),
    ),
    socket.callEach(
      'GetGroupSceneItemList',
      groups.map((sceneName) => ({ sceneName })),
    ),
  ])
  const lists = [...inScenes, ...inGroups]
  return new Map(
    [...scenes, ...groups].map((name, n) => [
      name,
      ((lists[n]?.sceneItems ?? []) as unknown as SceneItem[]).slice().reverse(),
    ]),
  )
}

/** Every source by its name, once: what is in scenes and groups, and the scenes themselves. */
function kindsOf(scenes: readonly string[], items: ReadonlyMap<string, readonly SceneItem[]>): Map<string, string> {
  const kinds = new Map<string, string>()
  for (const list of items.values())
    for (const { sourceName, sourceType, inputKind, isGroup } of list) {
      const nested = sourceType === 'OBS_SOURCE_TYPE_SCENE' ? (isGroup ? 'group' : 'scene') : 'unknown'
      kinds.set(sourceName, inputKind ?? nested)
    }
  for (const name of scenes) kinds.set(name, 'scene')
  return kinds
}

/** The scenes that show a source: directly, in a group, or in a scene that they hold. */
function scenesWithEach(
  scenes: readonly string[],
  items: ReadonlyMap<string, readonly SceneItem[]>,
): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>()
  for (const scene of scenes) {
    const within = new Set<string>()
    const look = (container: string): void => {
      for (const { sourceName } of items.get(container) ?? []) {
        if (within.has(sourceName)) continue
        within.add(sourceName)
        look(sourceName)
      }
    }
    look(scene)
    for (const name of within) found.set(name, (found.get(name) ?? new Set()).add(scene))
  }
  return found
}

async function audioOf(socket: ObsSocket, inputs: readonly string[]): Promise<ObsAudioInput[]> {
  const offsets = await socket.callEach(
    'GetInputAudioSyncOffset',
    inputs.map((inputName) => ({ inputName })),
  )
  // One without sound is refused.
  const found = inputs.flatMap((name, n) => {
    const answer = offsets[n]
    return answer === null ? [] : [{ name, offsetMs: answer.inputAudioSyncOffset }]
  })
  return found.sort((a, b) => a.name.localeCompare(b.name, 'en'))
}

/** @param filter - as obs-websocket describes it */
export function filterView(filter: Readonly<Record<string, unknown>>): ObsFilter {
  const kind = String(filter['filterKind'])
  const settings = filter['filterSettings'] as Readonly<Record<string, unknown>> | null | undefined
  const id = settings?.['filter_id']
  return {
    name: String(filter['filterName']),
    kind,
    enabled: filter['filterEnabled'] === true,
    index: Number(filter['filterIndex']),
    filterId: kind === OUR_KIND && typeof id === 'string' ? id : null,
  }
}
