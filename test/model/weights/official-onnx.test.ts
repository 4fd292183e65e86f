import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fromBinary, toBinary } from '@bufbuild/protobuf'
import { ModelProtoSchema, TensorProto_DataLocation, TensorProto_DataType, type ModelProto } from 'onnx-buf'
import { describe, expect, it } from 'vitest'
import { MatteboxError } from '../../../src/errors/index.ts'
import { parseWeights, type Weights } from '../../../src/model/weights/index.ts'
import { describeWithSharedData } from '../../shared-data.ts'
import { randomWeights } from '../random-weights.ts'
import { seededRandom } from '../seeded-random.ts'
import { differences, halfExact, withoutSegmentation } from './weights-for-files.ts'
import { officialGraph } from './official-graph.ts'
import { scramble } from './scrambled-graph.ts'

const weights = halfExact(withoutSegmentation(randomWeights(3)))

const read = (model: ModelProto): Weights => parseWeights(toBinary(ModelProtoSchema, model), 'official.onnx').weights

function fault(model: ModelProto): string {
  try {
    read(model)
  } catch (error) {
    if (error instanceof MatteboxError) return error.message
    throw error
  }
  return 'none'
}

/** The graph after a change to it. */
function changed(change: (model: ModelProto) => void): ModelProto {
  const model = officialGraph(weights)
  change(model)
  return model
}

const convolutions = (model: ModelProto) => model.graph!.node.filter(({ opType }) => opType === 'Conv')
const attribute = (model: ModelProto, index: number, name: string) =>
  convolutions(model)[index].attribute.find((candidate) => candidate.name === name)!
const weightOf = (model: ModelProto, index: number) =>
  model.graph!.initializer.find(({ name }) => name === convolutions(model)[index].input[1])!

