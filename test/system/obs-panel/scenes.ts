/** A file of scenes in which one camera, played from a file, stands in every scene. */
export interface FilmedScenes {
  readonly scenes: readonly string[]
  readonly camera: string
  /** Path of a clip. */
  readonly clip: string
  /** Settings of a filter that is on the camera already. */
  readonly filter?: { readonly filter_id: string; readonly ratio: number }
}

/** The first scene is on program. */
export function filmedScenes({ scenes, camera, clip, filter }: FilmedScenes): unknown {
  const items = [{ name: camera, id: 1, visible: true, scale: { x: 1, y: 1 }, align: 5 }]
  const matte = { id: 'mattebox_filter', name: 'Matte', enabled: true, settings: filter }
  return {
    name: 'T',
    current_scene: scenes[0],
    current_program_scene: scenes[0],
    current_transition: 'Cut',
    scene_order: scenes.map((name) => ({ name })),
    sources: [
      {
        id: 'ffmpeg_source',
        name: camera,
        // As a camera does, it goes on when another scene comes on program.
        settings: { local_file: clip, is_local_file: true, looping: true, restart_on_activate: false },
        filters: filter === undefined ? [] : [matte],
      },
      ...scenes.map((name) => ({ id: 'scene', name, settings: { items } })),
    ],
  }
}
