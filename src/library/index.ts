/** What other programs import as `mattebox`: docs/library.md. */
export { MatteboxError, type ErrorCode } from '../errors/index.ts'
export { lowResolution } from '../model/low-resolution.ts'
export {
  MattingSession,
  type Coefficients,
  type LowFrame,
  type MattingOptions,
  type ResetReason,
} from '../sidecar/inference/matting-session.ts'
export { MattingPipeline, type PictureOptions, type PipelineOptions } from '../video/matting-pipeline.ts'
export type { Background, MatteReport, Progress } from '../video/matte-video.ts'
export { matteVideo, type VideoOptions } from './matte-video.ts'
export { openModel, type Model, type ModelOptions } from './open-model.ts'
export { cudaEnvironment } from '../settings/cuda-folder.ts'
