import { useEffect, useId, useState } from 'preact/hooks'
import { words } from '../locale/index.ts'
import { linkTo } from '../pages.ts'
import { Card, CopyButton } from '../parts/index.ts'
import { saveFile } from '../save-file.ts'
import { ChartCard } from './chart-card.tsx'
import { charts, columnsOf, sourcesIn } from './charts.ts'
import { csv } from './csv.ts'
import { samples, sampleTime } from './recorder.ts'
import './style.css'

/** Often enough to be followed; drawing costs more than sampling. */
const DRAW_EVERY_MS = 1000

const chartWords = { ...words.figures.chart, reasons: words.dropReasons }

const taken = () => ({ samples: samples.peek(), untilMs: sampleTime() })

/** The last five minutes in plots, with the values beside them. */
export function FiguresPage() {
  const said = words.figures
  const sourceId = useId()
  const [shown, show] = useState(taken)
  const [isPaused, setPaused] = useState(false)
  const [source, setSource] = useState('')
  useEffect(() => {
    if (isPaused) return
    show(taken())
    const timer = setInterval(() => show(taken()), DRAW_EVERY_MS)
    return () => clearInterval(timer)
  }, [isPaused])

  const sources = sourcesIn(shown.samples)
  // One that is forgotten meanwhile is no choice any more.
  const chosen = sources.has(source) ? source : ''
  const seconds = shown.samples.map(({ atMs }) => (atMs - shown.untilMs) / 1000)
  const text = () => csv(columnsOf(shown.samples, chartWords))
  return (
    <section class="figures-page">
      <div class="figures-head">
        <h1>{words.pages.figures}</h1>
        <div class="actions">
          {sources.size > 1 && (
            <>
              <label for={sourceId}>{said.source}</label>
              <select id={sourceId} value={chosen} onChange={({ currentTarget }) => setSource(currentTarget.value)}>
                <option value="">{said.allSources}</option>
                {Array.from(sources, ([id, name]) => (
                  <option key={id} value={id}>
                    {name}
                  </option>
                ))}
              </select>
            </>
          )}
          <button type="button" class="secondary outline" aria-pressed={isPaused} onClick={() => setPaused(!isPaused)}>
            {said.pause}
          </button>
          <button type="button" class="secondary outline" onClick={() => saveFile(fileName(), 'text/csv', text())}>
            {said.download}
          </button>
          <CopyButton text={text} label={said.copyLabel}>
            {said.copy}
          </CopyButton>
        </div>
      </div>
      <p class="muted">
        {said.about} {isPaused && <strong>{said.isPaused}</strong>}
      </p>
      {sources.size === 0 && (
        <p>
          {said.noSource} <a href={linkTo('obs')}>{words.pages.obs}</a>
        </p>
      )}
      <div class="charts">
        {charts(shown.samples, chartWords).map(({ name, lines }) => (
          <ChartCard
            key={name}
            name={name}
            seconds={seconds}
            lines={lines.filter(({ subject }) => chosen === '' || !sources.has(subject) || subject === chosen)}
          />
        ))}
      </div>
      <Card title={said.elsewhere}>
        <p>
          <a href="./metrics">/metrics</a> {said.prometheus}
        </p>
        <p>
          <a href="./api/metrics">/api/metrics</a> {said.json}
        </p>
      </Card>
    </section>
  )
}

function fileName(): string {
  return `mattebox-${new Date().toISOString().slice(0, 19).replaceAll(':', '-')}.csv`
}
