import type { Frame } from '../../src/sidecar/inference/channel/index.ts'
import { fakePlanes } from '../native/obs-host/fake-matte.ts'

/**
 * Coefficients for a frame: float32 [planes, height, width], in the network's order: (A4, b4), or
 * (A_R, A_G, A_B, A4, b_R, b_G, b_B, b4).
 */
export type Matte = (frame: Frame, planes: 2 | 8) => Float32Array

/** An alpha for each pixel of the low resolution. */
type Alpha = (x: number, y: number, frame: Frame) => number

/** Bits of a frame's id that `id` shows. */
export const ID_STRIPES = 16

const ALPHAS = {
  opaque: () => 1,
  transparent: () => 0,
  half: () => 0.5,
  /** A disc in the middle, a quarter of the short side in radius. */
  circle: (x, y, { width, height }) =>
    Math.hypot(x + 0.5 - width / 2, y + 0.5 - height / 2) < Math.min(width, height) / 4 ? 1 : 0,
  /** Vertical stripes, the lowest bit of the id leftmost: 1 is opaque. */
  id: (x, _y, { width, id }) => (id >> Math.floor((x * ID_STRIPES) / width)) & 1,
  /** A ramp from left to right. */
  ramp: (x, _y, { width }) => (x + 0.5) / width,
} as const satisfies Record<string, Alpha>

/** `test-picture`: all but the room of test/native/obs-host's picture, with the frame's number in it. */
export type MatteName = keyof typeof ALPHAS | 'test-picture'

/** Whether an alpha is the same for all frames of a size: then it is computed once. */
const MOVING = new Set<MatteName>(['id'])

/** A matte by its name; with 8 planes the foreground is the source's own colour. */
export function namedMatte(name: MatteName): Matte {
  if (name === 'test-picture') return ({ pixels, width, height }, planes) => fakePlanes(pixels, width, height, planes)
  const kept = new Map<string, Float32Array>()
  return (frame, planes) => {
    const key = `${frame.width}x${frame.height}x${planes}`
    let matte = kept.get(key)
    if (matte === undefined || MOVING.has(name)) {
      matte = withAlpha(frame, planes, ALPHAS[name], matte)
      kept.set(key, matte)
    }
    return matte
  }
}

/** A matte whose alpha does not depend on the picture. */
export function withAlpha(
  frame: Frame,
  planes: 2 | 8,
  alpha: Alpha,
  into: Float32Array = new Float32Array(planes * frame.width * frame.height),
): Float32Array {
  const { width, height } = frame
  const b4 = (planes - 1) * width * height
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) into[b4 + y * width + x] = alpha(x, y, frame)
  }
  return into
}
