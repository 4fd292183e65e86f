import { fromBinary } from '@bufbuild/protobuf'
import {
  ModelProtoSchema,
  TensorProto_DataType,
  type GraphProto,
  type ModelProto,
  type NodeProto,
  type TensorProto,
} from 'onnx-buf'
import { CONVOLUTIONS, expectedTensors, type Convolution } from './convolutions.ts'
import { damaged, foreignGraph, printable, wrongTensors } from './faults.ts'
import { isExternal, tensorShape, tensorValues } from './onnx-tensor.ts'
import { sameShape } from './state-dict.ts'
import type { Tensor, Weights } from './tensor.ts'

/*
 * The official release's ONNX was exported with BatchNorm folded, which leaves most weights with numbers for names.
 * So each convolution is known by its place: its shape, stride and dilation, and the convolutions whose outputs
 * reach its input. No two of the network agree in all of that.
 */

export interface OnnxWeights {
  readonly weights: Weights
  readonly precision: 'fp16' | 'fp32'
  readonly metadata: ReadonlyMap<string, string>
}

/**
 * Weights of the official ONNX release, or of any export of the published network with BatchNorm folded. The names of
 * nodes, values and initialisers are free.
 *
 * @throws {MatteboxError} MODEL_DAMAGED if the file is broken, or its graph another network's
 */
export function weightsFromOnnx(bytes: Uint8Array, fileName: string): OnnxWeights {
  const model = decode(bytes, fileName)
  const graph = model.graph
  if (!graph) throw damaged(fileName, 'holds no ONNX graph')
  if (model.producerName === 'mattebox') {
    throw foreignGraph(fileName, 'mattebox exported it', 'Give the model file that it was exported from.')
  }
  if (graph.node.some(({ opType }) => opType === 'BatchNormalization')) {
    const mend = 'Export it in evaluation mode, or give its state dict as safetensors.'
    throw foreignGraph(fileName, 'its BatchNorm is not folded', mend)
  }
  const constants = collectConstants(graph)
  const weights = new Map<string, Tensor>()
  const types = new Set<number>()
  for (const { node, convolution } of placeConvolutions(graph, constants, fileName)) {
    const { name, shape, bias } = convolution
    const read = (part: string, input: string, wanted: readonly number[]) => {
      const proto = constants.get(input)!
      types.add(proto.dataType)
      keep(weights, `${name}.${part}`, readTensor(proto, wanted, `${name}.${part}`, fileName), fileName)
    }
    read('weight', node.input[1], shape)
    if (bias) read('bias', node.input[2], [shape[0]])
  }
  const missing = CONVOLUTIONS.filter(({ name, optional }) => !optional && !weights.has(`${name}.weight`))
  if (missing.length > 0) {
    throw foreignGraph(fileName, `it lacks ${missing.length} of its convolutions, the first is ${missing[0].name}`)
  }
  return {
    weights: inForwardOrder(weights),
    precision: types.size === 1 && types.has(TensorProto_DataType.FLOAT16) ? 'fp16' : 'fp32',
    metadata: new Map(model.metadataProps.map(({ key, value }) => [key, value])),
  }
}

function decode(bytes: Uint8Array, fileName: string): ModelProto {
  try {
    return fromBinary(ModelProtoSchema, bytes)
  } catch (cause) {
    throw damaged(fileName, 'is neither safetensors nor ONNX, or it is damaged', undefined, cause)
  }
}

/** Initialisers and Constant nodes, also under the names that Identity nodes give them. */
function collectConstants(graph: GraphProto): Map<string, TensorProto> {
  const constants = new Map(graph.initializer.map((tensor) => [tensor.name, tensor]))
  for (const node of graph.node) {
    const output = node.output.at(0)
    if (output === undefined) continue
    if (node.opType === 'Constant') {
      const value = node.attribute.find(({ name }) => name === 'value')?.t
      if (value) constants.set(output, value)
    } else if (node.opType === 'Identity') {
      const value = constants.get(node.input[0] ?? '')
      if (value) constants.set(output, value)
    }
  }
  return constants
}

/**
 * Walks the graph in its order (ONNX wants it sorted: a value is written before it is read) and finds out which of the
 * network's convolutions each Conv node is.
 */
