// Mattes frames that a program has in its memory: a moving square here, a camera's pictures in yours.
import { MattingPipeline, openModel } from 'mattebox'

const [width, height] = [320, 180]
const model = await openModel()
const pipeline = await MattingPipeline.open({
  ...model,
  ...{ width, height, ratio: 0, refiner: 'deep', cutDetection: true },
  // Two planes make an alpha; eight a foreground that is free of its old background as well.
  planes: 2,
  sourceAlpha: false,
  pictures: [{ output: 'alpha' }],
})
try {
  for (let n = 0; n < 3; n++) {
    const frame = new Uint8Array(width * height * 4).fill(255)
    for (let y = 60; y < 120; y++) frame.fill(40 * n, (y * width + 100 + n) * 4, (y * width + 160 + n) * 4)
    const [alpha] = await pipeline.process(frame)
    const mean = alpha.reduce((sum, value) => sum + value, 0) / alpha.length / 255
    console.log(`frame ${n}: ${alpha.length} pixels, mean alpha ${mean.toFixed(3)}`)
  }
} finally {
  await pipeline[Symbol.asyncDispose]()
}
