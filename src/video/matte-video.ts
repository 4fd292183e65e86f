import { resolve } from 'node:path'
import { MatteboxError } from '../errors/index.ts'
import type { ResetReason } from '../sidecar/inference/matting-session.ts'
import { Settings } from '../settings/index.ts'
import { BackdropSource } from './backdrop.ts'
import { openVideo, type VideoSource } from './decode.ts'
import { createVideoWriter, type VideoWriter } from './encode.ts'
import { stopIfInterrupted } from './interruptible.ts'
import { MattingPipeline, type EngineOptions, type PictureOptions } from './matting-pipeline.ts'
import type { Rational } from './nut-format.ts'
import type { Preview } from './preview.ts'
import type { VideoInfo } from './probe.ts'

/** What lies behind the person: nothing, the blurred room, a colour (R, G, B in 0..1), or a picture or clip. */
export type Background =
  | { readonly kind: 'remove' }
  | { readonly kind: 'blur' }
  | { readonly kind: 'colour'; readonly rgb: readonly [number, number, number] }
  | { readonly kind: 'file'; readonly path: string }

export interface MatteJob extends EngineOptions {
  readonly input: string
  /** By the ending of its name: see `createVideoWriter`. `-` is standard output. */
  readonly output: string
  /** Further outputs of the same run: the matte, and the foreground over black. */
  readonly outputAlpha?: string | undefined
  readonly outputForeground?: string | undefined
  /** 0..100; undefined = the default. */
  readonly quality?: number | undefined
  readonly view: Settings['view']
  readonly background: Background
  readonly decontaminate: boolean
  /** Seconds of the clip; undefined = from its beginning, to its end. */
  readonly from?: number | undefined
  readonly to?: number | undefined
  /** Pictures a second: of a folder, or asked of a camera; undefined = 25, or what the camera is set to. */
  readonly fps?: Rational | undefined
  readonly audio: boolean
  /** Replace an output that exists. */
  readonly force: boolean
  /** Shows the result as it comes. */
  readonly preview?: Pick<Preview, 'show'> | undefined
}

export interface Progress {
  readonly frames: number
  /** An estimate; undefined if the clip does not say. */
  readonly total: number | undefined
}