function placeConvolutions(
  graph: GraphProto,
  constants: ReadonlyMap<string, TensorProto>,
  fileName: string,
): { node: NodeProto; convolution: Convolution }[] {
  const table = new Map<string, Convolution>()
  for (const convolution of CONVOLUTIONS) {
    for (const place of convolution.places) table.set(signatureAt(convolution, place), convolution)
  }

  // Of every value: the convolutions that reach it without passing another one.
  const nothing: ReadonlySet<string> = new Set()
  const reach = new Map<string, ReadonlySet<string>>()
  for (const { name } of graph.input) reach.set(name, nothing)
  for (const { name } of graph.initializer) reach.set(name, nothing)

  const placed: { node: NodeProto; convolution: Convolution }[] = []
  for (const node of graph.node) {
    // Every input is looked at, also where its values do not matter: a value that nobody wrote is a damaged file.
    const inputs = node.input
      .filter((name) => name !== '')
      .map((name) => {
        const reached = reach.get(name)
        if (!reached) throw damaged(fileName, `is damaged: a node reads ${printable(name)} before any has written it`)
        return reached
      })
    let reached: ReadonlySet<string>
    if (node.opType === 'Conv') {
      const shape = weightShape(node, constants)
      const convolution = shape && table.get(nodeSignature(node, shape, inputs[0] ?? nothing))
      if (!convolution) {
        const which = `convolution ${placed.length + 1} (node "${printable(node.name)}", weights ${shape?.join('x') ?? 'not in the file'})`
        throw foreignGraph(fileName, `its ${which} has no place there`)
      }
      placed.push({ node, convolution })
      reached = new Set([convolution.name])
    } else if (node.opType === 'Shape') {
      // Sizes travel along here, no features: the crops and resizes to match sizes.
      reached = nothing
    } else {
      reached = union(inputs)
    }
    for (const name of node.output) {
      if (name === '') continue
      if (reach.has(name)) throw damaged(fileName, `is damaged: two nodes write ${printable(name)}`)
      reach.set(name, reached)
    }
  }
  return placed
}

function union(sets: readonly ReadonlySet<string>[]): ReadonlySet<string> {
  const filled = sets.filter(({ size }) => size > 0)
  return filled.length === 1 ? filled[0] : new Set(filled.flatMap((set) => [...set]))
}

interface Signature {
  shape: readonly number[]
  groups: number
  strides: readonly number[]
  dilations: readonly number[]
  pads: readonly number[]
  bias: boolean
  from: Iterable<string>
}

function signature({ shape, groups, strides, dilations, pads, bias, from }: Signature): string {
  return JSON.stringify([shape, groups, strides, dilations, pads, bias, [...from].sort()])
}

function signatureAt({ shape, groups, stride, dilation, bias }: Convolution, from: Iterable<string>): string {
  // Every convolution is padded so that a stride of 1 keeps the size.
  const pad = (dilation * (shape[2] - 1)) / 2
  const both = (value: number) => [value, value]
  const pads = [pad, pad, pad, pad]
  return signature({ shape, groups, strides: both(stride), dilations: both(dilation), pads, bias, from })
}

function nodeSignature(node: NodeProto, shape: readonly number[], from: Iterable<string>): string {
  const integers = (name: string, otherwise: number[]): number[] => {
    const attribute = node.attribute.find((candidate) => candidate.name === name)
    return attribute?.ints.map(Number) ?? otherwise
  }
  const groups = Number(node.attribute.find(({ name }) => name === 'group')?.i ?? 1n)
  const strides = integers('strides', [1, 1])
  const dilations = integers('dilations', [1, 1])
  const pads = integers('pads', [0, 0, 0, 0])
  const bias = (node.input[2] ?? '') !== ''
  return signature({ shape, groups, strides, dilations, pads, bias, from })
}

/** Shape of a Conv node's weights, if they and the bias are in the file. */
function weightShape(node: NodeProto, constants: ReadonlyMap<string, TensorProto>): number[] | undefined {
  const [, weight = '', bias = ''] = node.input
  const tensor = constants.get(weight)
  return tensor && (bias === '' || constants.has(bias)) ? tensorShape(tensor) : undefined
}

function readTensor(proto: TensorProto, shape: readonly number[], name: string, fileName: string): Tensor {
  if (isExternal(proto)) {
    throw damaged(
      fileName,
      `keeps ${name} in another file (external data)`,
      'Give an ONNX file that holds its weights itself.',
    )
  }
  const found = tensorShape(proto)
  if (!sameShape(found, shape)) {
    throw wrongTensors(fileName, [`${name} is [${found.join(', ')}] instead of [${shape.join(', ')}]`])
  }
  const data = tensorValues(
    proto,
    shape.reduce((product, side) => product * side, 1),
  )
  if (typeof data === 'string') throw damaged(fileName, `is damaged: ${name} ${data}`)
  return { shape, data }
}

/** The box filter stands at several places, always with the same numbers; everything else stands at one. */
function keep(weights: Map<string, Tensor>, name: string, tensor: Tensor, fileName: string): void {
  const kept = weights.get(name)
  if (kept && !(name.startsWith('refiner.box_filter') && sameValues(kept.data, tensor.data))) {
    throw foreignGraph(fileName, `two of its convolutions stand where ${name} belongs`)
  }
  if (!kept) weights.set(name, tensor)
}

function sameValues(one: Float32Array, other: Float32Array): boolean {
  return one.every((value, index) => value === other[index])
}

function inForwardOrder(weights: ReadonlyMap<string, Tensor>): Weights {
  const names = Array.from(expectedTensors().keys()).filter((name) => weights.has(name))
  return new Map(names.map((name) => [name, weights.get(name)!]))
}
