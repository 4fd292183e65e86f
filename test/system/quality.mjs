/**
 * Prints the matte quality on the clips with truth beside what the published implementation reaches with the same
 * weights: `npm run quality [-- MODEL]`. Exits 1 if a MAD is more than 5 % worse.
 *
 * The clips may not be published: the folder is MATTEBOX_SHARED, else `../shared` beside the clone.
 */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'

const root = join(import.meta.dirname, '..', '..')
const shared = process.env.MATTEBOX_SHARED ?? join(root, '..', 'shared')
const clips = join(shared, 'data', 'clips')
const model = process.argv[2] ?? join(shared, 'weights', 'rvm-standin.safetensors')
const WORSE = 1.05

/** Published: MAD · 10³ with the deep and the fast refiner; dtSSD · 10² and IoU with the deep one. */
const CLIPS = [
  { clip: 'gt-head-static-room', truth: 'alpha', deep: 3.51, fast: 3.37, dtssd: 1.47, iou: 0.99 },
  { clip: 'gt-head-moving-background', truth: 'alpha', deep: 4.6, fast: 4.44, dtssd: 3.24, iou: 0.987 },
  { clip: 'mask-parkour', truth: 'mask', deep: 4.11, fast: 4.14, dtssd: 6.23, iou: 0.921 },
  { clip: 'mask-dance-twirl', truth: 'mask', deep: 17.3, fast: 17.4, dtssd: 11.3, iou: 0.825 },
  { clip: 'enter-leave-composite', truth: 'alpha', deep: 1.37, fast: 1.33, dtssd: 1.26, iou: 0.956 },
  { clip: 'enter-leave', truth: 'mask' },
]

if (!existsSync(clips)) {
  console.log(`No clips in ${clips}: set MATTEBOX_SHARED to the folder that holds data/clips and weights.`)
  process.exit(2)
}

const cell = (value, width = 9) => String(value ?? '–').padStart(width)
console.log(
  `${'clip'.padEnd(26)}refiner${['MAD', 'published', 'ratio', 'MSE', 'Grad', 'Conn', 'dtSSD', 'published', 'IoU', 'published', 'ms'].map((h) => cell(h)).join('')}`,
)
let worse = 0
for (const { clip, truth, ...published } of CLIPS) {
  for (const refiner of ['deep', 'fast', 'none']) {
    const files = [join(clips, `${clip}.mp4`), join(clips, `${clip}.${truth}.mkv`)]
    const flags = ['--model', model, '--refiner', refiner, '--provider', 'cpu', '--json']
    const main = join(root, 'dist', 'cli', 'main.js')
    const { stdout } = await promisify(execFile)(process.execPath, [main, 'eval', ...files, ...flags])
    const got = JSON.parse(stdout)
    const wanted = published[refiner]
    const ratio = wanted && got.mad / wanted
    if (ratio > WORSE) worse++
    const deep = refiner === 'deep' ? published : {}
    const row = [
      ...[got.mad.toFixed(2), wanted, ratio?.toFixed(3), got.mse.toFixed(2), got.grad.toFixed(2), got.conn.toFixed(2)],
      ...[got.dtssd?.toFixed(2), deep.dtssd, got.iou?.toFixed(3), deep.iou, got.msPerFrame.toFixed(0)],
    ]
    console.log(`${clip.padEnd(26)}${refiner.padEnd(7)}${row.map((value) => cell(value)).join('')}`)
  }
}
console.log(worse === 0 ? 'Every MAD is at most 1.05 times the published one.' : `${worse} MADs are over 1.05 times.`)
process.exit(worse === 0 ? 0 : 1)
