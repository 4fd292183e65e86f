import { useEffect, useRef, useState } from 'preact/hooks'
import { words } from '../locale/index.ts'
import {
  clampPoint,
  insertAfter,
  movePoint,
  movePolygon,
  pixelDistance,
  removePoint,
  type Point,
} from './region-shapes.ts'
import type { RegionTools } from './region-tools.ts'

/** A step of the arrow keys, in shares of the picture; with Shift. */
const STEP = 0.005
const LARGE_STEP = 0.05
/** A tap so close to the first corner closes what is drawn. */
const CLOSE_PX = 14
/** The second press of a double click is no corner of its own. */
const SAME_PX = 3
const HANDLE_PX = 6
/** WCAG wants 24 across; a finger is thankful for more. */
const TARGET_PX = 14

/** What the pointer holds: a corner, or the whole. */
interface Hold {
  readonly region: number
  readonly corner: number | null
  readonly from: Point
  readonly polygon: readonly Point[]
}

/** The regions over the picture: drawn, moved and bent there, by mouse, finger and keyboard. */
export function RegionOverlay({ tools }: { readonly tools: RegionTools }) {
  const svg = useRef<SVGSVGElement>(null)
  const [{ width, height }, setSize] = useState({ width: 1, height: 1 })
  const [hold, setHold] = useState<Hold | null>(null)
  const { regions, selected, drawing } = tools

  useEffect(() => {
    const observer = new ResizeObserver(([{ contentRect }]) => setSize(contentRect))
    observer.observe(svg.current!)
    return () => observer.disconnect()
  }, [])

  useEffect(() => {
    if (drawing === null) return
    const onKey = ({ key }: KeyboardEvent): void => {
      if (key === 'Escape') tools.cancelDrawing()
    }
    addEventListener('keydown', onKey)
    return () => removeEventListener('keydown', onKey)
  }, [drawing, tools])

  const pointAt = ({ clientX, clientY }: PointerEvent): Point => {
    const box = svg.current!.getBoundingClientRect()
    return clampPoint({ x: (clientX - box.left) / box.width, y: (clientY - box.top) / box.height })
  }
  const take = (
    event: PointerEvent,
    region: number,
    corner: number | null,
    polygon: readonly Point[] = regions[region].points,
  ): void => {
    if (event.button !== 0) return
    event.stopPropagation()
    // The focus goes to the corner, not away from it.
    svg.current!.setPointerCapture(event.pointerId)
    tools.select(region)
    setHold({ region, corner, from: pointAt(event), polygon })
  }
  const moved = (held: Hold, to: Point): readonly Point[] =>
    held.corner === null
      ? movePolygon(held.polygon, { x: to.x - held.from.x, y: to.y - held.from.y })
      : movePoint(held.polygon, held.corner, to)
  const onTap = (event: PointerEvent): void => {
    if (event.button !== 0) return
    if (drawing === null) {
      tools.select(null)
      return
    }
    event.preventDefault()
    // As it is now: what the observer has said may be older than what is tapped on.
    const box = svg.current!.getBoundingClientRect()
    const point = pointAt(event)
    const isNear = (to: Point, px: number): boolean => pixelDistance(point, to, box.width, box.height) < px
    const { points } = drawing
    const last = points.at(-1)
    if (points.length > 2 && isNear(points[0], CLOSE_PX)) tools.finishDrawing()
    else if (!last || !isNear(last, SAME_PX)) tools.addCorner(point)
  }
  const pixels = (points: readonly Point[]): string => points.map(({ x, y }) => `${x * width},${y * height}`).join(' ')

  return (
    <svg
      ref={svg}
      class={`regions ${drawing || hold ? 'is-drawing' : ''}`}
      viewBox={`0 0 ${width} ${height}`}
      role="application"
      aria-label={words.sources.regions.overlay}
      onPointerDown={onTap}
      onPointerMove={(event) => {
        if (hold) tools.drag(hold.region, moved(hold, pointAt(event)))
      }}
      onPointerUp={(event) => {
        if (!hold) return
        setHold(null)
        tools.change(hold.region, moved(hold, pointAt(event)))
      }}
      onPointerCancel={() => {
        if (!hold) return
        setHold(null)
        tools.change(hold.region, hold.polygon)
      }}
      onDblClick={() => tools.finishDrawing()}
    >
      {regions.map(({ kind, points }, i) => (
        <polygon
          key={i}
          class={`region ${kind} ${i === selected ? 'is-selected' : ''}`}
          points={pixels(points)}
          onPointerDown={(event) => {
            if (!drawing) take(event, i, null)
          }}
        />
      ))}
      {selected !== null && !drawing && (
        <Corners tools={tools} index={selected} width={width} height={height} onTake={take} pointAt={pointAt} />
      )}
      {drawing && drawing.points.length > 0 && (
        <g class={`drawn ${drawing.kind}`}>
          <polyline points={pixels(drawing.points)} />
          {drawing.points.map(({ x, y }, i) => (
            <circle key={i} cx={x * width} cy={y * height} r={i === 0 ? HANDLE_PX + 2 : HANDLE_PX - 2} />
          ))}
        </g>
      )}
    </svg>
  )
}

