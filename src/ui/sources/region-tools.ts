import { useState } from 'preact/hooks'
import { MOST_POINTS, MOST_REGIONS } from '../../settings/region-limits.ts'
import type { Region } from '../../settings/schema.ts'
import { shown } from './edits.ts'
import type { Editor } from './editor.ts'
import { isPolygon, middlePolygon, regionOf, type Point, type Polygon } from './region-shapes.ts'

/** Corners of a region that is being drawn. */
interface Drawing {
  readonly kind: Region['kind']
  readonly points: Polygon
}

export interface RegionTools {
  readonly regions: readonly Region[]
  readonly selected: number | null
  readonly drawing: Drawing | null
  readonly canAdd: boolean
  select(index: number | null): void
  /** Corners are to follow, by mouse or finger. */
  draw(kind: Region['kind']): void
  addCorner(point: Point): void
  /** What was drawn becomes a region; where it is none yet, drawing goes on. */
  finishDrawing(): void
  cancelDrawing(): void
  /** Adds a region in the middle, for the keyboard to move. @param aspect - width of the picture by its height */
  addInMiddle(kind: Region['kind'], aspect: number): void
  /** While a corner is dragged. */
  drag(index: number, polygon: Polygon): void
  change(index: number, polygon: Polygon): void
  /** As `change`, by a key: presses that follow each other are one step of undo. */
  nudge(index: number, corner: number, polygon: Polygon): void
  setKind(index: number, kind: Region['kind']): void
  remove(index: number): void
  replaceAll(regions: readonly Region[]): void
}

/** The regions of one filter, and which of them is being worked on in this page. */
export function useRegionTools(editor: Editor): RegionTools {
  const [chosen, select] = useState<number | null>(null)
  const [drawing, setDrawing] = useState<Drawing | null>(null)
  const regions = shown(editor.edits.value)?.regions ?? []
  // Another page may have removed it.
  const selected = chosen !== null && chosen < regions.length ? chosen : null
  const canAdd = regions.length < MOST_REGIONS

  const withPolygon = (index: number, polygon: Polygon): Region[] =>
    regions.map((region, i) => (i === index ? regionOf(region.kind, polygon) : region))
  const add = (region: Region): void => {
    editor.change({ regions: [...regions, region] })
    select(regions.length)
  }

  return {
    regions,
    selected,
    drawing,
    canAdd,
    select,
    draw(kind) {
      select(null)
      setDrawing({ kind, points: [] })
    },
    addCorner(point) {
      if (drawing === null || drawing.points.length >= MOST_POINTS) return
      setDrawing({ ...drawing, points: [...drawing.points, point] })
    },
    finishDrawing() {
      if (drawing === null || !isPolygon(drawing.points)) return
      add(regionOf(drawing.kind, drawing.points))
      setDrawing(null)
    },
    cancelDrawing() {
      setDrawing(null)
    },
    addInMiddle(kind, aspect) {
      add(regionOf(kind, middlePolygon(aspect)))
    },
    drag(index, polygon) {
      editor.drag({ regions: withPolygon(index, polygon) })
    },
    change(index, polygon) {
      editor.change({ regions: withPolygon(index, polygon) })
    },
    nudge(index, corner, polygon) {
      editor.change({ regions: withPolygon(index, polygon) }, `corner ${corner} of region ${index}`)
    },
    setKind(index, kind) {
      editor.change({ regions: regions.map((region, i) => (i === index ? { ...region, kind } : region)) })
    },
    remove(index) {
      editor.change({ regions: regions.filter((_, i) => i !== index) })
      select(null)
    },
    replaceAll(templates) {
      editor.change({ regions: [...templates] })
      select(null)
    },
  }
}
