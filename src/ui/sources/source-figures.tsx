import type { SourceView } from '../../api/index.ts'
import { words } from '../locale/index.ts'
import { Figure, Figures } from '../parts/index.ts'

/** How a source is doing now. */
export function SourceFigures({ source }: { readonly source: SourceView }) {
  const said = words.sources.figures
  const { figures, engine, lowResolution, ratio, pairing } = source
  return (
    <Figures>
      <Figure label={said.fps} value={figures.fps} unit={said.perSecond} />
      <Figure label={said.inference} value={figures.inferenceMs} unit="ms" digits={1} />
      <Figure label={said.latency} value={figures.latencyMs} unit="ms" />
      <Figure label={said.delay} value={figures.delayMs} unit="ms" />
      <Figure label={said.provider} value={engine.provider === '' ? null : providerTitle(engine.provider)} />
      <Figure label={said.pairing} value={pairing && words.settings.words.pairing[pairing.inUse]} />
      <Figure label={said.size} value={lowResolution && `${lowResolution.width} × ${lowResolution.height}`} />
      <Figure label={said.ratio} value={ratio} digits={3} />
    </Figures>
  )
}

function providerTitle(provider: string): string {
  return (words.settings.words.provider as Readonly<Record<string, string>>)[provider] ?? provider
}
