import * as ort from 'onnxruntime-node'
import type { ElementType, Value } from '../../../src/model/onnx/graph.ts'
import { Graph } from '../../../src/model/onnx/graph.ts'
import { seededRandom } from '../seeded-random.ts'
import { count, tensor64, type Tensor64 } from './float64-ops.ts'

/** A session of the real onnxruntime on the CPU, quiet and on one thread. */
export function createSession(model: Uint8Array): Promise<ort.InferenceSession> {
  return ort.InferenceSession.create(model, { intraOpNumThreads: 1, logSeverityLevel: 3 })
}

/** Runs a session on float64 tensors; inputs are given to it in the type that it declares. */
export async function run(
  session: ort.InferenceSession,
  feeds: Readonly<Record<string, Tensor64>>,
): Promise<Record<string, Tensor64>> {
  const types = new Map(session.inputMetadata.map((input) => [input.name, input.isTensor ? input.type : 'float32']))
  const tensors = Object.entries(feeds).map(([name, { shape, data }]) => [
    name,
    types.get(name) === 'uint8'
      ? new ort.Tensor('uint8', Uint8Array.from(data), shape)
      : new ort.Tensor('float32', Float32Array.from(data), shape),
  ])
  const results = await session.run(Object.fromEntries(tensors) as Record<string, ort.Tensor>)
  return Object.fromEntries(
    Object.entries(results).map(([name, { dims, data }]) => [name, tensor64(dims, data as Float32Array)]),
  )
}

/** Random values in −range..range, or whole numbers 0..255 for bytes. */
export function randomTensor(
  shape: readonly number[],
  seed: number,
  type: ElementType = 'float32',
  range = 1,
): Tensor64 {
  const random = seededRandom(seed)
  const value = type === 'uint8' ? () => Math.floor(random() * 256) : () => Math.fround((random() * 2 - 1) * range)
  return tensor64(shape, Array.from({ length: count(shape) }, value))
}

/** Builds a graph of one idea, runs it in onnxruntime, and answers its output. */
export async function runGraph(
  inputs: readonly Tensor64[],
  build: (g: Graph, values: readonly Value[]) => Value,
  types: readonly ElementType[] = inputs.map(() => 'float32'),
): Promise<Tensor64> {
  const g = new Graph()
  const values = inputs.map((input, index) => g.input(`in${index}`, types[index], input.shape))
  const result = build(g, values)
  g.output('out', result)
  const session = await createSession(g.serialize('test'))
  const feeds = Object.fromEntries(inputs.map((input, index) => [`in${index}`, input]))
  const out = (await run(session, feeds))['out']
  if (out.shape.join() !== result.shape.join())
    throw new Error(`promised [${result.shape.join()}], got [${out.shape.join()}]`)
  return out
}

/** Largest distance between two tensors of one shape. */
export function distance(a: Tensor64, b: Tensor64): number {
  if (a.shape.join() !== b.shape.join()) throw new Error(`shapes [${a.shape.join()}] and [${b.shape.join()}] differ`)
  return a.data.reduce((worst, value, index) => {
    const d = Math.abs(value - b.data[index])
    return Number.isNaN(d) ? Infinity : Math.max(worst, d)
  }, 0)
}
