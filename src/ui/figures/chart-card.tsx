import { words } from '../locale/index.ts'
import { Card } from '../parts/index.ts'
import { summaryOf, type ChartName, type Line } from './charts.ts'
import { COLOURS, DASHES, Plot } from './plot.tsx'

interface ChartCardProps {
  readonly name: ChartName
  /** Seconds before now, a sample. */
  readonly seconds: readonly number[]
  readonly lines: readonly Line[]
}

/** Digits after the point. */
const DIGITS: Readonly<Record<ChartName, number>> = { latency: 0, inference: 1, fps: 1, drops: 2, memory: 0, cpu: 0 }

/** A plot, and its values as a table: what the colours mean, and all of it for those who do not see the plot. */
export function ChartCard({ name, seconds, lines }: ChartCardProps) {
  const said = words.figures
  const title = said.chart.of[name]
  const unit = said.units[name]
  const plotted = lines.map((line, index) => ({ ...line, colour: index % COLOURS, dash: index % DASHES.length }))
  return (
    <Card title={title} class="chart" aside={<span class="muted">{said.charts[name]}</span>}>
      {lines.length === 0 ? (
        <p class="chart-empty muted">{name === 'drops' ? said.noDrops : said.nothingYet}</p>
      ) : (
        <>
          <Plot label={said.plotLabel(title, unit)} seconds={seconds} lines={plotted} />
          <table class="chart-values">
            <caption class="visually-hidden">{said.tableCaption(title, unit)}</caption>
            <thead>
              <tr>
                <th scope="col">{said.columns.line}</th>
                <th scope="col">{said.columns.now}</th>
                <th scope="col">{said.columns.mean}</th>
                <th scope="col">{said.columns.most}</th>
              </tr>
            </thead>
            <tbody>
              {plotted.map((line) => {
                const { now, mean, most } = summaryOf(line)
                return (
                  <tr key={line.label}>
                    <th scope="row">
                      <Swatch colour={line.colour} dash={line.dash} />
                      {line.label}
                    </th>
                    {[now, mean, most].map((value, i) => (
                      <td key={i}>{value === null ? '–' : value.toFixed(DIGITS[name])}</td>
                    ))}
                  </tr>
                )
              })}
            </tbody>
          </table>
        </>
      )}
    </Card>
  )
}

function Swatch({ colour, dash }: { readonly colour: number; readonly dash: number }) {
  return (
    <svg class={`swatch line-${colour}`} viewBox="0 0 26 8" width="26" height="8" aria-hidden="true">
      <line x1="0" y1="4" x2="26" y2="4" stroke-dasharray={DASHES[dash].join(' ')} />
    </svg>
  )
}
