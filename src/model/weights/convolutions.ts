import {
  ASPP_CHANNELS,
  DECODER_CHANNELS,
  ENCODER_TAPS,
  INVERTED_RESIDUALS,
  LAST_CHANNELS,
  REFINER_CHANNELS,
  STATE_CHANNELS,
  STEM_CHANNELS,
} from '../architecture.ts'

/** One convolution of the published network: its parameters' names and shapes, and its place among the others. */
export interface Convolution {
  /** The published module's name, without `.weight`. */
  readonly name: string
  /** Outputs, inputs a group, rows, columns. */
  readonly shape: readonly [number, number, number, number]
  readonly groups: number
  readonly stride: number
  readonly dilation: number
  /** Whether it has a bias once BatchNorm is folded into it. */
  readonly bias: boolean
  /** The BatchNorm that follows it in the published module. */
  readonly batchNorm?: { readonly name: string; readonly epsilon: number }
  /** Whether a file may lack it. */
  readonly optional: boolean
  /**
   * Names of the convolutions whose outputs reach its input without passing another one. The box filter runs over
   * several values with the same weights, so it may stand at more than one place.
   */
  readonly places: readonly (readonly string[])[]
}

/** Epsilons of the published BatchNorms: torchvision's MobileNetV3 sets its own, the rest is PyTorch's default. */
const BACKBONE_EPSILON = 1e-3
const EPSILON = 1e-5

const RGB = 3
/** R, G, B and gray, or the foreground residual and alpha: what the guided filter relates. */
const GUIDED = 4

/** Every convolution of the network, in the order of the forward pass (PeterL1n/RobustVideoMatting, MobileNetV3). */
export const CONVOLUTIONS: readonly Convolution[] = followForwardPass()

/**
 * Names and shapes of all parameters, BatchNorm folded: `X.weight` [outputs, inputs a group, rows, columns], `X.bias`
 * [outputs]. Those of {@link OPTIONAL_TENSORS} may be absent from a file.
 */
export function expectedTensors(): Map<string, readonly number[]> {
  const tensors = new Map<string, readonly number[]>()
  for (const { name, shape, bias } of CONVOLUTIONS) {
    tensors.set(`${name}.weight`, shape)
    if (bias) tensors.set(`${name}.bias`, [shape[0]])
  }
  return tensors
}

/** The segmentation head: the official checkpoints have it, their exports do not. */
export const OPTIONAL_TENSORS: ReadonlySet<string> = new Set(
  CONVOLUTIONS.filter(({ optional }) => optional).flatMap(({ name }) => [`${name}.weight`, `${name}.bias`]),
)

/** Names of convolutions. */
type Stream = readonly string[]

interface Details {
  groups?: number
  stride?: number
  dilation?: number
  /** Epsilon of the BatchNorm that follows. */
  batchNorm?: number
  bias?: boolean
  optional?: boolean
  places?: readonly Stream[]
}