describe('importing the official ONNX', () => {
  it('finds every tensor in a graph whose names are numbers', () => {
    expect(differences(read(officialGraph(weights)), weights)).toEqual([])
  })

  it.each([1, 2, 3])('finds them with every name scrambled and the order shuffled (seed %i)', (seed) => {
    const model = officialGraph(weights)
    scramble(model.graph!, seededRandom(seed))
    expect(differences(read(model), weights)).toEqual([])
  })

  it('takes weights from raw bytes, from typed lists, in half precision, and from Constant nodes', () => {
    expect(differences(read(officialGraph(weights, { values: 'list' })), weights)).toEqual([])
    expect(differences(read(officialGraph(weights, { values: 'half' })), weights)).toEqual([])
    expect(differences(read(officialGraph(weights, { values: 'half-list', constants: 'node' })), weights)).toEqual([])
  })

  it('takes weights that an Identity node hands on, as exporters write them for equal tensors', () => {
    const model = changed(({ graph }) => {
      const [first] = graph!.node.filter(({ opType }) => opType === 'Conv')
      const identity = structuredClone(graph!.node[0])
      Object.assign(identity, { opType: 'Identity', attribute: [], input: [first.input[2]], output: ['bias.copy'] })
      graph!.node.unshift(identity)
      first.input[2] = 'bias.copy'
    })
    expect(differences(read(model), weights)).toEqual([])
  })

  it('says in which precision the file keeps its numbers', () => {
    const info = (model: ModelProto) => parseWeights(toBinary(ModelProtoSchema, model), 'official.onnx').info
    expect(info(officialGraph(weights))).toMatchObject({ format: 'onnx', precision: 'fp32', segmentation: false })
    expect(info(officialGraph(weights, { values: 'half' }))).toMatchObject({ precision: 'fp16' })
  })

  it('takes the segmentation head where a graph has one', () => {
    const all = halfExact(randomWeights(4))
    expect(differences(read(officialGraph(all)), all)).toEqual([])
  })

  it('takes copies of the box filter for one only if they are equal', () => {
    const model = changed(({ graph }) => {
      const boxes = graph!.node.filter(({ opType, input }) => opType === 'Conv' && input.length === 2).slice(-2)
      const filter = graph!.initializer.find(({ name }) => name === boxes[1].input[1])!
      graph!.initializer.push({ ...filter, name: 'box.copy', rawData: new Uint8Array(filter.rawData) })
      boxes[1].input[1] = 'box.copy'
    })
    expect(differences(read(model), weights)).toEqual([])
    model.graph!.initializer.at(-1)!.rawData[1] ^= 1
    expect(fault(model)).toContain('two of its convolutions stand where refiner.box_filter.weight belongs')
  })

  it.each<[string, (model: ModelProto) => void]>([
    ['a stride differs', (model) => (attribute(model, 0, 'strides').ints = [1n, 1n])],
    ['a dilation differs', (model) => (attribute(model, 60, 'dilations').ints = [3n, 3n])],
    ['the padding differs', (model) => (attribute(model, 4, 'pads').ints = [0n, 0n, 0n, 0n])],
    ['the groups differ', (model) => (attribute(model, 1, 'group').i = 1n)],
    ['a shape differs', (model) => (weightOf(model, 2).dims = [16n, 16n, 1n])],
    ['a convolution lost its bias', (model) => convolutions(model)[5].input.pop()],
    [
      'two convolutions changed places',
      (model) => {
        // Both 184x80: only what they read tells them apart.
        const [one, other] = convolutions(model).filter(
          (_, index) => weightOf(model, index).dims.join() === '184,80,1,1',
        )
        ;[one.input[0], other.input[0]] = [other.input[0], one.input[0]]
      },
    ],
  ])('refuses a graph in which %s', (_, change) => {
    expect(fault(changed(change))).toMatch(
      /^official\.onnx (is an ONNX graph, but not Robust Video Matting's|is damaged)/,
    )
  })

  it('refuses a graph that ends early, and names the first convolution that it lacks', () => {
    const model = changed(({ graph }) => graph!.node.splice(-40))
    expect(fault(model)).toMatch(/it lacks \d+ of its convolutions, the first is /)
  })

  it('refuses a graph with a convolution too many', () => {
    const model = changed(({ graph }) => {
      const [first] = convolutions({ graph } as ModelProto)
      graph!.node.push({ ...first, output: ['one.more'] })
    })
    expect(fault(model)).toContain('two of its convolutions stand where backbone.features.0.0.weight belongs')
  })

  it('refuses a graph without convolutions, and a file without graph', () => {
    expect(fault(changed(({ graph }) => (graph!.node = [])))).toContain('it lacks 82 of its convolutions')
    expect(fault(changed((model) => delete model.graph))).toBe('official.onnx holds no ONNX graph.')
  })

  it('refuses a bias of the wrong shape, and names it', () => {
    const model = changed(({ graph }) => {
      const bias = graph!.node.find(({ opType }) => opType === 'Conv')!.input[2]
      graph!.initializer.find(({ name }) => name === bias)!.dims = [8n]
    })
    expect(fault(model)).toContain('backbone.features.0.0.bias is [8] instead of [16]')
  })

  it('refuses weights that lie in another file, by name', () => {
    const model = changed((whole) => (weightOf(whole, 0).dataLocation = TensorProto_DataLocation.EXTERNAL))
    expect(fault(model)).toContain('keeps backbone.features.0.0.weight in another file (external data)')
  })

  it('refuses weights of another type, or with too few numbers', () => {
    expect(fault(changed((model) => (weightOf(model, 0).dataType = TensorProto_DataType.INT8)))).toContain(
      'ONNX type INT8',
    )
    const short = changed((model) => (weightOf(model, 0).rawData = new Uint8Array(16)))
    expect(fault(short)).toContain('backbone.features.0.0.weight has data for another number of elements than its 432')
  })

  it('refuses values that are read before they are written, and values written twice', () => {
    expect(fault(changed(({ graph }) => graph!.node.reverse()))).toContain('before any has written it')
    const twice = changed(({ graph }) => (graph!.node[9].output = graph!.node[8].output))
    expect(fault(twice)).toMatch(/two nodes write|before any has written/)
  })

  it('says so where BatchNorm is not folded', () => {
    const model = changed(({ graph }) => (graph!.node[40].opType = 'BatchNormalization'))
    expect(fault(model)).toContain('its BatchNorm is not folded')
  })

  it('tells who exported a graph of our own what to use instead', () => {
    expect(fault(changed((model) => (model.producerName = 'mattebox')))).toContain('mattebox exported it')
  })
})

describeWithSharedData('the stand-in for the official ONNX', (folder) => {
  const path = (file: string) => join(folder, 'weights', file)
  const bySafetensors = parseWeights(readFileSync(path('rvm-standin.safetensors')), 'rvm-standin.safetensors').weights

  it('holds what its safetensors hold', () => {
    expect(
      differences(parseWeights(readFileSync(path('rvm-standin.onnx')), 'rvm-standin.onnx').weights, bySafetensors),
    ).toEqual([])
  })

  it('is read alike with every name scrambled and the order shuffled', () => {
    const model = fromBinary(ModelProtoSchema, readFileSync(path('rvm-standin.onnx')))
    scramble(model.graph!, seededRandom(5))
    expect(differences(read(model), bySafetensors)).toEqual([])
  })
})
