import { create, toBinary } from '@bufbuild/protobuf'
import {
  AttributeProto_AttributeType as AttributeType,
  AttributeProtoSchema,
  GraphProtoSchema,
  ModelProtoSchema,
  NodeProtoSchema,
  OperatorSetIdProtoSchema,
  TensorProto_DataType,
  TensorProtoSchema,
  TensorShapeProto_DimensionSchema,
  TensorShapeProtoSchema,
  TypeProto_TensorSchema,
  TypeProtoSchema,
  ValueInfoProtoSchema,
} from 'onnx-buf'
import * as ort from 'onnxruntime-node'
import { describe, expect, it } from 'vitest'
import { MatteboxError } from '../../../src/errors/index.ts'
import { CONVOLUTIONS } from '../../../src/model/weights/convolutions.ts'
import { parseWeights, type Tensor, type Weights } from '../../../src/model/weights/index.ts'
import { createSession } from '../onnx/run-graph.ts'
import { randomWeights } from '../random-weights.ts'
import { seededRandom } from '../seeded-random.ts'
import { differences, halfExact, safetensorsFile, withoutSegmentation } from './weights-for-files.ts'

const weights = halfExact(randomWeights(11))

/** The published state dict as training leaves it: convolutions without bias, each with its BatchNorm. */
function unfolded(): Map<string, Tensor> {
  const random = seededRandom(12)
  const tensors = new Map(withoutSegmentation(weights))
  for (const { name, batchNorm, shape } of CONVOLUTIONS) {
    if (!batchNorm) continue
    const [channels] = shape
    const vector = (from: number, to: number) => ({
      shape: [channels],
      data: Float32Array.from({ length: channels }, () => from + random() * (to - from)),
    })
    tensors.delete(`${name}.bias`)
    tensors.set(`${batchNorm.name}.weight`, vector(0.5, 2))
    tensors.set(`${batchNorm.name}.bias`, vector(-1, 1))
    tensors.set(`${batchNorm.name}.running_mean`, vector(-1, 1))
    // Small, so that a wrong epsilon shows.
    tensors.set(`${batchNorm.name}.running_var`, vector(1e-4, 1e-2))
  }
  return tensors
}

function fault(tensors: Weights, options?: Parameters<typeof safetensorsFile>[1]): string {
  try {
    parseWeights(safetensorsFile(tensors, options), 'net.safetensors')
  } catch (error) {
    if (error instanceof MatteboxError) return `${error.code}: ${error.message}`
    throw error
  }
  return 'none'
}

describe('importing a state dict with BatchNorm folded', () => {
  it('keeps every number, from float32 and from float16', () => {
    for (const dtype of ['F32', 'F16'] as const) {
      const { weights: found, info } = parseWeights(safetensorsFile(weights, { dtype }), 'net.safetensors')
      expect(differences(found, weights)).toEqual([])
      expect(info).toMatchObject({
        format: 'safetensors',
        segmentation: true,
        precision: dtype === 'F16' ? 'fp16' : 'fp32',
      })
    }
  })

  it('does without the segmentation head, but not with half of it', () => {
    const without = new Map(withoutSegmentation(weights))
    expect(parseWeights(safetensorsFile(without), 'x').info.segmentation).toBe(false)
    without.set('project_seg.conv.bias', weights.get('project_seg.conv.bias')!)
    expect(fault(without)).toContain('project_seg.conv.weight is missing')
  })

  it('names what is missing, mis-shaped and unexpected', () => {
    const wrong = new Map(weights)
    wrong.delete('aspp.aspp2.1.weight')
    wrong.set('project_mat.conv.bias', { shape: [2, 2], data: new Float32Array(4) })
    wrong.set('aspp.aspp2.1.bias', { shape: [128], data: new Float32Array(128) })
    wrong.set('__proto__', { shape: [1], data: new Float32Array(1) })
    expect(fault(wrong)).toBe(
      "MODEL_TENSORS: net.safetensors does not hold the network's tensors: aspp.aspp2.1.weight is missing; " +
        'project_mat.conv.bias is [2, 2] instead of [4]; __proto__ is unexpected; aspp.aspp2.1.bias is unexpected.',
    )
  })

  it('counts what it does not name, where another network is whole', () => {
    const foreign = new Map([['backbone.layer1.0.conv1.weight', { shape: [1], data: new Float32Array(1) }]])
    expect(fault(foreign)).toMatch(/backbone\.features\.0\.0\.weight is missing; .*; and 157 more\.$/)
  })

  it('refuses tensors of integers, NaN and infinity, and names them', () => {
    const name = 'decoder.decode2.gru.hh.0.weight'
    expect(fault(weights, { override: { [name]: 'I32' } })).toContain(`${name} is of type I32`)
    for (const value of [NaN, Infinity, -Infinity]) {
      const data = Float32Array.from(weights.get(name)!.data)
      data[77] = value
      const wrong = new Map(weights).set(name, { shape: [20, 40, 3, 3], data })
      expect(fault(wrong)).toBe(
        `MODEL_DAMAGED: net.safetensors is damaged: 1 of 7200 numbers of ${name} are not finite.`,
      )
      expect(fault(wrong, { dtype: 'F16' })).toContain('not finite')
    }
  })
})

