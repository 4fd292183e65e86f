import type { SourceView } from '../../api/index.ts'
import { pixels } from '../locale/format.ts'
import { words } from '../locale/index.ts'
import { providerName } from '../locale/names.ts'
import { Figure, Figures } from '../parts/index.ts'

/** How a source is doing now. */
export function SourceFigures({ source }: { readonly source: SourceView }) {
  const said = words.sources.figures
  const { figures, engine, lowResolution, ratio, pairing } = source
  return (
    <Figures>
      <Figure label={said.fps} value={figures.fps} unit={words.units.fps} />
      <Figure label={said.inference} value={figures.inferenceMs} unit={words.units.ms} digits={1} />
      <Figure label={said.latency} value={figures.latencyMs} unit={words.units.ms} />
      <Figure label={said.delay} value={figures.delayMs} unit={words.units.ms} />
      <Figure label={said.provider} value={engine.provider === '' ? null : providerName(engine.provider)} />
      <Figure label={said.pairing} value={pairing && words.settings.words.pairing[pairing.inUse]} />
      <Figure label={said.size} value={lowResolution && pixels(lowResolution)} />
      <Figure label={said.ratio} value={ratio} digits={3} />
    </Figures>
  )
}
