import { Type, type Static } from 'typebox'
import { SourceView } from './source.ts'
import { ProcessView } from './state.ts'

const { id, source, filter, connected, lowResolution, ratio, covered, figures, counts, resets } = SourceView.properties

/** Figures for those who watch: what `GET /api/metrics` answers. */
export const Metrics = Type.Object({
  version: Type.String(),
  uptimeMs: Type.Number(),
  engineIsReady: Type.Boolean(),
  restarts: Type.Integer({ minimum: 0, description: 'How often the inference process was started again.' }),
  processes: Type.Array(ProcessView),
  sources: Type.Array(
    Type.Object({ id, source, filter, connected, lowResolution, ratio, covered, figures, counts, resets }),
  ),
})
export type Metrics = Static<typeof Metrics>
