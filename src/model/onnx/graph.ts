import { create, toBinary } from '@bufbuild/protobuf'
import {
  AttributeProtoSchema,
  AttributeProto_AttributeType as AttributeType,
  GraphProtoSchema,
  ModelProtoSchema,
  NodeProtoSchema,
  OperatorSetIdProtoSchema,
  TensorProtoSchema,
  TensorProto_DataType as DataType,
  TensorShapeProtoSchema,
  TensorShapeProto_DimensionSchema,
  TypeProtoSchema,
  TypeProto_TensorSchema,
  ValueInfoProtoSchema,
  type AttributeProto,
  type NodeProto,
  type TensorProto,
  type ValueInfoProto,
} from 'onnx-buf'
import { MatteboxError } from '../../errors/index.ts'
import { narrowToHalf } from '../weights/half-float.ts'
import type { Tensor } from '../weights/tensor.ts'
import { broadcastShape, sameShape, scaleDim, type Dim, type Shape } from './shape.ts'

/** Opset 17: the oldest that has all we emit; read by every onnxruntime since 1.12. */
const OPSET = 17n
const IR_VERSION = 8n

export type ElementType = 'float32' | 'float16' | 'uint8'

/** A tensor that flows through the graph. */
export interface Value {
  readonly name: string
  readonly shape: Shape
  readonly type: ElementType
}

/** A convolution's parameters: weight OIHW, bias O. `name` names its initialisers. */
export interface ConvParameters {
  readonly name: string
  readonly weight: Tensor
  readonly bias?: Tensor | undefined
}

export interface ConvOptions {
  readonly stride?: number
  readonly dilation?: number
  readonly groups?: number
}

const ONNX_TYPES = {
  float32: DataType.FLOAT,
  float16: DataType.FLOAT16,
  uint8: DataType.UINT8,
} as const satisfies Record<ElementType, DataType>

/**
 * Builds an ONNX graph, operation by operation, with shapes checked as it grows.
 *
 * Only the operations that the network needs; each is one ONNX node with the attributes that the runtime keeps in its
 * blocked layout (docs/decisions.md, “The shape of the graph”). Pictures and features are [N, C, H, W].
 */
export class Graph {
  readonly #nodes: NodeProto[] = []
  readonly #initializers = new Map<string, TensorProto>()
  readonly #inputs: ValueInfoProto[] = []
  readonly #outputs: ValueInfoProto[] = []
  /** Public names of the values that are outputs. */
  readonly #names = new Map<string, string>()
  #counter = 0

  input(name: string, type: ElementType, shape: Shape): Value {
    const value: Value = { name, type, shape }
    this.#inputs.push(valueInfo(value))
    return value
  }

  /** Makes `value`, the result of an operation, an output under `name`: the value itself takes the name, no copy is made. */
  output(name: string, value: Value): void {
    const named = this.#names.get(value.name)
    if (named !== undefined) throw new RangeError(`${value.name} is the output ${named} already`)
    this.#names.set(value.name, name)
    this.#outputs.push(valueInfo({ ...value, name }))
  }

  /** A constant of the given type; `data` is row-major. */
  constant(shape: readonly number[], data: readonly number[], type: 'float32' | 'float16' = 'float32'): Value {
    return this.#initializer(`constant.${this.#counter++}`, { shape, data: Float32Array.from(data) }, type)
  }

  /**
   * Convolution with “same” padding of zeros: output side = side / stride.
   *
   * @param x - [N, I, H, W], H and W divisible by the stride
   * @param conv - weight [O, I/groups, k, k], k odd
   * @returns [N, O, H/stride, W/stride]
   */
  conv2d(x: Value, conv: ConvParameters, options: ConvOptions = {}): Value {
    const { stride = 1, dilation = 1, groups = 1 } = options
    const [outputs, inputs, kernel] = conv.weight.shape as [number, number, number]
    const [n, channels, height, width] = fourSides('conv2d', x)
    if (channels !== inputs * groups) {
      throw shapeError(`${conv.name} takes ${inputs * groups} channels; its input has ${channels}.`)
    }
    const pad = (dilation * (kernel - 1)) / 2
    const type = floatType(x)
    const parameters = [this.#initializer(`${conv.name}.weight`, conv.weight, type).name]
    if (conv.bias) parameters.push(this.#initializer(`${conv.name}.bias`, conv.bias, type).name)
    return this.#emit('Conv', [x.name, ...parameters], {
      type,
      shape: [n, outputs, scaleDim(height, 1, stride), scaleDim(width, 1, stride)],
      attributes: {
        kernel_shape: [kernel, kernel],
        strides: [stride, stride],
        pads: [pad, pad, pad, pad],
        dilations: [dilation, dilation],
        group: groups,
      },
    })
  }

