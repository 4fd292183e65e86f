/**
 * Run by test_matting_session.py: matting_session.mjs MODEL FRAMES WIDTH HEIGHT REFINER OUTPUT. Steps a MattingSession
 * over raw BGRA frames and writes the float32 planes of all of them.
 */
import { readFile, writeFile } from 'node:fs/promises'
import { MattingSession } from '../../dist/sidecar/inference/matting-session.js'
import { loadWeights } from '../../dist/model/weights/index.js'

const [model, frames, width, height, refiner, output] = process.argv.slice(2)
const { weights } = await loadWeights(model)
const size = { width: Number(width), height: Number(height) }
const bytes = size.width * size.height * 4
const clip = new Uint8Array(await readFile(frames))
const session = new MattingSession({
  weights: () => weights,
  provider: 'cpu',
  threads: 1,
  refiner,
  planes: 8,
  cutDetection: false,
})
const planes = []
for (let start = 0; start < clip.length; start += bytes) {
  const answer = await session.step({ data: clip.subarray(start, start + bytes), ...size })
  planes.push(Buffer.from(answer.planes.slice().buffer))
}
await session[Symbol.asyncDispose]()
await writeFile(output, Buffer.concat(planes))
