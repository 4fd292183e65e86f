import type { FullResolutionOptions } from '../model/full-resolution.ts'
import type { ResetReason } from '../sidecar/inference/matting-session.ts'
import { Settings } from '../settings/index.ts'
import { BackdropSource } from './backdrop.ts'
import { openVideo, type VideoSource } from './decode.ts'
import { createVideoWriter, type VideoWriter } from './encode.ts'
import { stopIfInterrupted } from './interruptible.ts'
import { MattingPipeline, type EngineOptions, type PipelineOptions } from './matting-pipeline.ts'

/** What lies behind the person: nothing, the blurred room, a colour (R, G, B in 0..1), or a picture or clip. */
export type Background =
  | { readonly kind: 'remove' }
  | { readonly kind: 'blur' }
  | { readonly kind: 'colour'; readonly rgb: readonly [number, number, number] }
  | { readonly kind: 'file'; readonly path: string }

export interface MatteJob extends EngineOptions {
  readonly input: string
  readonly output: string
  readonly view: Settings['view']
  readonly background: Background
  readonly decontaminate: boolean
  /** Seconds of the clip; undefined = from its beginning, to its end. */
  readonly from?: number | undefined
  readonly to?: number | undefined
  readonly audio: boolean
  /** Replace an output that exists. */
  readonly force: boolean
}

export interface Progress {
  readonly frames: number
  /** An estimate; undefined if the clip does not say. */
  readonly total: number | undefined
}

export interface MatteReport {
  readonly input: string
  readonly output: string
  readonly frames: number
  readonly seconds: number
  readonly fps: number
  readonly size: readonly [number, number]
  readonly lowRes: readonly [number, number]
  readonly refiner: Settings['refiner']
  readonly provider: EngineOptions['provider']
  readonly sound: VideoWriter['audio']
  /** Resets of the recurrent state, by reason; reasons that did not occur are left out. */
  readonly resets: Partial<Record<ResetReason, number>>
  readonly warnings: readonly string[]
}

/**
 * Mattes a clip, a picture or a folder of pictures into an output, frame by frame with the recurrent state carried, in
 * constant memory. The output appears under its name when it is whole; whatever fails leaves nothing behind.
 *
 * @throws {MatteboxError} as `openVideo`, `createVideoWriter` and `MattingSession.step`; INTERRUPTED
 */
export async function matteVideo(
  job: MatteJob,
  onProgress: (progress: Progress) => void = () => undefined,
  signal?: AbortSignal,
): Promise<MatteReport> {
  const source = await openVideo(job.input, range(job))
  let writer: VideoWriter | undefined
  let behind: BackdropSource | undefined
  let pipeline: MattingPipeline | undefined
  try {
    const { info } = source
    const { width, height } = info
    const picture = pictureOptions(job, info.alpha)
    // Before the network is built: what cannot be written is said at once.
    writer = await createVideoWriter(
      job.output,
      { width, height, layout: LAYOUTS[picture.output], source, audio: job.audio },
      { force: job.force },
    )
    behind = picture.backdrop?.kind === 'given' ? await openBackground(job, width, height) : undefined
    pipeline = await MattingPipeline.open({ ...job, ...picture, width, height })

    const start = performance.now()
    const total = frameTotal(source)
    let frames = 0
    for await (const frame of source.frames()) {
      stopIfInterrupted(signal)
      const matted = await pipeline.process(frame.data, await behind?.at(frame.timeSeconds))
      frame.release()
      await writer.write(matted as Uint8Array, frame)
      onProgress({ frames: ++frames, total })
    }
    stopIfInterrupted(signal)
    await writer.finish()
    const seconds = (performance.now() - start) / 1000
    const { lowRes, refiner, resets } = pipeline
    return {
      ...{ input: job.input, output: job.output, frames, seconds, fps: frames / seconds },
      ...{ size: [width, height], lowRes: [lowRes.width, lowRes.height], refiner, provider: job.provider },
      sound: writer.audio,
      resets: occurred(resets),
      warnings: source.warnings,
    }
  } catch (error) {
    await writer?.abort()
    throw error
  } finally {
    await source.close()
    await behind?.close()
    await pipeline?.[Symbol.asyncDispose]()
  }
}

const LAYOUTS = { alpha: 'gray', straight: 'bgra', composite: 'bgr0' } as const

type Picture = Pick<PipelineOptions, 'planes' | 'sourceAlpha' | 'backdrop'> & { output: keyof typeof LAYOUTS }

/** What the full-resolution part must answer for this view and background. */
function pictureOptions({ view, background, decontaminate }: MatteJob, sourceAlpha: boolean): Picture {
  const planes: FullResolutionOptions['planes'] = decontaminate && view !== 'alpha' ? 8 : 2
  if (view === 'alpha') return { output: 'alpha', planes, sourceAlpha }
  if (view === 'foreground') {
    // Over opaque black: the foreground view never shows the room.
    return { output: 'composite', planes, sourceAlpha, backdrop: { kind: 'colour', rgb: [0, 0, 0] } }
  }
  switch (background.kind) {
    case 'remove':
      return { output: 'straight', planes, sourceAlpha }
    case 'blur': {
      const radius = Settings.properties.blur_radius.default
      return { output: 'composite', planes, sourceAlpha, backdrop: { kind: 'blur', radius } }
    }
    case 'colour':
      return { output: 'composite', planes, sourceAlpha, backdrop: background }
    case 'file':
      return { output: 'composite', planes, sourceAlpha, backdrop: { kind: 'given' } }
  }
}

async function openBackground({ background }: MatteJob, width: number, height: number): Promise<BackdropSource> {
  if (background.kind !== 'file') throw new TypeError('only a file gives pictures')
  return BackdropSource.open(background.path, width, height)
}

/** The range as `openVideo` takes it. */
export function range({ from, to }: Pick<MatteJob, 'from' | 'to'>): { from?: number; to?: number } {
  return { ...(from !== undefined && { from }), ...(to !== undefined && { to }) }
}

/** The resets that occurred. */
export function occurred(resets: Readonly<Record<ResetReason, number>>): Partial<Record<ResetReason, number>> {
  return Object.fromEntries(Object.entries(resets).filter(([, count]) => count > 0))
}

/** Frames that are to be expected, for progress: the clip's own estimate, cut to the range. */
export function frameTotal({ info, range: { from, to } }: VideoSource): number | undefined {
  if (info.frameCount === undefined) return undefined
  if (info.durationSeconds === undefined || (from === 0 && to === undefined)) return info.frameCount
  const seconds = Math.min(info.durationSeconds, to ?? Infinity) - from
  return Math.max(1, Math.round((info.frameCount * seconds) / info.durationSeconds))
}
