import { describe, expect, it } from 'vitest'
import { MOST_POINTS } from '../../../src/settings/region-limits.ts'
import {
  area,
  insertAfter,
  isPolygon,
  middlePolygon,
  movePoint,
  movePolygon,
  pixelDistance,
  removePoint,
} from '../../../src/ui/sources/region-shapes.ts'

// To see it red: without the clamp in movePoint a corner leaves the picture; with `<` in place of `<=` in removePoint a
// triangle becomes a line.

const TRIANGLE = [
  { x: 0.2, y: 0.2 },
  { x: 0.6, y: 0.2 },
  { x: 0.4, y: 0.8 },
]

describe('regions', () => {
  it('keep their corners inside of the picture', () => {
    expect(movePoint(TRIANGLE, 1, { x: 1.3, y: -0.2 })[1]).toEqual({ x: 1, y: 0 })
  })

  it('move as a whole in their shape, as far as the edge lets them', () => {
    const moved = movePolygon(TRIANGLE, { x: -0.5, y: 0.1 })
    expect(moved).toEqual([
      { x: 0, y: 0.3 },
      { x: 0.4, y: 0.3 },
      { x: 0.2, y: 0.9 },
    ])
    expect(area(moved)).toBeCloseTo(area(TRIANGLE), 6)
  })

  it('get a new corner half-way to the next, the last one to the first', () => {
    expect(insertAfter(TRIANGLE, 0)[1]).toEqual({ x: 0.4, y: 0.2 })
    expect(insertAfter(TRIANGLE, 2)[3]).toEqual({ x: 0.3, y: 0.5 })
  })

  it('get no more corners than a filter takes', () => {
    let polygon = insertAfter(TRIANGLE, 0)
    for (let i = 0; i < 100; i++) polygon = insertAfter(polygon, 0)
    expect(polygon).toHaveLength(MOST_POINTS)
  })

  it('lose corners until three are left', () => {
    const four = insertAfter(TRIANGLE, 0)
    expect(removePoint(four, 1)).toEqual(TRIANGLE)
    expect(removePoint(TRIANGLE, 1)).toBeNull()
  })

  it('are none while they have two corners, or all on one line', () => {
    expect(isPolygon(TRIANGLE)).toBe(true)
    expect(isPolygon(TRIANGLE.slice(0, 2))).toBe(false)
    expect(isPolygon([0.1, 0.5, 0.9].map((x) => ({ x, y: x })))).toBe(false)
  })

  it('begin as a square in the middle, in pixels of the source', () => {
    const [a, b, c] = middlePolygon(16 / 9)
    expect(pixelDistance(a, b, 1600, 900)).toBeCloseTo(pixelDistance(b, c, 1600, 900), 0)
  })
})
