/** How a matted picture is drawn. */
export interface Look {
  readonly view: 'result' | 'alpha' | 'foreground'
  /** Behind the person, in the view `result`. `none`: transparent. */
  readonly background: 'none' | 'colour' | 'picture' | 'blur'
  /** R, G, B in 0..1, gamma-encoded. */
  readonly colour: readonly [number, number, number]
  /** In pixels of a picture of 1080 lines, as in OBS. */
  readonly blurRadius: number
  /** Levels of the matte: what is at most `low` becomes 0, what is at least `high` becomes 1. */
  readonly low: number
  readonly high: number
  /** Pixels of a picture of 1080 lines: grows the matte's edge, or shrinks it below zero. */
  readonly feather: number
  /** Left of it the picture is shown as it came, 0..1 of the width; null: nowhere. */
  readonly divider: number | null
}

/** `#rrggbb` as R, G, B in 0..1. */
export function colourOf(hex: string): [number, number, number] {
  const value = Number.parseInt(hex.slice(1), 16)
  return [(value >> 16) & 255, (value >> 8) & 255, value & 255].map((byte) => byte / 255) as [number, number, number]
}
