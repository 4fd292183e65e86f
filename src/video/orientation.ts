/**
 * How a stored picture must be turned to be seen upright: the eight ways in which a rectangle can be laid onto its
 * axes. Named by the image of the stored x and y axes, so `[a, b, c, d]` maps stored (x, y) to shown
 * (a·x + c·y, b·x + d·y), y pointing down.
 */
export type Orientation =
  'upright' | 'turned-90' | 'turned-180' | 'turned-270' | 'mirrored' | 'mirrored-180' | 'mirrored-90' | 'mirrored-270'

interface Turn {
  /** Signs of the matrix a, b, c, d. */
  readonly axes: string
  /** Orientation tag of EXIF 2.32, table 6. */
  readonly exif: number
  /** ffmpeg's filters that do it; explicit, because versions differ in what they apply by themselves. */
  readonly filters: readonly string[]
}

const TURNS: Readonly<Record<Orientation, Turn>> = {
  upright: { axes: '1,0,0,1', exif: 1, filters: [] },
  mirrored: { axes: '-1,0,0,1', exif: 2, filters: ['hflip'] },
  'turned-180': { axes: '-1,0,0,-1', exif: 3, filters: ['hflip', 'vflip'] },
  'mirrored-180': { axes: '1,0,0,-1', exif: 4, filters: ['vflip'] },
  'mirrored-270': { axes: '0,1,1,0', exif: 5, filters: ['transpose=cclock_flip'] },
  'turned-90': { axes: '0,1,-1,0', exif: 6, filters: ['transpose=clock'] },
  'mirrored-90': { axes: '0,-1,-1,0', exif: 7, filters: ['transpose=clock_flip'] },
  'turned-270': { axes: '0,-1,1,0', exif: 8, filters: ['transpose=cclock'] },
}
const all = Object.keys(TURNS) as Orientation[]

/** The filters that turn a stored picture upright. */
export function uprightFilters(orientation: Orientation): readonly string[] {
  return TURNS[orientation].filters
}

/** Whether width and height change places. */
export function swapsSides(orientation: Orientation): boolean {
  return TURNS[orientation].axes.startsWith('0')
}

/** Orientation of an EXIF tag, 1..8; upright for any other value, as readers of EXIF do. */
export function orientationFromExif(tag: number): Orientation {
  return all.find((name) => TURNS[name].exif === tag) ?? 'upright'
}

/**
 * Orientation of a display matrix as ffprobe prints it: three rows "address: a b u", numbers in 16.16 fixed point
 * (the third column 2.30), as in ISO 14496-12 section 8.3.2.
 *
 * @returns undefined for any matrix that does more than put the picture on its axes at its own size
 */
export function orientationFromMatrix(text: string): Orientation | undefined {
  const rows = [...text.matchAll(/:((?:\s+-?\d+){3})/g)].map((row) => row[1].trim().split(/\s+/).map(Number))
  if (rows.length !== 3) return undefined
  const unit = 65536
  const axes = [rows[0][0], rows[0][1], rows[1][0], rows[1][1]].map((value) => Math.round(value / unit) + 0)
  return all.find((name) => TURNS[name].axes === axes.join(','))
}
