import { Type, type Static } from 'typebox'
import { EngineSettings } from '../settings/index.ts'
import { ComplaintView } from './complaint.ts'
import { AudioDelayView, Binding, Preset, RegionTemplate } from './keepsakes.ts'
import { nullable } from './nullable.ts'
import { ObsView } from './obs.ts'
import { SourceView } from './source.ts'

const passedOver = Type.Array(Type.Object({ provider: Type.String(), reason: ComplaintView }))

export const ModelView = Type.Object({
  name: Type.String(),
  bytes: Type.Integer(),
  licence: nullable(Type.String()),
  variant: nullable(Type.String()),
  /** Its file is the one that runs, or will once the engine is ready. */
  inUse: Type.Boolean(),
  /** The user's own; the others came with mattebox and stay. */
  isOwn: Type.Boolean(),
})
export type ModelView = Static<typeof ModelView>

/** A model that mattebox can fetch, and what tells its file from any other. */
export const FetchableModel = Type.Object({
  name: Type.String(),
  file: Type.String(),
  bytes: Type.Integer(),
  sha256: Type.String(),
  licence: Type.String(),
  address: Type.String(),
})
export type FetchableModel = Static<typeof FetchableModel>

/** A model that is being fetched; with an error, one that could not be. */
export const FetchingView = Type.Object({
  name: Type.String(),
  arrivedBytes: Type.Integer(),
  bytes: Type.Integer(),
  error: nullable(ComplaintView),
})
export type FetchingView = Static<typeof FetchingView>

export const EngineView = Type.Object({
  state: Type.Unsafe<'starting' | 'ready' | 'none'>(Type.Enum(['starting', 'ready', 'none'])),
  provider: nullable(Type.String()),
  device: nullable(Type.String()),
  model: nullable(Type.String()),
  /** Better providers, and why they are not in use. */
  passedOver,
  /** Providers that failed while live; `retry` gives them another chance. */
  failed: passedOver,
  error: nullable(ComplaintView),
  settings: EngineSettings,
  models: Type.Array(ModelView),
  /** Where a model file is to be placed by hand. */
  modelsFolder: Type.String(),
  /** What `POST /api/models/{name}/fetch` can bring. */
  fetchable: Type.Array(FetchableModel),
  fetching: nullable(FetchingView),
  restarts: Type.Integer(),
})
export type EngineView = Static<typeof EngineView>

export const ProcessView = Type.Object({
  name: Type.Unsafe<'main' | 'inference'>(Type.Enum(['main', 'inference'])),
  pid: nullable(Type.Integer()),
  role: Type.String(),
  rssBytes: nullable(Type.Integer()),
  cpuPercent: nullable(Type.Number()),
  uptimeMs: Type.Number(),
})
export type ProcessView = Static<typeof ProcessView>

/** Everything the panel shows, in one object: what `GET /api/state` answers and the live socket tells. */
export const PanelState = Type.Object({
  version: Type.String(),
  startedAt: Type.String({ description: 'ISO 8601.' }),
  invocation: Type.String({ description: 'What stands in a terminal for `mattebox`: `npx mattebox`, for one.' }),
  /** Where filters connect; null: they cannot (see engine.error). */
  socket: nullable(Type.String()),
  /** Beyond loopback: whoever is on the network may knock. */
  isExposed: Type.Boolean(),
  engine: EngineView,
  sources: Type.Array(SourceView),
  obs: ObsView,
  presets: Type.Array(Preset),
  bindings: Type.Array(Binding),
  regionTemplates: Type.Array(RegionTemplate),
  audioDelays: Type.Array(AudioDelayView),
  processes: Type.Array(ProcessView),
  /** The last connection that was sent away. */
  refused: nullable(ComplaintView),
  error: nullable(ComplaintView),
})
export type PanelState = Static<typeof PanelState>
