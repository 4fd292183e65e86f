import { Graph } from '../../../src/model/onnx/graph.ts'
import type { ProbeWork } from '../../../src/sidecar/inference/provider-probe.ts'
import { seededRandom } from '../../model/seeded-random.ts'

/** A few convolutions on a made-up picture: `convolutions` of 16 channels, sides of `side`. */
export function smallNetwork(convolutions = 2, side = 16): ProbeWork {
  const random = seededRandom(convolutions)
  const values = (length: number, spread: number) => Float32Array.from({ length }, () => (random() - 0.5) * spread)
  const dims = [1, 16, side, side]
  const g = new Graph()
  let x = g.input('x', 'float32', dims)
  for (let index = 0; index < convolutions; index++) {
    const weight = { shape: [16, 16, 3, 3], data: values(16 * 16 * 9, 0.3) }
    x = g.sigmoid(g.conv2d(x, { name: `conv${index}`, weight }))
  }
  g.output('y', x)
  const data = values(
    dims.reduce((product, n) => product * n, 1),
    1,
  )
  return { model: g.serialize('small'), inputs: { x: { type: 'float32', dims, data } } }
}