  add(a: Value, b: Value): Value {
    return this.#elementwise('Add', a, b)
  }

  sub(a: Value, b: Value): Value {
    return this.#elementwise('Sub', a, b)
  }

  mul(a: Value, b: Value): Value {
    return this.#elementwise('Mul', a, b)
  }

  div(a: Value, b: Value): Value {
    return this.#elementwise('Div', a, b)
  }

  relu(x: Value): Value {
    return this.#emit('Relu', [x.name], x)
  }

  sigmoid(x: Value): Value {
    return this.#emit('Sigmoid', [x.name], x)
  }

  tanh(x: Value): Value {
    return this.#emit('Tanh', [x.name], x)
  }

  /** clamp(slope · x + offset, 0, 1) */
  hardSigmoid(x: Value, slope = 1 / 6, offset = 0.5): Value {
    return this.#emit('HardSigmoid', [x.name], { ...x, attributes: { alpha: float(slope), beta: float(offset) } })
  }

  /** x · clamp(x/6 + 1/2, 0, 1): the runtime fuses the pair into the convolution before it. */
  hardSwish(x: Value): Value {
    return this.mul(x, this.hardSigmoid(x))
  }

  /** 1 − x for x in 0..1: a HardSigmoid stays in the runtime's blocked layout, a Sub leaves it. */
  oneMinus(x: Value): Value {
    return this.hardSigmoid(x, -1, 1)
  }

