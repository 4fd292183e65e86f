import { words } from '../locale/index.ts'
import { Card, Figure, Figures } from '../parts/index.ts'
import type { TryFigures } from './figures.ts'

interface FiguresCardProps {
  readonly figures: TryFigures | null
  readonly source: { readonly width: number; readonly height: number } | null
}

export function FiguresCard({ figures, source }: FiguresCardProps) {
  const said = words.try.figures
  const sizeOf = (size: { readonly width: number; readonly height: number } | undefined | null): string | null =>
    size ? `${size.width}×${size.height}` : null
  return (
    <Card title={said.title}>
      <Figures>
        <Figure label={said.fps} value={figures?.framesPerSecond ?? null} unit="/s" digits={1} />
        <Figure label={said.inference} value={figures?.inferenceMs ?? null} unit="ms" digits={1} />
        <Figure label={said.roundTrip} value={figures?.roundTripMs ?? null} unit="ms" />
        <Figure label={said.source} value={sizeOf(source)} />
        <Figure label={said.low} value={sizeOf(figures?.low)} />
        <Figure label={said.provider} value={figures ? providerTitle(figures.provider) : null} />
        <Figure label={said.model} value={figures?.model ?? null} />
        <Figure label={said.lastReset} value={figures ? lastReset(figures) : null} />
      </Figures>
    </Card>
  )
}

function providerTitle(name: string): string {
  const titles: Readonly<Record<string, string | undefined>> = words.settings.words.provider
  return titles[name] ?? name
}

function lastReset({ lastReset }: TryFigures): string {
  const said = words.try.figures
  if (!lastReset) return said.noReset
  const reasons: Readonly<Record<string, string | undefined>> = said.reasons
  return said.reset(
    reasons[lastReset.reason] ?? lastReset.reason,
    lastReset.at.toLocaleTimeString([], { hour12: false }),
  )
}
