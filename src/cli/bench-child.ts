/**
 * One side of a benchmark, in a process of its own: told once what to measure, it answers every `go` with the
 * milliseconds of one run, and `stop` with its peak resident memory.
 */
import { readFile } from 'node:fs/promises'
import { loadWeights } from '../model/weights/index.ts'
import { FullResolutionSession } from '../sidecar/inference/full-resolution-session.ts'
import { MattingSession } from '../sidecar/inference/matting-session.ts'
import { OfficialSession } from '../sidecar/inference/official-session.ts'
import { createShrinker } from '../video/shrink.ts'

export interface BenchTask {
  /** `baseline`: the official graph; `step8`, `step2`: our network; `shrink`, `apply`: the work around it. */
  readonly what: 'baseline' | 'baseline-spinning' | 'step8' | 'step2' | 'shrink' | 'apply'
  /** Path of the weights, or of the official graph. */
  readonly model: string
  readonly source: readonly [number, number]
  readonly lowRes: readonly [number, number]
  readonly ratio: number
  readonly threads: number
}
export type BenchRequest = BenchTask | 'go' | 'stop'
export type BenchAnswer = { ready: true } | { ms: number } | { peakMiB: number } | { error: string }

type Run = () => unknown

/** Pixels that look like nothing in particular, the same in every run. */
function pixels(count: number): Uint8Array {
  return Uint8Array.from({ length: count }, (_, index) => (index * 2654435761) >>> 24)
}

async function prepare({ what, model, source, lowRes, ratio, threads }: BenchTask): Promise<Run> {
  const [width, height] = source
  const [lowWidth, lowHeight] = lowRes
  const low = { data: pixels(lowWidth * lowHeight * 4), width: lowWidth, height: lowHeight }
  switch (what) {
    case 'baseline':
    case 'baseline-spinning': {
      const session = await OfficialSession.create(await readFile(model), threads, what === 'baseline-spinning')
      const frame = Float32Array.from({ length: 3 * width * height }, (_, index) => ((index * 2654435761) >>> 24) / 255)
      return () => session.step(frame, width, height, ratio)
    }
    case 'step8':
    case 'step2': {
      const weights = async () => (await loadWeights(model)).weights
      const planes = what === 'step8' ? 8 : 2
      const options = { weights, provider: 'cpu', threads, refiner: 'deep', planes, cutDetection: false } as const
      const session = new MattingSession(options)
      return () => session.step(low)
    }
    case 'shrink': {
      const shrink = createShrinker(width, height, lowWidth, lowHeight)
      const frame = pixels(width * height * 4)
      return () => shrink(frame, low.data)
    }
    case 'apply': {
      const size = { width, height, lowWidth, lowHeight, planes: 8, output: 'straight' } as const
      const session = await FullResolutionSession.create(size, threads)
      const frame = pixels(width * height * 4)
      const planes = new Float32Array(8 * lowWidth * lowHeight).fill(0.1)
      return () => session.apply(frame, planes)
    }
  }
}

/** Linux keeps the peak of a process's resident memory; elsewhere libuv's figure stands for it. */
async function peakMiB(): Promise<number> {
  const status = await readFile('/proc/self/status', 'utf8').catch(() => '')
  const kib = /VmHWM:\s+(\d+) kB/.exec(status)?.[1]
  return Number(kib ?? process.resourceUsage().maxRSS) / 1024
}

const answer = (message: BenchAnswer): void => void process.send?.(message)
let run: Run = () => undefined

process.on('message', (request: BenchRequest) => {
  void (async () => {
    if (request === 'stop') {
      answer({ peakMiB: await peakMiB() })
      process.disconnect()
    } else if (request === 'go') {
      const start = performance.now()
      await run()
      answer({ ms: performance.now() - start })
    } else {
      run = await prepare(request)
      await run()
      await run()
      answer({ ready: true })
    }
  })().catch((error: unknown) => answer({ error: error instanceof Error ? error.message : String(error) }))
})
