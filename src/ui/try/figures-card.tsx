import { pixels } from '../locale/format.ts'
import { words } from '../locale/index.ts'
import { providerName, resetReason } from '../locale/names.ts'
import { Card, Figure, Figures } from '../parts/index.ts'
import type { TryFigures } from './figures.ts'

interface FiguresCardProps {
  readonly figures: TryFigures | null
  readonly source: { readonly width: number; readonly height: number } | null
}

export function FiguresCard({ figures, source }: FiguresCardProps) {
  const said = words.try.figures
  return (
    <Card title={said.title}>
      <Figures>
        <Figure label={said.fps} value={figures?.framesPerSecond ?? null} unit={words.units.fps} digits={1} />
        <Figure label={said.inference} value={figures?.inferenceMs ?? null} unit={words.units.ms} digits={1} />
        <Figure label={said.roundTrip} value={figures?.roundTripMs ?? null} unit={words.units.ms} />
        <Figure label={said.source} value={source && pixels(source)} />
        <Figure label={said.low} value={figures && pixels(figures.low)} />
        <Figure label={said.provider} value={figures ? providerName(figures.provider) : null} />
        <Figure label={said.model} value={figures?.model ?? null} />
        <Figure label={said.lastReset} value={figures ? lastReset(figures) : null} />
      </Figures>
    </Card>
  )
}

function lastReset({ lastReset }: TryFigures): string {
  const said = words.try.figures
  if (!lastReset) return said.noReset
  return said.reset(resetReason(lastReset.reason), lastReset.at.toLocaleTimeString([], { hour12: false }))
}