  /** Mean of 2x2 pixels, stride 2: [N, C, H, W] → [N, C, H/2, W/2]. */
  averagePool2(x: Value): Value {
    const [n, channels, height, width] = fourSides('averagePool2', x)
    return this.#emit('AveragePool', [x.name], {
      type: x.type,
      shape: [n, channels, scaleDim(height, 1, 2), scaleDim(width, 1, 2)],
      attributes: { kernel_shape: [2, 2], strides: [2, 2] },
    })
  }

  /** Mean of a channel: [N, C, H, W] → [N, C, 1, 1]. */
  globalAveragePool(x: Value): Value {
    const [n, channels] = fourSides('globalAveragePool', x)
    return this.#emit('GlobalAveragePool', [x.name], { type: x.type, shape: [n, channels, 1, 1] })
  }

  /** The identity, as a 1x1 pooling: brings a graph input into the runtime's blocked layout once, for all its uses. */
  intoLayout(x: Value): Value {
    return this.#emit('MaxPool', [x.name], { ...x, attributes: { kernel_shape: [1, 1] } })
  }

  /** Bilinear, half-pixel centres, edges clamped: [N, C, H, W] → [N, C, 2H, 2W]. */
  upsample2(x: Value): Value {
    const [n, channels, height, width] = fourSides('upsample2', x)
    const scales = this.#initializer('scales.2', { shape: [4], data: Float32Array.of(1, 1, 2, 2) }, 'float32')
    return this.#emit('Resize', [x.name, '', scales.name], {
      type: x.type,
      shape: [n, channels, scaleDim(height, 2, 1), scaleDim(width, 2, 1)],
      attributes: { mode: 'linear', coordinate_transformation_mode: 'half_pixel' },
    })
  }

  /** Bilinear, half-pixel centres, edges clamped, to any size: [N, C, h, w] → [N, C, height, width]. */
  resize(x: Value, height: Dim, width: Dim): Value {
    const [n, channels] = fourSides('resize', x)
    const sizes = [n, channels, height, width]
    if (!sizes.every((side) => typeof side === 'number')) throw shapeError('resize needs fixed sizes.')
    const wanted = this.#integers(`sizes.${sizes.join('x')}`, sizes)
    return this.#emit('Resize', [x.name, '', '', wanted.name], {
      type: x.type,
      shape: sizes,
      attributes: { mode: 'linear', coordinate_transformation_mode: 'half_pixel' },
    })
  }

  /** Joins along the channels. */
  concat(parts: readonly Value[]): Value {
    const first = parts[0]
    const [n, , height, width] = fourSides('concat', first)
    for (const part of parts) {
      const [m, , h, w] = fourSides('concat', part)
      if (m !== n || h !== height || w !== width) throw shapeError(`concat: ${show(first)} and ${show(part)}.`)
    }
    const channels = parts.reduce((sum, part) => sum + (part.shape[1] as number), 0)
    const names = parts.map((part) => part.name)
    return this.#emit('Concat', names, {
      type: first.type,
      shape: [n, channels, height, width],
      attributes: { axis: 1 },
    })
  }

  /** Channels `from` to `to`: [N, C, H, W] → [N, to − from, H, W]. */
  channels(x: Value, from: number, to: number): Value {
    const [n, , height, width] = fourSides('channels', x)
    const bound = (what: string, value: number): string => this.#integers(`channels.${what}.${value}`, [value]).name
    return this.#emit('Slice', [x.name, bound('from', from), bound('to', to), bound('axis', 1)], {
      type: x.type,
      shape: [n, to - from, height, width],
    })
  }

  /** Axes in another order. */
  transpose(x: Value, axes: readonly number[]): Value {
    return this.#emit('Transpose', [x.name], {
      type: x.type,
      shape: axes.map((axis) => x.shape[axis]),
      attributes: { perm: axes },
    })
  }

  cast(x: Value, type: ElementType): Value {
    return x.type === type
      ? x
      : this.#emit('Cast', [x.name], { type, shape: x.shape, attributes: { to: ONNX_TYPES[type] } })
  }

  /** uint8 → float32: x / 255. */
  fromBytes(x: Value): Value {
    return this.#emit('DequantizeLinear', [x.name, this.#byteScale(), this.#byteZero()], { ...x, type: 'float32' })
  }

  /** float32 → uint8: 255 · x, rounded to nearest (ties to even), clamped to 0..255. */
  toBytes(x: Value): Value {
    return this.#emit('QuantizeLinear', [x.name, this.#byteScale(), this.#byteZero()], { ...x, type: 'uint8' })
  }

  /** clamp(x, 0, 1), float32. */
  clamp01(x: Value): Value {
    const [low, high] = [this.constant([], [0]), this.constant([], [1])]
    return this.#emit('Clip', [x.name, low.name, high.name], x)
  }

  /** @throws {MatteboxError} SHAPE if the values differ in shape */
  requireSameShape(who: string, values: Readonly<Record<string, Value>>): void {
    const [[firstName, first], ...others] = Object.entries(values) as [[string, Value], ...[string, Value][]]
    for (const [name, value] of others) {
      if (!sameShape(first.shape, value.shape)) {
        throw shapeError(`${who}: ${firstName} is ${show(first)}, ${name} is ${show(value)}.`)
      }
    }
  }

  /** The finished model, serialised. */
  serialize(name: string): Uint8Array {
    const named = (value: string): string => this.#names.get(value) ?? value
    const nodes = this.#nodes.map((one) => ({ ...one, input: one.input.map(named), output: one.output.map(named) }))
    return toBinary(
      ModelProtoSchema,
      create(ModelProtoSchema, {
        irVersion: IR_VERSION,
        producerName: 'mattebox',
        opsetImport: [create(OperatorSetIdProtoSchema, { domain: '', version: OPSET })],
        graph: create(GraphProtoSchema, {
          name,
          node: nodes,
          initializer: [...this.#initializers.values()],
          input: this.#inputs,
          output: this.#outputs,
        }),
      }),
    )
  }

  #byteScale(): string {
    return this.#initializer('byte.scale', { shape: [], data: Float32Array.of(1 / 255) }, 'float32').name
  }

  #byteZero(): string {
    const name = 'byte.zero'
    this.#initializers.set(
      name,
      create(TensorProtoSchema, { name, dims: [], dataType: DataType.UINT8, rawData: Uint8Array.of(0) }),
    )
    return name
  }

  #integers(name: string, values: readonly number[]): { name: string } {
    const rawData = new Uint8Array(BigInt64Array.from(values, BigInt).buffer)
    const dims = [BigInt(values.length)]
    this.#initializers.set(name, create(TensorProtoSchema, { name, dims, dataType: DataType.INT64, rawData }))
    return { name }
  }

  #elementwise(op: 'Add' | 'Sub' | 'Mul' | 'Div', a: Value, b: Value): Value {
    const shape = broadcastShape(a.shape, b.shape)
    if (!shape || a.type !== b.type) {
      throw shapeError(`${op}: ${a.type} ${show(a)} and ${b.type} ${show(b)}.`)
    }
    return this.#emit(op, [a.name, b.name], { type: a.type, shape })
  }

  #emit(
    op: string,
    inputs: readonly string[],
    result: { type: ElementType; shape: Shape; attributes?: Readonly<Record<string, Attribute>> },
  ): Value {
    const name = `${op.toLowerCase()}.${this.#counter++}`
    this.#nodes.push(node(op, inputs, name, result.attributes ?? {}))
    return { name, type: result.type, shape: result.shape }
  }

  #initializer(name: string, tensor: Tensor, type: 'float32' | 'float16'): Value {
    const key = type === 'float16' ? `${name}.half` : name
    if (!this.#initializers.has(key)) {
      const values = type === 'float16' ? narrowToHalf(tensor.data) : tensor.data
      this.#initializers.set(
        key,
        create(TensorProtoSchema, {
          name: key,
          dims: tensor.shape.map(BigInt),
          dataType: ONNX_TYPES[type],
          rawData: new Uint8Array(values.buffer as ArrayBuffer, values.byteOffset, values.byteLength),
        }),
      )
    }
    return { name: key, type, shape: tensor.shape }
  }
}

