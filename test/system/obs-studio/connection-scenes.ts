/** Names and ids in the collection below. */
export const KEPT_ID = '0123456789abcdef'
export const MANY = 100

/**
 * A collection with what is hard to list: a camera in a group in a scene, the same camera in another scene, a scene in
 * a scene, sound without a picture, a filter of ours that was there before, a filter on a scene, and many sources.
 */
export function trickyCollection(): unknown {
  const many = Array.from({ length: MANY }, (_, n) => `colour ${n}`)
  const matte = { id: 'mattebox_filter', name: 'Matte', enabled: false, settings: { filter_id: KEPT_ID } }
  const crop = { id: 'crop_filter', name: 'Crop', enabled: true, settings: {} }
  return {
    name: 'T',
    current_scene: 'Talk',
    current_program_scene: 'Talk',
    current_transition: 'Cut',
    scene_order: ['Talk', 'Close', 'Many', 'Empty'].map((name) => ({ name })),
    groups: [{ id: 'group', name: 'Desk', settings: { custom_size: false, ...items(['camera']) } }],
    sources: [
      { id: 'v4l2_input', name: 'camera', settings: {}, filters: [crop, matte] },
      { id: 'ffmpeg_source', name: 'clip', settings: {} },
      { id: 'pulse_input_capture', name: 'microphone', settings: {}, sync: 120_000_000 },
      ...many.map((name) => ({
        id: 'color_source',
        versioned_id: 'color_source_v3',
        name,
        settings: { width: 16, height: 16 },
      })),
      { id: 'scene', name: 'Talk', settings: items(['Desk', 'Close', 'microphone']), filters: [{ ...crop }] },
      { id: 'scene', name: 'Close', settings: items(['camera', 'clip']) },
      { id: 'scene', name: 'Many', settings: items(many) },
      { id: 'scene', name: 'Empty', settings: {} },
    ],
  }
}

function items(names: readonly string[]): { items: unknown[] } {
  return { items: names.map((name, n) => ({ name, id: n + 1, visible: true, scale: { x: 1, y: 1 }, align: 5 })) }
}
