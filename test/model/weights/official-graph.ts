import { create } from '@bufbuild/protobuf'
import {
  AttributeProto_AttributeType as AttributeType,
  AttributeProtoSchema,
  GraphProtoSchema,
  ModelProtoSchema,
  NodeProtoSchema,
  OperatorSetIdProtoSchema,
  TensorProto_DataType,
  TensorProtoSchema,
  ValueInfoProtoSchema,
  type AttributeProto,
  type ModelProto,
  type NodeProto,
  type TensorProto,
} from 'onnx-buf'
import { narrowToHalf } from '../../../src/model/weights/half-float.ts'
import type { Weights } from '../../../src/model/weights/index.ts'

/**
 * A graph as the official release's exporter wrote it, of any weights: every operation that stands between two
 * convolutions, sizes computed from shapes, BatchNorm folded, numbers for names. Written after the published modules,
 * not after the importer's table.
 *
 * @param options.values - FLOAT in raw bytes (as exporters write), FLOAT in the typed list, or FLOAT16
 * @param options.constants - weights as Constant nodes, or initialisers (default)
 */
export function officialGraph(
  weights: Weights,
  options: { values?: 'raw' | 'list' | 'half' | 'half-list'; constants?: 'node' | 'initializer' } = {},
): ModelProto {
  const nodes: NodeProto[] = []
  const initializer: TensorProto[] = []
  let count = 386

  const node = (opType: string, input: string[], attributes: Record<string, number | number[]> = {}, outputs = 1) => {
    const output = Array.from({ length: outputs }, () => String(count++))
    const attribute = Object.entries(attributes).map(([name, value]) => integers(name, value))
    nodes.push(create(NodeProtoSchema, { opType, name: `${opType}_${nodes.length}`, input, output, attribute }))
    return output
  }
  const one = (opType: string, input: string[], attributes: Record<string, number | number[]> = {}) =>
    node(opType, input, attributes)[0]
  const constant = (values: number[]) => {
    const tensor = create(TensorProtoSchema, { dims: [BigInt(values.length)], dataType: TensorProto_DataType.FLOAT })
    tensor.floatData = values
    const attribute = [create(AttributeProtoSchema, { name: 'value', type: AttributeType.TENSOR, t: tensor })]
    const output = [String(count++)]
    nodes.push(create(NodeProtoSchema, { opType: 'Constant', output, attribute }))
    return output[0]
  }
  const parameters = new Map<string, string>()
  const parameter = (name: string) => {
    const found = parameters.get(name)
    if (found !== undefined) return found
    const { shape, data } = weights.get(name)!
    const tensor = create(TensorProtoSchema, { name: String(count++), dims: shape.map(BigInt) })
    const halves = options.values?.startsWith('half') ?? false
    tensor.dataType = halves ? TensorProto_DataType.FLOAT16 : TensorProto_DataType.FLOAT
    const stored = halves ? narrowToHalf(data) : data
    if (options.values === 'half-list') tensor.int32Data = Array.from(stored)
    else if (options.values === 'list') tensor.floatData = Array.from(stored)
    else tensor.rawData = new Uint8Array(stored.buffer as ArrayBuffer)
    if (options.constants === 'node') {
      const attribute = [create(AttributeProtoSchema, { name: 'value', type: AttributeType.TENSOR, t: tensor })]
      nodes.push(create(NodeProtoSchema, { opType: 'Constant', output: [tensor.name], attribute }))
    } else {
      initializer.push(tensor)
    }
    parameters.set(name, tensor.name)
    return tensor.name
  }
  const conv = (x: string, name: string, { stride = 1, dilation = 1, groups = 1, bias = true } = {}) => {
    const [, , kernel] = weights.get(`${name}.weight`)!.shape
    const pad = (dilation * (kernel - 1)) / 2
    const inputs = [x, parameter(`${name}.weight`), ...(bias ? [parameter(`${name}.bias`)] : [])]
    return one('Conv', inputs, {
      dilations: [dilation, dilation],
      group: groups,
      kernel_shape: [kernel, kernel],
      pads: [pad, pad, pad, pad],
      strides: [stride, stride],
    })
  }
  const relu = (x: string) => one('Relu', [x])
  // As exporters before opset 14 wrote it.
  const hardSigmoid = (x: string) => one('Div', [one('Clip', [one('Add', [x, constant([3])])]), constant([6])])
  const hardSwish = (x: string) => one('Mul', [x, hardSigmoid(x)])
  const mul = (a: string, b: string) => one('Mul', [a, b])
  const concat = (...values: string[]) => one('Concat', values, { axis: 1 })
  const sizeOf = (x: string) => one('Slice', [one('Shape', [x]), constant([2]), constant([4]), constant([0])])

  const src = 'src'
  const small = one('Resize', [src, constant([]), concat(constant([1, 1]), 'downsample_ratio', 'downsample_ratio')])

  // MobileNetV3-Large
  const B = 'backbone.features'
  let x = one('Div', [one('Sub', [small, constant([0.485, 0.456, 0.406])]), constant([0.229, 0.224, 0.225])])
  x = hardSwish(conv(x, `${B}.0.0`, { stride: 2 }))
  const taps: string[] = []
  // Kernel, expanded, output, squeeze-and-excitation, hard-swish, stride, dilation: the published table.
  const table: [number, number, number, boolean, boolean, number, number][] = [
    [16, 16, 16, false, false, 1, 1],
    [16, 64, 24, false, false, 2, 1],
    [24, 72, 24, false, false, 1, 1],
    [24, 72, 40, true, false, 2, 1],
    [40, 120, 40, true, false, 1, 1],
    [40, 120, 40, true, false, 1, 1],
    [40, 240, 80, false, true, 2, 1],
    [80, 200, 80, false, true, 1, 1],
    [80, 184, 80, false, true, 1, 1],
    [80, 184, 80, false, true, 1, 1],
    [80, 480, 112, true, true, 1, 1],
    [112, 672, 112, true, true, 1, 1],
    [112, 672, 160, true, true, 1, 2],
    [160, 960, 160, true, true, 1, 2],
    [160, 960, 160, true, true, 1, 2],
  ]
  table.forEach(([input, expanded, output, squeeze, swish, stride, dilation], index) => {
    const at = `${B}.${index + 1}.block`
    const act = swish ? hardSwish : relu
    const before = x
    let step = 0
    if (expanded !== input) x = act(conv(x, `${at}.${step++}.0`))
    x = act(conv(x, `${at}.${step++}.0`, { groups: expanded, stride, dilation }))
    if (squeeze) {
      const pooled = one('GlobalAveragePool', [x])
      x = mul(hardSigmoid(conv(relu(conv(pooled, `${at}.${step}.fc1`)), `${at}.${step}.fc2`)), x)
      step++
    }
    x = conv(x, `${at}.${step}.0`)
    if (stride === 1 && input === output) x = one('Add', [before, x])
    if ([1, 3, 6].includes(index + 1)) taps.push(x)
  })
  x = hardSwish(conv(x, `${B}.16.0`))

  // LR-ASPP; the pooled branch first, as another exporter might.
  const pooled = one('Sigmoid', [conv(one('GlobalAveragePool', [x]), 'aspp.aspp2.1', { bias: false })])
  x = mul(relu(conv(x, 'aspp.aspp1.0')), pooled)

  // Decoder
  const gru = (y: string, state: string, at: string) => {
    const h = one('Expand', [state, one('Shape', [y])])
    const gates = one('Sigmoid', [conv(concat(y, h), `${at}.gru.ih.0`)])
    const [r, z] = node('Split', [gates], { axis: 1 }, 2)
    const proposal = one('Tanh', [conv(concat(y, mul(r, h)), `${at}.gru.hh.0`)])
    return one('Add', [mul(one('Sub', [constant([1]), z]), h), mul(z, proposal)])
  }
  const s1 = one('AveragePool', [small])
  const s2 = one('AveragePool', [s1])
  const s3 = one('AveragePool', [s2])
  const outputs: string[] = []
  const halfGru = (y: string, state: string, at: string) => {
    const [a, b] = node('Split', [y], { axis: 1 }, 2)
    const next = gru(b, state, at)
    outputs.push(next)
    return concat(a, next)
  }
  const up = (y: string, like: string) =>
    one('Slice', [one('Resize', [y, constant([]), constant([1, 1, 2, 2])]), constant([0, 0]), sizeOf(like)])
  x = halfGru(x, 'r4i', 'decoder.decode4')
  const levels: [string, string, string, string][] = [
    ['decode3', taps[2], s3, 'r3i'],
    ['decode2', taps[1], s2, 'r2i'],
    ['decode1', taps[0], s1, 'r1i'],
  ]
  for (const [block, feature, source, state] of levels) {
    x = relu(conv(concat(up(x, source), feature, source), `decoder.${block}.conv.0`))
    x = halfGru(x, state, `decoder.${block}`)
  }
  x = relu(conv(concat(up(x, small), small), 'decoder.decode0.conv.0'))
  const hid = relu(conv(x, 'decoder.decode0.conv.3'))

  // Projection and deep guided filter
  const matte = conv(hid, 'project_mat.conv')
  if (weights.has('project_seg.conv.weight')) outputs.push(conv(hid, 'project_seg.conv'))
  const withGray = (rgb: string) => concat(rgb, one('ReduceMean', [rgb], { axes: [1], keepdims: 1 }))
  const box = (y: string) => conv(y, 'refiner.box_filter', { groups: 4, bias: false })
  const low = withGray(small)
  const meanX = box(low)
  const meanY = box(matte)
  const cov = one('Sub', [box(mul(low, matte)), mul(meanX, meanY)])
  const variance = one('Sub', [box(mul(low, low)), mul(meanX, meanX)])
  let A = relu(conv(concat(cov, variance, hid), 'refiner.conv.0'))
  A = conv(relu(conv(A, 'refiner.conv.3')), 'refiner.conv.6')
  const b = one('Sub', [meanY, mul(A, meanX)])
  const full = (y: string) => one('Resize', [y, constant([]), constant([]), sizeOf(src)])
  const out = one('Add', [mul(full(A), withGray(src)), full(b)])
  const [residual, alpha] = node('Split', [out], { axis: 1, split: [3, 1] }, 2)
  outputs.push(one('Clip', [one('Add', [residual, src])]), one('Clip', [alpha]))

  const values = (names: string[]) => names.map((name) => create(ValueInfoProtoSchema, { name }))
  return create(ModelProtoSchema, {
    irVersion: 6n,
    producerName: 'pytorch',
    opsetImport: [create(OperatorSetIdProtoSchema, { version: 12n })],
    graph: create(GraphProtoSchema, {
      name: 'torch-jit-export',
      node: nodes,
      initializer,
      input: values([src, 'r1i', 'r2i', 'r3i', 'r4i', 'downsample_ratio']),
      output: values(outputs),
    }),
  })
}

function integers(name: string, value: number | number[]): AttributeProto {
  return Array.isArray(value)
    ? create(AttributeProtoSchema, { name, type: AttributeType.INTS, ints: value.map(BigInt) })
    : create(AttributeProtoSchema, { name, type: AttributeType.INT, i: BigInt(value) })
}