function followForwardPass(): Convolution[] {
  const list: Convolution[] = []
  const conv = (
    name: string,
    from: Stream,
    [outputs, inputs, kernel]: readonly [number, number, number],
    { groups = 1, stride = 1, dilation = 1, batchNorm, bias = true, optional = false, places = [from] }: Details = {},
  ): string => {
    list.push({
      name,
      shape: [outputs, inputs / groups, kernel, kernel],
      groups,
      stride,
      dilation,
      bias,
      ...(batchNorm !== undefined && { batchNorm: { name: nextIndex(name), epsilon: batchNorm } }),
      optional,
      places,
    })
    return name
  }

  // Encoder: each stream is what the last residual additions brought together.
  let stream: Stream = [
    conv('backbone.features.0.0', [], [STEM_CHANNELS, RGB, 3], { stride: 2, batchNorm: BACKBONE_EPSILON }),
  ]
  const features = [stream]
  INVERTED_RESIDUALS.forEach(({ input, kernel, expanded, output, squeeze, stride, dilation }, index) => {
    let step = 0
    const part = (inner: string) => `backbone.features.${index + 1}.block.${step}.${inner}`
    let inside = stream
    if (expanded !== input) {
      inside = [conv(part('0'), inside, [expanded, input, 1], { batchNorm: BACKBONE_EPSILON })]
      step++
    }
    const depthwise = { groups: expanded, stride, dilation, batchNorm: BACKBONE_EPSILON }
    inside = [conv(part('0'), inside, [expanded, expanded, kernel], depthwise)]
    step++
    if (squeeze > 0) {
      const fc1 = conv(part('fc1'), inside, [squeeze, expanded, 1])
      const fc2 = conv(part('fc2'), [fc1], [expanded, squeeze, 1])
      inside = [...inside, fc2]
      step++
    }
    const projected = conv(part('0'), inside, [output, expanded, 1], { batchNorm: BACKBONE_EPSILON })
    stream = stride === 1 && input === output ? [...stream, projected] : [projected]
    features.push(stream)
  })
  const lastInput = INVERTED_RESIDUALS.at(-1)!.output
  const last = conv('backbone.features.16.0', stream, [LAST_CHANNELS, lastInput, 1], { batchNorm: BACKBONE_EPSILON })

  // LR-ASPP
  const pooled: Details = { bias: false }
  stream = [
    conv('aspp.aspp1.0', [last], [ASPP_CHANNELS, LAST_CHANNELS, 1], { batchNorm: EPSILON }),
    conv('aspp.aspp2.1', [last], [ASPP_CHANNELS, LAST_CHANNELS, 1], pooled),
  ]

  // Recurrent decoder: a block's output holds its first half, and the GRU's output made of the second.
  const gru = (block: string, input: Stream, channels: number): Stream => {
    const gates = conv(`decoder.${block}.gru.ih.0`, input, [2 * channels, 2 * channels, 3])
    const proposal = conv(`decoder.${block}.gru.hh.0`, [...input, gates], [channels, 2 * channels, 3])
    return [...input, gates, proposal]
  }
  const [r1, r2, r3, r4] = STATE_CHANNELS
  const [tap1, tap2, tap3] = ENCODER_TAPS
  stream = gru('decode4', stream, r4)
  let width = ASPP_CHANNELS
  for (const { block, tap, state, output } of [
    { block: 'decode3', tap: tap3, state: r3, output: DECODER_CHANNELS.decode3 },
    { block: 'decode2', tap: tap2, state: r2, output: DECODER_CHANNELS.decode2 },
    { block: 'decode1', tap: tap1, state: r1, output: DECODER_CHANNELS.decode1 },
  ]) {
    const inputs = width + tap.channels + RGB
    const joined = [...stream, ...features[tap.feature]]
    stream = gru(block, [conv(`decoder.${block}.conv.0`, joined, [output, inputs, 3], { batchNorm: EPSILON })], state)
    width = output
  }
  const hidden = DECODER_CHANNELS.decode0
  const first = conv('decoder.decode0.conv.0', stream, [hidden, width + RGB, 3], { batchNorm: EPSILON })
  const hid = conv('decoder.decode0.conv.3', [first], [hidden, hidden, 3], { batchNorm: EPSILON })

  // Projections and the deep guided filter
  const matte = conv('project_mat.conv', [hid], [GUIDED, hidden, 1])
  conv('project_seg.conv', [hid], [1, hidden, 1], { optional: true })
  const box = conv('refiner.box_filter', [], [GUIDED, GUIDED, 3], {
    groups: GUIDED,
    bias: false,
    places: [[], [matte]],
  })
  const coefficients = [REFINER_CHANNELS, 2 * GUIDED + hidden, 1] as const
  const conv0 = conv('refiner.conv.0', [box, hid], coefficients, { batchNorm: EPSILON })
  const conv3 = conv('refiner.conv.3', [conv0], [REFINER_CHANNELS, REFINER_CHANNELS, 1], { batchNorm: EPSILON })
  conv('refiner.conv.6', [conv3], [GUIDED, REFINER_CHANNELS, 1])
  return list
}

/** In the published modules a BatchNorm is the next entry of the sequence that its convolution stands in. */
function nextIndex(name: string): string {
  return name.replace(/\d+$/, (index) => String(Number(index) + 1))
}
