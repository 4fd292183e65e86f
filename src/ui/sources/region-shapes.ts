import { FEWEST_POINTS, MOST_POINTS } from '../../settings/region-limits.ts'
import type { Region } from '../../settings/schema.ts'

/** Regions as they are drawn: polygons in 0..1 of the source. Pure geometry; every function returns a new polygon. */

export interface Point {
  readonly x: number
  readonly y: number
}
export type Polygon = readonly Point[]

/** The kinds and polygons, as the settings hold them. */
export function regionOf(kind: Region['kind'], polygon: Polygon): Region {
  return { kind, points: polygon.map(({ x, y }) => ({ x, y })) }
}

/** Inside of the picture, and to a ten-thousandth: finer is no pixel of any source. */
export function clampPoint({ x, y }: Point): Point {
  const clamp = (value: number): number => Math.round(Math.min(1, Math.max(0, value)) * 1e4) / 1e4
  return { x: clamp(x), y: clamp(y) }
}

export function movePoint(polygon: Polygon, index: number, to: Point): Polygon {
  return polygon.map((point, i) => (i === index ? clampPoint(to) : point))
}

/** Moves the whole as far as the picture's edge lets it, in its shape. */
export function movePolygon(polygon: Polygon, by: Point): Polygon {
  const within = (values: number[], step: number): number =>
    Math.min(1 - Math.max(...values), Math.max(-Math.min(...values), step))
  const dx = within(
    polygon.map(({ x }) => x),
    by.x,
  )
  const dy = within(
    polygon.map(({ y }) => y),
    by.y,
  )
  return polygon.map(({ x, y }) => clampPoint({ x: x + dx, y: y + dy }))
}

/** Adds a point half-way (or at `at`) between this one and the next; at 64 points it stays as it is. */
export function insertAfter(polygon: Polygon, index: number, at?: Point): Polygon {
  if (polygon.length >= MOST_POINTS) return polygon
  const one = polygon[index]
  const next = polygon[(index + 1) % polygon.length]
  const point = at ?? { x: (one.x + next.x) / 2, y: (one.y + next.y) / 2 }
  return [...polygon.slice(0, index + 1), clampPoint(point), ...polygon.slice(index + 1)]
}

/** Null: with a point less it is no polygon, and goes as a whole. */
export function removePoint(polygon: Polygon, index: number): Polygon | null {
  if (polygon.length <= FEWEST_POINTS) return null
  return polygon.filter((_, i) => i !== index)
}

/**
 * A polygon to begin with where none can be drawn by hand: a square-looking one in the middle.
 *
 * @param aspect - width of the picture by its height
 */
export function middlePolygon(aspect: number): Polygon {
  const halfWidth = 0.15
  const halfHeight = Math.min(0.4, halfWidth * aspect)
  return [
    { x: 0.5 - halfWidth, y: 0.5 - halfHeight },
    { x: 0.5 + halfWidth, y: 0.5 - halfHeight },
    { x: 0.5 + halfWidth, y: 0.5 + halfHeight },
    { x: 0.5 - halfWidth, y: 0.5 + halfHeight },
  ].map(clampPoint)
}

/** Whether what was drawn is a region: three corners that do not lie on one line. */
export function isPolygon(points: Polygon): boolean {
  return points.length >= FEWEST_POINTS && area(points) > 1e-5
}

/** In shares of the picture. */
export function area(points: Polygon): number {
  let twice = 0
  points.forEach((one, i) => {
    const next = points[(i + 1) % points.length]
    twice += one.x * next.y - next.x * one.y
  })
  return Math.abs(twice) / 2
}

/** The distance of two points in pixels of a picture that is drawn at this size. */
export function pixelDistance(one: Point, other: Point, width: number, height: number): number {
  return Math.hypot((one.x - other.x) * width, (one.y - other.y) * height)
}
