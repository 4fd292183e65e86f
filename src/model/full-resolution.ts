import type { Planes } from './blocks/refiner.ts'
import { matrix } from './conv-parameters.ts'
import { Graph, type ConvParameters, type Value } from './onnx/graph.ts'

/** What lies behind the person in a composite. */
export type Backdrop =
  /** One colour, R, G, B in 0..1, gamma-encoded. */
  | { readonly kind: 'colour'; readonly rgb: readonly [number, number, number] }
  /** A picture of this size, given with every frame and stretched over the frame. */
  | { readonly kind: 'picture'; readonly height: number; readonly width: number }

export interface FullResolutionOptions {
  readonly height: number
  readonly width: number
  readonly lowHeight: number
  readonly lowWidth: number
  /** 8: the foreground's colour comes from the network; 2: the source's own colour is kept. */
  readonly planes: Planes
  /**
   * - `alpha`: the matte as bytes [1, H, W, 1]
   * - `alpha-float`: the matte as float32 [1, 1, H, W]
   * - `straight`: the foreground with the matte as its alpha, BGRA, straight, bytes [1, H, W, 4]
   * - `composite`: the foreground over the backdrop, bytes [1, H, W, 4], BGR; the fourth byte means nothing
   */
  readonly output: 'alpha' | 'alpha-float' | 'straight' | 'composite'
  /** Of a composite. */
  readonly backdrop?: Backdrop
  /** Whether the source's own alpha counts: alpha = matte · source alpha. */
  readonly sourceAlpha?: boolean
}

/** Names of the graph's inputs and outputs. */
export const FULL_RESOLUTION_IO = {
  frame: 'frame',
  planes: 'planes',
  backdrop: 'backdrop',
  picture: 'picture',
} as const

/**
 * The two lines that end the guided filter (paper section 2.3), at full resolution, for whoever has no shader:
 * coefficients upsampled, `alpha = clamp(A4·gray + b4)`, `foreground_c = clamp(I_c + A_c·I_c + b_c)`.
 *
 * - in: `frame` uint8 [1, H, W, 4] BGRA, straight; `planes` float32 [1, 2 | 8, h, w]; `backdrop` uint8 [1, h', w', 4]
 *   BGRA where the backdrop is a picture (its alpha is not looked at)
 * - out: `picture`, see `FullResolutionOptions.output`
 */
export function emitFullResolution(options: FullResolutionOptions): Uint8Array {
  const { height, width, lowHeight, lowWidth, planes, output, sourceAlpha = false } = options
  const g = new Graph()
  const frame = g.input(FULL_RESOLUTION_IO.frame, 'uint8', [1, height, width, 4])
  const coefficients = g.input(FULL_RESOLUTION_IO.planes, 'float32', [1, planes, lowHeight, lowWidth])
  const bgra = planar(g, frame)
  const result = emitResult()
  g.output(FULL_RESOLUTION_IO.picture, output === 'alpha-float' ? result : g.transpose(g.toBytes(result), [0, 2, 3, 1]))
  return g.serialize('mattebox full resolution')

  function emitResult(): Value {
    const own = sourceAlpha ? g.channels(bgra, 3, 4) : undefined
    const weighed = (alpha: Value): Value => (own ? g.mul(alpha, own) : alpha)
    if (output === 'alpha' || output === 'alpha-float') return weighed(refine(GRAY, alphaCoefficients(planes)))

    // Colour and alpha in one multiplication over four channels: I + A·I + b = (1 + A)·I + b.
    const foreground = refine(BGR_GRAY, fourCoefficients(planes))
    if (output === 'straight') {
      if (!own) return foreground
      return g.concat([g.channels(foreground, 0, 3), weighed(g.channels(foreground, 3, 4))])
    }
    const behind = backdrop(g, options)
    return g.add(behind, g.mul(weighed(g.channels(foreground, 3, 4)), g.sub(foreground, behind)))
  }

  function refine(guide: ConvParameters, [a, b]: readonly [ConvParameters, ConvParameters]): Value {
    const plane = (rows: ConvParameters): Value => g.resize(g.conv2d(coefficients, rows), height, width)
    return g.clamp01(g.add(g.mul(g.conv2d(bgra, guide), plane(a)), plane(b)))
  }
}

/** Bytes [1, H, W, 4] → float32 [1, 4, H, W] in 0..1. */
function planar(g: Graph, bytes: Value): Value {
  return g.fromBytes(g.transpose(bytes, [0, 3, 1, 2]))
}

function backdrop(g: Graph, { backdrop, height, width }: FullResolutionOptions): Value {
  if (backdrop?.kind !== 'picture') {
    const [red, green, blue] = backdrop?.rgb ?? [0, 0, 0]
    return g.constant([1, 4, 1, 1], [blue, green, red, 1])
  }
  const bytes = g.input(FULL_RESOLUTION_IO.backdrop, 'uint8', [1, backdrop.height, backdrop.width, 4])
  const picture = planar(g, bytes)
  return backdrop.height === height && backdrop.width === width ? picture : g.resize(picture, height, width)
}

const GRAY_ROW = [1 / 3, 1 / 3, 1 / 3, 0]
const GRAY = matrix('gray', [GRAY_ROW])
const BGR_GRAY = matrix('bgr-gray', [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], GRAY_ROW])

/** A4 and b4 out of the planes. */
function alphaCoefficients(planes: Planes): readonly [ConvParameters, ConvParameters] {
  return [rows('A4', planes, [planes / 2 - 1], [0]), rows('b4', planes, [planes - 1], [0])]
}

/** (1 + A, b) of B, G, R and (A, b) of alpha; with 2 planes the colours stay as they are. */
function fourCoefficients(planes: Planes): readonly [ConvParameters, ConvParameters] {
  const colours = planes === 8 ? [2, 1, 0] : [undefined, undefined, undefined]
  return [
    rows('A', planes, [...colours, planes / 2 - 1], [1, 1, 1, 0]),
    rows('b', planes, [...colours.map((plane) => (plane === undefined ? plane : plane + 4)), planes - 1], [0, 0, 0, 0]),
  ]
}

/** The 1x1 convolution that picks a plane an output, or none, and adds a bias. */
function rows(name: string, planes: Planes, picks: readonly (number | undefined)[], bias: number[]): ConvParameters {
  const unit = (plane: number | undefined): number[] =>
    Array.from({ length: planes }, (_, column) => (column === plane ? 1 : 0))
  return matrix(name, picks.map(unit), bias)
}