describe('importing a state dict with BatchNorm', () => {
  const trained = unfolded()
  const { weights: folded } = parseWeights(safetensorsFile(trained, { batchCounts: true }), 'net.safetensors')

  it('folds every one of them, whether or not the batches were counted', () => {
    const { weights: uncounted } = parseWeights(safetensorsFile(trained), 'net.safetensors')
    expect(Array.from(folded.keys())).toEqual(Array.from(withoutSegmentation(weights).keys()))
    expect(differences(uncounted, folded)).toEqual([])
  })

  it('leaves convolutions without BatchNorm as they were', () => {
    for (const name of ['aspp.aspp2.1.weight', 'decoder.decode4.gru.ih.0.bias', 'refiner.box_filter.weight']) {
      expect(folded.get(name)).toEqual(weights.get(name))
    }
  })

  it.each([
    ['backbone.features.0.0', 'backbone.features.0.1', 1e-3],
    ['backbone.features.13.block.1.0', 'backbone.features.13.block.1.1', 1e-3],
    ['backbone.features.16.0', 'backbone.features.16.1', 1e-3],
    ['aspp.aspp1.0', 'aspp.aspp1.1', 1e-5],
    ['decoder.decode3.conv.0', 'decoder.decode3.conv.1', 1e-5],
    ['decoder.decode0.conv.3', 'decoder.decode0.conv.4', 1e-5],
    ['refiner.conv.0', 'refiner.conv.1', 1e-5],
  ])('gives %s what onnxruntime makes of it and %s (epsilon %d)', async (conv, norm, epsilon) => {
    const kernel = trained.get(`${conv}.weight`)!
    const depthwise = kernel.shape[1] === 1
    const channels = depthwise ? kernel.shape[0] : kernel.shape[1]
    const random = seededRandom(13)
    const input = Float32Array.from({ length: channels * 36 }, () => random() * 2 - 1)
    const norms = ['weight', 'bias', 'running_mean', 'running_var'].map((part) => trained.get(`${norm}.${part}`)!)
    const bias = folded.get(`${conv}.bias`)!
    const groups = depthwise ? channels : 1
    const wanted = await runConvolution(input, channels, groups, [kernel], { norms, epsilon })
    const found = await runConvolution(input, channels, groups, [folded.get(`${conv}.weight`)!, bias])
    const scale = Math.max(...wanted.map(Math.abs))
    const worst = Math.max(...wanted.map((value, index) => Math.abs(value - found[index]))) / scale
    expect(worst).toBeLessThan(2e-6)
  })

  it('names what is missing of them, and a bias that has no place beside them', () => {
    const wrong = new Map(trained)
    wrong.delete('aspp.aspp1.1.running_mean')
    wrong.set('aspp.aspp1.0.bias', weights.get('aspp.aspp1.0.bias')!)
    expect(fault(wrong)).toContain('aspp.aspp1.1.running_mean is missing; aspp.aspp1.0.bias is unexpected.')
  })

  it('refuses an infinite variance, which folding would turn into harmless zeros', () => {
    const wrong = new Map(trained)
    wrong.set('aspp.aspp1.1.running_var', { shape: [128], data: new Float32Array(128).fill(Infinity) })
    expect(fault(wrong)).toContain('128 of 128 numbers of aspp.aspp1.1.running_var are not finite')
  })

  it('refuses a variance that is not positive', () => {
    const wrong = new Map(trained)
    wrong.set('refiner.conv.1.running_var', { shape: [16], data: new Float32Array(16).fill(-1) })
    expect(fault(wrong)).toContain('refiner.conv.0.weight are not finite')
  })
})

/** Conv, and BatchNormalization behind it where it is given, over one picture of 6x6. */
async function runConvolution(
  input: Float32Array,
  channels: number,
  groups: number,
  parameters: readonly Tensor[],
  norm?: { norms: readonly Tensor[]; epsilon: number },
): Promise<Float32Array> {
  const tensors = [...parameters, ...(norm?.norms ?? [])]
  const names = tensors.map((_, index) => `t${index}`)
  const shape = create(TensorShapeProtoSchema, {
    dim: [1, channels, 6, 6].map((side) =>
      create(TensorShapeProto_DimensionSchema, { value: { case: 'dimValue', value: BigInt(side) } }),
    ),
  })
  const type = (withShape: boolean) =>
    create(TypeProtoSchema, {
      value: {
        case: 'tensorType',
        value: create(TypeProto_TensorSchema, { elemType: TensorProto_DataType.FLOAT, ...(withShape && { shape }) }),
      },
    })
  const group = create(AttributeProtoSchema, { name: 'group', type: AttributeType.INT, i: BigInt(groups) })
  const used = parameters.length
  const nodes = [
    create(NodeProtoSchema, {
      opType: 'Conv',
      input: ['x', ...names.slice(0, used)],
      output: ['y'],
      attribute: [group],
    }),
  ]
  if (norm) {
    const epsilon = create(AttributeProtoSchema, { name: 'epsilon', type: AttributeType.FLOAT, f: norm.epsilon })
    const input = ['y', ...names.slice(used)]
    nodes.push(create(NodeProtoSchema, { opType: 'BatchNormalization', input, output: ['z'], attribute: [epsilon] }))
  }
  const model = create(ModelProtoSchema, {
    irVersion: 8n,
    opsetImport: [create(OperatorSetIdProtoSchema, { version: 17n })],
    graph: create(GraphProtoSchema, {
      name: 'convolution',
      node: nodes,
      initializer: tensors.map(({ shape: dims, data }, index) =>
        create(TensorProtoSchema, {
          name: names[index],
          dims: dims.map(BigInt),
          dataType: TensorProto_DataType.FLOAT,
          floatData: Array.from(data),
        }),
      ),
      input: [create(ValueInfoProtoSchema, { name: 'x', type: type(true) })],
      output: [create(ValueInfoProtoSchema, { name: norm ? 'z' : 'y', type: type(false) })],
    }),
  })
  const session = await createSession(toBinary(ModelProtoSchema, model))
  const results = await session.run({ x: new ort.Tensor('float32', input, [1, channels, 6, 6]) })
  return results[norm ? 'z' : 'y'].data as Float32Array
}
