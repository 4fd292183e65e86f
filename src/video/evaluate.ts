import { MatteboxError } from '../errors/index.ts'
import type { ResetReason } from '../sidecar/inference/matting-session.ts'
import type { Settings } from '../settings/index.ts'
import { openVideo, type VideoFrame, type VideoSource } from './decode.ts'
import { stopIfInterrupted } from './interruptible.ts'
import { frameTotal, occurred, range, type Progress } from './matte-video.ts'
import { MattingPipeline, type EngineOptions } from './matting-pipeline.ts'
import { median } from './median.ts'
import { AlphaMetrics, type AlphaMetricsResult } from './metrics/alpha-metrics.ts'

export interface EvaluateJob extends EngineOptions {
  readonly clip: string
  /** A gray clip of the same size and frames: 0 background, 255 foreground. */
  readonly truth: string
  /** 8 planes instead of 2: alpha is the same, the time is not. */
  readonly decontaminate: boolean
  readonly from?: number | undefined
  readonly to?: number | undefined
}

export interface EvaluateReport extends AlphaMetricsResult {
  readonly lowRes: readonly [number, number]
  readonly refiner: Settings['refiner']
  readonly provider: EngineOptions['provider']
  /** Resets of the recurrent state, by reason; reasons that did not occur are left out. */
  readonly resets: Partial<Record<ResetReason, number>>
  readonly warnings: readonly string[]
  /** Median of shrinking, stepping and the full-resolution part together. */
  readonly msPerFrame: number
}

/**
 * Mattes a clip and measures its alpha, as float32, against the truth (the paper's metrics).
 *
 * @throws {MatteboxError} TRUTH_MISMATCH if size or number of frames differ; as `openVideo` and the session
 */
export async function evaluate(
  job: EvaluateJob,
  onProgress: (progress: Progress) => void = () => undefined,
  signal?: AbortSignal,
): Promise<EvaluateReport> {
  const source = await openVideo(job.clip, range(job))
  let truth: VideoSource | undefined
  let pipeline: MattingPipeline | undefined
  try {
    truth = await openVideo(job.truth, { ...range(job), layout: 'gray' })
    const { width, height, alpha: sourceAlpha } = source.info
    if (truth.info.width !== width || truth.info.height !== height) {
      const size = `${truth.info.width}x${truth.info.height}`
      throw mismatch(`${job.truth} is ${size}, ${job.clip} is ${width}x${height}.`)
    }
    const planes = job.decontaminate ? 8 : 2
    const pictures = [{ output: 'alpha-float' }] as const
    pipeline = await MattingPipeline.open({ ...job, width, height, planes, pictures, sourceAlpha })
    const metrics = new AlphaMetrics(width, height)
    const truths = truth.frames()
    const wanted = new Float32Array(width * height)
    const times: number[] = []
    for await (const frame of source.frames()) {
      stopIfInterrupted(signal)
      const { value: gray } = await truths.next()
      if (!gray) throw mismatch(`${job.truth} ends after ${times.length} frames, ${job.clip} goes on.`)
      const start = performance.now()
      const [alpha] = (await pipeline.process(frame.data)) as [Float32Array]
      times.push(performance.now() - start)
      toUnit(gray, wanted)
      metrics.add(alpha, wanted)
      frame.release()
      gray.release()
      onProgress({ frames: times.length, total: frameTotal(source) })
    }
    if ((await truths.next()).done !== true) throw mismatch(`${job.clip} ends before ${job.truth}.`)
    const { lowRes, refiner } = pipeline
    const resets = occurred(pipeline.resets)
    const warnings = [...source.warnings, ...truth.warnings]
    if (truth.info.pixelFamily !== 'gray') warnings.push(`${job.truth} has colours: its luma was taken for the alpha.`)
    return {
      ...metrics.result(),
      lowRes: [lowRes.width, lowRes.height],
      refiner,
      provider: job.provider,
      resets,
      warnings,
      msPerFrame: median(times),
    }
  } finally {
    await source.close()
    await truth?.close()
    await pipeline?.[Symbol.asyncDispose]()
  }
}

function toUnit(gray: VideoFrame, target: Float32Array): void {
  for (let i = 0; i < target.length; i++) target[i] = gray.data[i] / 255
}

function mismatch(message: string): MatteboxError {
  return new MatteboxError('TRUTH_MISMATCH', message, 'Give the truth of this very clip: same size, same frames.')
}