export interface MatteReport {
  readonly input: string
  readonly output: string
  readonly outputAlpha?: string
  readonly outputForeground?: string
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
 * Mattes a clip, a picture, a folder of pictures or a camera into an output, frame by frame with the recurrent state
 * carried, in constant memory. The outputs appear under their names when all are whole; whatever fails leaves nothing behind.
 *
 * @param signal - ends the work: of a camera as its end, else with nothing left behind
 * @throws {MatteboxError} as `openVideo`, `createVideoWriter` and `MattingSession.step`; INTERRUPTED
 */
export async function matteVideo(
  job: MatteJob,
  onProgress: (progress: Progress) => void = () => undefined,
  signal?: AbortSignal,
): Promise<MatteReport> {
  const outputs = namedOutputs(job)
  const source = await openVideo(job.input, { ...range(job), ...(job.fps && { fps: job.fps }) })
  const endCamera = (): void => void source.close()
  if (source.info.live) signal?.addEventListener('abort', endCamera)
  const writers: VideoWriter[] = []
  let behind: BackdropSource | undefined
  let pipeline: MattingPipeline | undefined
  try {
    const { info } = source
    const { width, height } = info
    // Before the network is built: what cannot be written is said at once.
    for (const { path, picture, audio } of outputs) {
      const spec = { width, height, layout: LAYOUTS[picture.output], source, audio, captions: path === job.output }
      writers.push(await createVideoWriter(path, spec, { force: job.force, quality: job.quality }))
    }
    const pictures = outputs.map(({ picture }) => picture)
    const isGiven = pictures.some(({ backdrop }) => backdrop?.kind === 'given')
    behind = isGiven ? await openBackground(job, info) : undefined
    const planes = job.decontaminate && pictures.some(({ output }) => output !== 'alpha') ? 8 : 2
    pipeline = await MattingPipeline.open({ ...job, width, height, planes, pictures, sourceAlpha: info.alpha })

    const start = performance.now()
    const total = frameTotal(source)
    let frames = 0
    for await (const frame of source.frames()) {
      if (!info.live) stopIfInterrupted(signal)
      const matted = await pipeline.process(frame.data, await behind?.at(frame.timeSeconds))
      frame.release()
      const [result, { picture }] = [matted[0] as Uint8Array, outputs[0]]
      job.preview?.show({ data: result, width, height, layout: LAYOUTS[picture.output] })
      await Promise.all(writers.map((writer, index) => writer.write(matted[index] as Uint8Array, frame)))
      onProgress({ frames: ++frames, total })
    }
    if (!info.live || frames === 0) stopIfInterrupted(signal)
    await Promise.all(writers.map((writer) => writer.complete()))
    for (const writer of writers) writer.commit()
    const seconds = (performance.now() - start) / 1000
    const { lowRes, refiner, resets } = pipeline
    const { input, output, outputAlpha, outputForeground } = job
    return {
      ...{ input, output, ...(outputAlpha && { outputAlpha }), ...(outputForeground && { outputForeground }) },
      ...{ frames, seconds, fps: frames / seconds },
      ...{ size: [width, height], lowRes: [lowRes.width, lowRes.height], refiner, provider: job.provider },
      sound: writers[0].audio,
      resets: occurred(resets),
      warnings: [...source.warnings, ...writers.flatMap(({ warnings }) => warnings)],
    }
  } catch (error) {
    await Promise.all(writers.map((writer) => writer.abort()))
    throw error
  } finally {
    signal?.removeEventListener('abort', endCamera)
    await source.close()
    await behind?.close()
    await pipeline?.[Symbol.asyncDispose]()
  }
}

const LAYOUTS = { alpha: 'gray', straight: 'bgra', composite: 'bgr0' } as const

type Picture = PictureOptions & { readonly output: keyof typeof LAYOUTS }

const ALPHA: Picture = { output: 'alpha' }
// Over opaque black: the foreground view never shows the room.
const FOREGROUND: Picture = { output: 'composite', backdrop: { kind: 'colour', rgb: [0, 0, 0] } }

/** What is written: the result first, with the sound. */
function namedOutputs(job: MatteJob): { path: string; picture: Picture; audio: boolean }[] {
  const { output, outputAlpha, outputForeground, audio } = job
  const outputs = [{ path: output, picture: resultPicture(job), audio }]
  if (outputAlpha !== undefined) outputs.push({ path: outputAlpha, picture: ALPHA, audio: false })
  if (outputForeground !== undefined) outputs.push({ path: outputForeground, picture: FOREGROUND, audio: false })
  const twice = outputs.find(({ path }, index) => outputs.findIndex((o) => resolve(o.path) === resolve(path)) < index)
  if (twice === undefined) return outputs
  throw new MatteboxError('USAGE', `${twice.path} is named for two outputs.`, 'Give each output a name of its own.')
}

/** What the full-resolution part must answer for this view and background. */
function resultPicture({ view, background }: MatteJob): Picture {
  if (view === 'alpha') return ALPHA
  if (view === 'foreground') return FOREGROUND
  switch (background.kind) {
    case 'remove':
      return { output: 'straight' }
    case 'blur':
      return { output: 'composite', backdrop: { kind: 'blur', radius: Settings.properties.blur_radius.default } }
    case 'colour':
      return { output: 'composite', backdrop: background }
    case 'file':
      return { output: 'composite', backdrop: { kind: 'given' } }
  }
}

async function openBackground(
  { background }: MatteJob,
  { width, height, pixelAspect }: VideoInfo,
): Promise<BackdropSource> {
  if (background.kind !== 'file') throw new TypeError('only a file gives pictures')
  return BackdropSource.open(background.path, width, height, pixelAspect)
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