interface CornersProps {
  readonly tools: RegionTools
  readonly index: number
  readonly width: number
  readonly height: number
  readonly onTake: (event: PointerEvent, region: number, corner: number, polygon?: readonly Point[]) => void
  readonly pointAt: (event: PointerEvent) => Point
}

/** The corners of the selected region, each to be moved, and its sides, on which a new one can be set. */
function Corners({ tools, index, width, height, onTake, pointAt }: CornersProps) {
  const { kind, points } = tools.regions[index]
  const group = useRef<SVGGElement>(null)
  const said = words.sources.regions
  const focusCorner = (corner: number): void => {
    // Drawn first, then focused.
    requestAnimationFrame(() => group.current?.querySelectorAll<SVGElement>('.corner')[corner]?.focus())
  }
  const onKey = (event: KeyboardEvent, corner: number): void => {
    const { x, y } = points[corner]
    const step = event.shiftKey ? LARGE_STEP : STEP
    const moves: Readonly<Record<string, Point | undefined>> = {
      ArrowLeft: { x: x - step, y },
      ArrowRight: { x: x + step, y },
      ArrowUp: { x, y: y - step },
      ArrowDown: { x, y: y + step },
    }
    const to = moves[event.key]
    if (to) tools.nudge(index, corner, movePoint(points, corner, to))
    else if (event.key === 'Insert' || event.key === '+') {
      tools.change(index, insertAfter(points, corner))
      focusCorner(corner + 1)
    } else if (event.key === 'Delete' || event.key === 'Backspace') {
      const fewer = removePoint(points, corner)
      if (fewer) {
        tools.change(index, fewer)
        focusCorner(Math.min(corner, fewer.length - 1))
      } else {
        tools.remove(index)
        focusRegions()
      }
    } else if (event.key === 'Escape') {
      tools.select(null)
      focusRegions()
    } else return
    event.preventDefault()
  }
  return (
    <g ref={group} class={`corners ${kind}`}>
      {points.map((one, i) => {
        const next = points[(i + 1) % points.length]
        return (
          <line
            key={i}
            class="side"
            x1={one.x * width}
            y1={one.y * height}
            x2={next.x * width}
            y2={next.y * height}
            onPointerDown={(event) => onTake(event, index, i + 1, insertAfter(points, i, pointAt(event)))}
          />
        )
      })}
      {points.map(({ x, y }, i) => (
        <g
          key={i}
          class="corner"
          role="button"
          tabindex={0}
          aria-label={said.corner(i + 1, points.length, Math.round(100 * x), Math.round(100 * y))}
          transform={`translate(${x * width} ${y * height})`}
          onPointerDown={(event) => {
            event.currentTarget.focus()
            onTake(event, index, i)
          }}
          onKeyDown={(event) => onKey(event, i)}
        >
          <circle class="target" r={TARGET_PX} />
          <circle class="handle" r={HANDLE_PX} />
        </g>
      ))}
    </g>
  )
}

/** The list of the regions is where the keyboard came from. */
function focusRegions(): void {
  document.getElementById('regions')?.focus()
}

/** The first corner of the region that has just been selected takes the focus. */
export function focusFirstCorner(): void {
  requestAnimationFrame(() => document.querySelector<SVGElement>('.regions .corner')?.focus())
}
