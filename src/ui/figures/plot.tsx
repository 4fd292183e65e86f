import { useEffect, useRef } from 'preact/hooks'
import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import { words } from '../locale/index.ts'

/** Lines are told apart by colour and by dashes: in px, drawn and left out. */
export const DASHES: readonly (readonly number[])[] = [[], [7, 4], [2, 3], [9, 3, 2, 3], [12, 4], [4, 2]]
export const COLOURS = 6

export interface PlottedLine {
  readonly label: string
  /** Index of its colour, below COLOURS. */
  readonly colour: number
  /** Index of its dashes. */
  readonly dash: number
  readonly values: readonly (number | null)[]
}

interface PlotProps {
  /** What a screen reader says of the picture; the values are in the table. */
  readonly label: string
  /** Seconds before now, ascending. */
  readonly seconds: readonly number[]
  readonly lines: readonly PlottedLine[]
}

const HEIGHT = 170

/** How much is shown, in seconds, and in how many parts: a page that was just opened has little to show. */
const SPANS = [
  { spanS: 60, parts: 4 },
  { spanS: 120, parts: 4 },
  { spanS: 300, parts: 5 },
] as const
type Span = (typeof SPANS)[number]

/** Below, only the ends of the axis have room for words. */
const WIDE = 330

/** Lines over the last minutes. */
export function Plot({ label, seconds, lines }: PlotProps) {
  const box = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot | null>(null)
  const data = useRef<uPlot.AlignedData>([[]])
  data.current = [seconds, ...lines.map(({ values }) => values)] as uPlot.AlignedData
  const span = SPANS.find(({ spanS }) => seconds.length === 0 || -seconds[0] <= spanS) ?? SPANS[2]
  // Another set of lines is another plot: one cannot be given other colours.
  const looks = lines.map(({ label: name, colour, dash }) => `${name} ${colour} ${dash}`).join('\n')
  useEffect(() => {
    const target = box.current!
    const draw = () => {
      plot.current?.destroy()
      plot.current = new uPlot(optionsOf(target, span, lines), data.current, target)
    }
    draw()
    const theme = matchMedia('(prefers-color-scheme: dark)')
    theme.addEventListener('change', draw)
    const resized = new ResizeObserver(() => {
      if (target.clientWidth > 0) plot.current?.setSize({ width: target.clientWidth, height: HEIGHT })
    })
    resized.observe(target)
    return () => {
      resized.disconnect()
      theme.removeEventListener('change', draw)
      plot.current?.destroy()
      plot.current = null
    }
  }, [looks, span])
  useEffect(() => plot.current?.setData(data.current))
  return <div ref={box} class="plot" role="img" aria-label={label} />
}

function optionsOf(target: HTMLElement, { spanS, parts }: Span, lines: readonly PlottedLine[]): uPlot.Options {
  const style = getComputedStyle(target)
  const colour = (name: string): string => style.getPropertyValue(name).trim()
  const axis: uPlot.Axis = {
    stroke: colour('--pico-muted-color'),
    grid: { stroke: colour('--pico-muted-border-color'), width: 1 },
    ticks: { show: false },
    font: `12px ${style.fontFamily}`,
  }
  const splits = Array.from({ length: parts + 1 }, (_, i) => -spanS + (i * spanS) / parts)
  return {
    width: Math.max(target.clientWidth, 100),
    height: HEIGHT,
    // Room for half of the words under the last line of the grid.
    padding: [8, 18, 0, 0],
    legend: { show: false },
    cursor: { y: false, points: { size: 6 }, drag: { x: false, y: false } },
    scales: {
      x: { time: false, range: [-spanS, 0] },
      // From zero: a line that trembles about a constant must not look like a mountain range.
      y: { range: (_, __, most) => [0, Number.isFinite(most) && most > 0 ? most * 1.1 : 1] },
    },
    axes: [
      {
        ...axis,
        size: 26,
        splits: () => splits,
        values: ({ width }) =>
          splits.map((second, i) => (width >= WIDE || i === 0 || i === parts ? words.figures.ago(-second) : '')),
      },
      { ...axis, size: 42, values: (_, values) => values.map(String) },
    ],
    series: [
      {},
      ...lines.map(({ label, colour: index, dash }) => ({
        label,
        stroke: colour(`--line-${index}`),
        width: 2,
        dash: [...DASHES[dash % DASHES.length]],
        points: { show: false },
      })),
    ],
  }
}
