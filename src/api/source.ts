import { Type, type Static } from 'typebox'
import { FilterSettings } from '../settings/index.ts'
import { nullable } from './nullable.ts'
import { ComplaintView } from './complaint.ts'

/** A filter in OBS as the panel and scripts see it. */

const counts = Type.Record(Type.String(), Type.Integer({ minimum: 0 }))
const size = Type.Object({ width: Type.Integer(), height: Type.Integer() })

export const FilterId = Type.String({
  pattern: '^[0-9a-f]{16}$',
  description: 'The filter’s id: the same over restarts of OBS and mattebox.',
})

/** A reset of the recurrent state. */
export const ResetView = Type.Object({
  at: Type.String({ description: 'ISO 8601.' }),
  reason: Type.String({ description: 'asked, scene, source, size, gap, first; cut, restart, error.' }),
  by: Type.Unsafe<'filter' | 'sidecar'>(Type.Enum(['filter', 'sidecar'])),
  from: nullable(Type.String({ description: 'The scene before, where the reason is scene.' })),
  to: nullable(Type.String()),
})
export type ResetView = Static<typeof ResetView>

/** What the low-resolution picture says, for advice. */
export const PictureFigures = Type.Object({
  luma: Type.Number({ description: 'Mean of the whole picture, 0..1.' }),
  personLuma: nullable(Type.Number({ description: 'Mean where the matte is opaque; null without a person.' })),
  contrast: nullable(Type.Number({ description: 'Distance of colours inside and outside of the edge, 0..1.' })),
  area: Type.Number({ description: 'Mean alpha, 0..1.' }),
})
export type PictureFigures = Static<typeof PictureFigures>

/** A line of advice from the picture coach. */
export const Advice = Type.Object({ code: Type.String(), message: Type.String() })
export type Advice = Static<typeof Advice>

export const SourceView = Type.Object({
  id: FilterId,
  source: Type.String(),
  filter: Type.String(),
  connected: Type.Boolean(),
  private: Type.Boolean({ description: 'A duplicate of studio mode.' }),
  obs: Type.Object({ version: Type.String(), pid: Type.Integer() }),
  /** Null until the filter has said them. */
  settings: nullable(FilterSettings),
  scene: nullable(Type.String({ description: 'The program scene of its OBS.' })),
  sourceSize: nullable(size),
  lowResolution: nullable(size),
  ratio: nullable(Type.Number({ description: 'In effect.' })),
  pairing: nullable(
    Type.Object({
      inUse: Type.Unsafe<'matched' | 'newest'>(Type.Enum(['matched', 'newest'])),
      /** Where it is not the one that was set. */
      because: nullable(ComplaintView),
    }),
  ),
  covered: Type.Boolean({ description: 'The policy’s picture was asked for.' }),
  roomIsShown: Type.Boolean({ description: 'The unmatted picture may be seen: when_unavailable is show.' }),
  engine: Type.Object({ provider: Type.String(), device: Type.String(), model: Type.String() }),
  figures: Type.Object({
    fps: nullable(Type.Number({ description: 'New frames of the source, a second.' })),
    answeredPerSecond: Type.Number(),
    inferenceMs: nullable(Type.Number()),
    latencyMs: nullable(Type.Number({ description: 'From capture to matte.' })),
    delayMs: nullable(Type.Number({ description: 'Added to the picture.' })),
    share: Type.Number({ description: 'Of the engine’s time, 0..1.' }),
  }),
  counts: Type.Object({
    shown: Type.Integer(),
    covered: Type.Integer(),
    received: Type.Integer(),
    answered: Type.Integer(),
    dropped: counts,
  }),
  resets: counts,
  /** Newest first, at most 20. */
  recentResets: Type.Array(ResetView),
  picture: nullable(PictureFigures),
  advice: Type.Array(Advice),
  /** Why nothing is shown, of either side. */
  error: nullable(ComplaintView),
})
export type SourceView = Static<typeof SourceView>