type Attribute = number | string | readonly number[] | { readonly float: number }

/** Marks an attribute as a float where its value alone could be taken for an integer. */
function float(value: number): { float: number } {
  return { float: value }
}

function attribute(name: string, value: Attribute): AttributeProto {
  if (typeof value === 'number') {
    return create(AttributeProtoSchema, { name, type: AttributeType.INT, i: BigInt(value) })
  }
  if (typeof value === 'string') {
    return create(AttributeProtoSchema, { name, type: AttributeType.STRING, s: new TextEncoder().encode(value) })
  }
  if ('float' in value) return create(AttributeProtoSchema, { name, type: AttributeType.FLOAT, f: value.float })
  return create(AttributeProtoSchema, { name, type: AttributeType.INTS, ints: value.map(BigInt) })
}

function node(
  opType: string,
  inputs: readonly string[],
  output: string,
  attributes: Readonly<Record<string, Attribute>>,
): NodeProto {
  return create(NodeProtoSchema, {
    name: `${opType}:${output}`,
    opType,
    input: [...inputs],
    output: [output],
    attribute: Object.entries(attributes).map(([name, value]) => attribute(name, value)),
  })
}

function valueInfo(value: Value): ValueInfoProto {
  const dim = value.shape.map((side) =>
    create(TensorShapeProto_DimensionSchema, {
      value: typeof side === 'number' ? { case: 'dimValue', value: BigInt(side) } : { case: 'dimParam', value: side },
    }),
  )
  const tensor = create(TypeProto_TensorSchema, {
    elemType: ONNX_TYPES[value.type],
    shape: create(TensorShapeProtoSchema, { dim }),
  })
  return create(ValueInfoProtoSchema, {
    name: value.name,
    type: create(TypeProtoSchema, { value: { case: 'tensorType', value: tensor } }),
  })
}

function fourSides(who: string, x: Value): [Dim, Dim, Dim, Dim] {
  if (x.shape.length !== 4) throw shapeError(`${who} takes [N, C, H, W]; its input is ${show(x)}.`)
  return x.shape as unknown as [Dim, Dim, Dim, Dim]
}

function show(value: Value): string {
  return `[${value.shape.join(', ')}]`
}

function floatType(x: Value): 'float32' | 'float16' {
  if (x.type === 'uint8') throw shapeError(`${x.name} holds bytes where numbers are needed.`)
  return x.type
}

function shapeError(message: string): MatteboxError {
  return new MatteboxError('SHAPE', message, 'This is a fault of mattebox: please report it with the command you ran.')
}
