// Mattes a clip: node examples/matte-clip.mjs demo/astronaut.webm astronaut.webm
import { MatteboxError, matteVideo, openModel } from 'mattebox'

const [input, output] = process.argv.slice(2)
try {
  const model = await openModel()
  console.log(`${model.path} on ${model.provider}`)
  const report = await matteVideo(input, output, {
    model,
    background: { kind: 'colour', rgb: [0, 176 / 255, 64 / 255] },
    force: true,
    onProgress: ({ frames, total }) => process.stdout.write(`\r${frames} of ${total ?? '?'} frames`),
  })
  console.log(`\n${report.output}: ${report.frames} frames, ${report.fps.toFixed(1)} a second`)
} catch (error) {
  if (!(error instanceof MatteboxError)) throw error
  console.error(`${error.message}\n${error.mend}`)
  process.exitCode = 1
}
