/** The ratios that the authors of the network publish for a resolution. */
export interface RatioMarks {
  readonly portrait: number
  readonly fullBody: number
}

/** By the longest side, in pixels. */
const MARKS: readonly (readonly [number, RatioMarks])[] = [
  [512, { portrait: 1, fullBody: 1 }],
  [1280, { portrait: 0.375, fullBody: 0.6 }],
  [1920, { portrait: 0.25, fullBody: 0.4 }],
  [Infinity, { portrait: 0.125, fullBody: 0.2 }],
]

/** @param width, height - of the source, in pixels */
export function ratioMarks(width: number, height: number): RatioMarks {
  return MARKS.find(([longest]) => Math.max(width, height) <= longest)![1]
}
