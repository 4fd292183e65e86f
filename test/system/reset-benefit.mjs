/**
 * What a reset is worth: frames until the matte is as good as if nothing had happened, with and without one.
 * `npm run bench:resets [-- MODEL]`. The figures justify the defaults of reset_on_scene_change and cut_detection.
 *
 * At a hard cut the source jumps from one clip into the middle of another; at a scene change it goes on, and only
 * the program changed. Both are compared with a run that had the second clip before its eyes all the time, at the
 * network's resolution.
 *
 * The clips may not be published: the folder is MATTEBOX_SHARED, else `../shared` beside the clone.
 */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { loadWeights } from '../../dist/model/weights/index.js'
import { MattingSession } from '../../dist/sidecar/inference/matting-session.js'

const root = join(import.meta.dirname, '..', '..')
const shared = process.env.MATTEBOX_SHARED ?? join(root, '..', 'shared')
const clips = join(shared, 'data', 'clips')
const model = process.argv[2] ?? join(shared, 'weights', 'rvm-standin.safetensors')
const [WIDTH, HEIGHT] = [512, 288]
const AREA = WIDTH * HEIGHT
/** Frames before the cut, and after it. */
const BEFORE = 30
const AFTER = 30
/** Where the second clip begins, so that somebody is in it. */
const TRUTHS = {
  'gt-head-static-room': 40,
  'gt-head-moving-background': 40,
  'enter-leave-composite': 60,
  'mask-parkour': 40,
}
const OTHERS = ['real-webcam-man', 'real-desk-woman', 'real-street-interview', 'mask-dance-twirl']

if (!existsSync(clips)) {
  console.log(`No clips in ${clips}: set MATTEBOX_SHARED to the folder that holds data/clips and weights.`)
  process.exit(2)
}

/** Frames of a clip at the network's resolution. */
async function frames(file, pixels, count) {
  const bytes = AREA * (pixels === 'bgra' ? 4 : 1)
  const flags = ['-v', 'error', '-i', join(clips, file), '-vf', `scale=${WIDTH}:${HEIGHT}:flags=area`]
  const child = spawn('ffmpeg', [...flags, '-frames:v', String(count), '-pix_fmt', pixels, '-f', 'rawvideo', '-'])
  const chunks = []
  for await (const chunk of child.stdout) chunks.push(chunk)
  const all = Buffer.concat(chunks)
  return Array.from({ length: all.length / bytes }, (_, i) => all.subarray(i * bytes, (i + 1) * bytes))
}

/** Mean absolute difference of the low-resolution alpha to the truth, · 10³. */
function mad({ planes }, frame, truth) {
  let sum = 0
  for (let i = 0; i < AREA; i++) {
    const gray = (frame[4 * i] + frame[4 * i + 1] + frame[4 * i + 2]) / 765
    const alpha = Math.min(1, Math.max(0, planes[i] * gray + planes[AREA + i]))
    sum += Math.abs(alpha - truth[i] / 255)
  }
  return (1000 * sum) / AREA
}

const { weights } = await loadWeights(model)
const options = { weights: () => weights, provider: 'cpu', refiner: 'deep', planes: 2, cutDetection: false }
const session = new MattingSession(options)

/** MADs of the frames after `from`, after whatever was before. */
async function run(before, clip, truth, from, reset) {
  session.reset('asked')
  for (const data of before) await session.step({ data, width: WIDTH, height: HEIGHT })
  if (reset) session.reset('asked')
  const found = []
  for (let i = from; i < Math.min(clip.length, from + AFTER); i++) {
    found.push(mad(await session.step({ data: clip[i], width: WIDTH, height: HEIGHT }), clip[i], truth[i]))
  }
  return found
}

/** Frames until the MAD stays within 10 % (and 0.5) of what it would be. */
function settles(found, wanted) {
  let last = 0
  found.forEach((value, i) => {
    if (value > 1.1 * wanted[i] + 0.5) last = i + 1
  })
  return last
}

const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length
const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1]
const rows = []
console.log(
  'second clip                first clip                 settles: reset  none   MAD of 10 frames: reset   none  undisturbed',
)
for (const [name, from] of Object.entries(TRUTHS)) {
  const truthFile = existsSync(join(clips, `${name}.alpha.mkv`)) ? `${name}.alpha.mkv` : `${name}.mask.mkv`
  const clip = await frames(`${name}.mp4`, 'bgra', from + AFTER)
  const truth = await frames(truthFile, 'gray', from + AFTER)
  const undisturbed = await run(clip.slice(from - BEFORE, from), clip, truth, from, false)
  const print = (kind, first, withReset, without) => {
    const row = { kind, reset: settles(withReset, undisturbed), none: settles(without, undisturbed) }
    rows.push(row)
    const tens = [withReset, without, undisturbed].map((found) => mean(found.slice(0, 10)).toFixed(2).padStart(7))
    console.log(
      `${name.padEnd(27)}${first.padEnd(35)}${String(row.reset).padStart(6)}${String(row.none).padStart(6)}${' '.repeat(19)}${tens.join('')}`,
    )
  }
  const anew = await run([], clip, truth, from, true)
  print('scene', '(scene change, same picture)', anew, undisturbed)
  for (const first of [...Object.keys(TRUTHS), ...OTHERS].filter((other) => other !== name)) {
    const before = (await frames(`${first}.mp4`, 'bgra', 60)).slice(-BEFORE)
    const without = await run(before, clip, truth, from, false)
    print('cut', first, anew, without)
  }
}
for (const kind of ['scene', 'cut']) {
  const found = rows.filter((row) => row.kind === kind)
  const words = ['reset', 'none'].map((how) => {
    const values = found.map((row) => row[how])
    return `${how === 'reset' ? 'with a reset' : 'without'} median ${median(values)}, most ${Math.max(...values)}`
  })
  console.log(
    `${kind === 'cut' ? 'hard cut' : 'scene change, same picture'} (${found.length}): frames until settled: ${words.join('; ')}`,
  )
}
