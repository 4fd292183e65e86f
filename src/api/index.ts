export { ComplaintView, Failure } from './complaint.ts'
export {
  AudioDelay,
  AudioDelayRemoved,
  AudioDelayView,
  Binding,
  Name,
  Preset,
  RegionTemplate,
  SomeFilterSettings,
} from './keepsakes.ts'
export { Metrics } from './metrics.ts'
export {
  AddFilter,
  ChangeFilter,
  NamedFilter,
  ObsLogin,
  ObsView,
  type ObsAudioInput,
  type ObsFilter,
  type ObsVideoSource,
} from './obs.ts'
export { LIVE_PATH, TRY_PATH } from './paths.ts'
export {
  LiveRequest,
  TryFrame,
  type LiveMessage,
  type PreviewHeader,
  type TryFailure,
  type TryMatte,
} from './sockets.ts'
export { Advice, FilterId, PictureFigures, ResetView, SourceView } from './source.ts'
export { EngineView, FetchableModel, FetchingView, ModelView, PanelState, ProcessView } from './state.ts'
