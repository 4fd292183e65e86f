/**
 * How much of the network's speed a file command keeps: the time of a frame in `matteVideo`, which decodes, mattes and
 * encodes, beside that of `MattingPipeline` alone (shrink, step, full resolution) on frames that are in memory.
 *
 *   npm run bench:files [-- THREADS]
 *
 * In turn, medians. ffmpeg's time is its CPU time a frame. Where it has no core of its own (threads = cores), it takes it
 * from the network, whatever overlaps: `possible` is the share that is left if no core is idle for a moment.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { availableParallelism, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { MattingPipeline, matteVideo, openModel } from '../../dist/library/index.js'
import { openVideo } from '../../dist/video/decode.js'

const [WIDTH, HEIGHT, FPS, FRAMES, ROUNDS] = [1920, 1080, 25, 60, 3]
const GREEN = { kind: 'colour', rgb: [0, 0.7, 0.25] }
const OUTPUTS = {
  'alpha.mkv': { planes: 2, picture: { output: 'alpha' }, options: { view: 'alpha' } },
  'colour.mp4': { planes: 8, picture: { output: 'composite', backdrop: GREEN }, options: { background: GREEN } },
  'prores.mov': { planes: 8, picture: { output: 'straight' } },
  'vp9.webm': { planes: 8, picture: { output: 'straight' } },
}

const threads = process.argv[2] === undefined ? undefined : Number(process.argv[2])
const model = await openModel(undefined, { provider: 'cpu', threads })
const cores = availableParallelism()
const folder = mkdtempSync(join(tmpdir(), 'mattebox-bench-'))
const clip = join(folder, 'clip.mp4')
const demo = join(import.meta.dirname, '..', '..', 'demo', 'astronaut.webm')
const filter = `scale=${WIDTH}:${HEIGHT}:flags=bicubic,noise=alls=4:allf=t`
const h264 = ['-c:v', 'libx264', '-preset', 'veryfast', '-crf', '20', '-pix_fmt', 'yuv420p']
const input = ['-v', 'error', '-stream_loop', '-1', '-i', demo, '-frames:v', `${FRAMES}`, '-vf', filter]
execFileSync('ffmpeg', [...input, ...h264, '-an', clip])

/** Ms a frame of the pipeline alone, over as many frames. */
async function alone({ planes, picture }) {
  const source = await openVideo(clip, { to: 10 / FPS })
  const frames = []
  for await (const { data } of source.frames()) frames.push(data)
  const size = { width: WIDTH, height: HEIGHT, sourceAlpha: false }
  const settings = { ratio: 0, refiner: 'deep', cutDetection: true, planes, pictures: [picture] }
  const pipeline = await MattingPipeline.open({ ...model, ...size, ...settings })
  const began = performance.now()
  for (let n = 0; n < FRAMES; n++) await pipeline.process(frames[n % frames.length])
  const ms = (performance.now() - began) / FRAMES
  await pipeline[Symbol.asyncDispose]()
  return ms
}

/** Ms a frame of the whole, and ffmpeg's part. */
async function whole(name, { options }) {
  const before = childrenMs()
  const { fps } = await matteVideo(clip, join(folder, name), { ...options, model, force: true })
  return { ms: 1000 / fps, ffmpegMs: (childrenMs() - before) / FRAMES }
}

/** CPU time of the children that have ended, ms (proc(5): cutime and cstime, in hundredths of a second). */
function childrenMs() {
  const fields = readFileSync('/proc/self/stat', 'utf8').split(') ')[1].split(' ')
  return 10 * (Number(fields[13]) + Number(fields[14]))
}

const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]

const used = threads ?? cores
console.log(
  `${WIDTH}x${HEIGHT}, ${FRAMES} frames, ${ROUNDS} rounds, ${used} threads, ${cores} cores, load ${loadavg()[0]}`,
)
console.log('output        alone ms  whole ms  ffmpeg CPU ms  speed kept  possible')
try {
  for (const [name, output] of Object.entries(OUTPUTS)) {
    const rounds = []
    for (let round = 0; round < ROUNDS; round++) {
      const aloneMs = await alone(output)
      rounds.push({ aloneMs, ...(await whole(name, output)) })
    }
    const [aloneMs, ms, ffmpegMs] = ['aloneMs', 'ms', 'ffmpegMs'].map((key) => median(rounds.map((one) => one[key])))
    const kept = median(rounds.map((one) => one.aloneMs / one.ms))
    // All cores are busy all the time: with the network's threads, or with ffmpeg.
    const possible = Math.min(1, (aloneMs * cores) / (aloneMs * Math.min(used, cores) + ffmpegMs))
    const columns = [aloneMs.toFixed(0), ms.toFixed(0), ffmpegMs.toFixed(0), kept.toFixed(2), possible.toFixed(2)]
    console.log(name.padEnd(12) + columns.map((text, i) => text.padStart([10, 10, 15, 12, 10][i])).join(''))
  }
} finally {
  rmSync(folder, { recursive: true })
}
