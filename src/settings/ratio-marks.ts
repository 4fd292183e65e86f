/** The least downsample ratio; 0 stands for auto. */
export const RATIO_MIN = 0.05

/** The downsample ratios that were published with the network, for sources of one resolution. */
export interface RatioMarks {
  readonly resolution: '512' | '720p' | '1080p' | '4K'
  /** Head and shoulders. */
  readonly portrait: number
  readonly fullBody: number
}

/** By the source's longest side. */
const PUBLISHED: readonly (RatioMarks & { readonly longestSide: number })[] = [
  { longestSide: 512, resolution: '512', portrait: 1, fullBody: 1 },
  { longestSide: 1280, resolution: '720p', portrait: 0.375, fullBody: 0.6 },
  { longestSide: 1920, resolution: '1080p', portrait: 0.25, fullBody: 0.4 },
  { longestSide: 3840, resolution: '4K', portrait: 0.125, fullBody: 0.2 },
]

/**
 * The published marks for a source: up to 512 pixels those of 512, above it those of the nearest resolution.
 *
 * @param width - of the source, in pixels; a picture on its side has the same marks
 */
export function ratioMarks(width: number, height: number): RatioMarks {
  const longest = Math.max(width, height)
  const [small, ...larger] = PUBLISHED
  if (longest <= small.longestSide) return small
  const distance = ({ longestSide }: { longestSide: number }): number => Math.abs(Math.log(longest / longestSide))
  return larger.reduce((best, other) => (distance(other) < distance(best) ? other : best))
}
