import { describe, expect, it } from 'vitest'
import { emitFullResolution, FULL_RESOLUTION_IO, type FullResolutionOptions } from '../../src/model/full-resolution.ts'
import * as ops from './onnx/float64-ops.ts'
import { createSession, distance, randomTensor, run } from './onnx/run-graph.ts'

// Neither side is a whole multiple of the low resolution's.
const size = { height: 37, width: 61, lowHeight: 16, lowWidth: 32 }
const frame = randomTensor([1, size.height, size.width, 4], 1, 'uint8')
const planesOf = (planes: 2 | 8): ops.Tensor64 => randomTensor([1, planes, size.lowHeight, size.lowWidth], 2)
const picture = randomTensor([1, 5, 7, 4], 3, 'uint8')

/** The two lines of the guided filter, in float64, as the paper's figure ends: colours in the order B, G, R. */
function expected(planes: 2 | 8, sourceAlpha: boolean): { alpha: ops.Tensor64; bgr: ops.Tensor64 } {
  const pixels = ops.map(ops.transpose(frame, [0, 3, 1, 2]), (value) => value / 255)
  const full = ops.resize(planesOf(planes), size.height, size.width)
  const [b, g, r, own] = [0, 1, 2, 3].map((channel) => ops.channels(pixels, channel, channel + 1))
  const gray = ops.map(ops.add(ops.add(r, g), b), (value) => value / 3)
  const plane = (index: number): ops.Tensor64 => ops.channels(full, index, index + 1)
  const matte = ops.clip01(ops.add(ops.mul(plane(planes / 2 - 1), gray), plane(planes - 1)))
  const foreground = (colour: ops.Tensor64, index: number): ops.Tensor64 =>
    planes === 2 ? colour : ops.clip01(ops.add(colour, ops.add(ops.mul(plane(index), colour), plane(4 + index))))
  return {
    alpha: sourceAlpha ? ops.mul(matte, own) : matte,
    bgr: ops.concat([foreground(b, 2), foreground(g, 1), foreground(r, 0)]),
  }
}

async function apply(options: Pick<FullResolutionOptions, 'planes' | 'output' | 'backdrop' | 'sourceAlpha'>) {
  const session = await createSession(emitFullResolution({ ...size, ...options }))
  const feeds = { [FULL_RESOLUTION_IO.frame]: frame, [FULL_RESOLUTION_IO.planes]: planesOf(options.planes) }
  const withPicture = options.backdrop?.kind === 'picture' ? { [FULL_RESOLUTION_IO.backdrop]: picture } : {}
  return (await run(session, { ...feeds, ...withPicture }))[FULL_RESOLUTION_IO.picture]
}

/** Bytes [1, H, W, C] of planar numbers; a rounding at one half may fall either way. */
const bytes = (x: ops.Tensor64): ops.Tensor64 => ops.transpose(ops.toBytes(x), [0, 2, 3, 1])
const colours = (x: ops.Tensor64): ops.Tensor64 => ops.channels(ops.transpose(x, [0, 3, 1, 2]), 0, 3)

describe.each([8, 2] as const)('full resolution from %i planes', (planes) => {
  describe.each([false, true])('source alpha counts: %s', (sourceAlpha) => {
    const { alpha, bgr } = expected(planes, sourceAlpha)

    it('gives the matte as numbers', async () => {
      expect(distance(await apply({ planes, output: 'alpha-float', sourceAlpha }), alpha)).toBeLessThan(1e-5)
    })

    it('gives the matte as bytes', async () => {
      expect(distance(await apply({ planes, output: 'alpha', sourceAlpha }), bytes(alpha))).toBeLessThanOrEqual(1)
    })

    it('gives foreground with straight alpha', async () => {
      const got = await apply({ planes, output: 'straight', sourceAlpha })
      expect(distance(got, bytes(ops.concat([bgr, alpha])))).toBeLessThanOrEqual(1)
    })

    it('composes over a colour', async () => {
      const got = await apply({
        planes,
        output: 'composite',
        sourceAlpha,
        backdrop: { kind: 'colour', rgb: [0.2, 0.4, 0.9] },
      })
      const behind = ops.tensor64([1, 3, 1, 1], [0.9, 0.4, 0.2])
      const want = ops.add(behind, ops.mul(alpha, ops.sub(bgr, behind)))
      expect(distance(colours(got), ops.toBytes(want))).toBeLessThanOrEqual(1)
    })

    it('composes over a picture of another size, stretched over the frame', async () => {
      const got = await apply({
        planes,
        output: 'composite',
        sourceAlpha,
        backdrop: { kind: 'picture', height: 5, width: 7 },
      })
      const planar = ops.map(ops.transpose(picture, [0, 3, 1, 2]), (value) => value / 255)
      const behind = ops.channels(ops.resize(planar, size.height, size.width), 0, 3)
      const want = ops.add(behind, ops.mul(alpha, ops.sub(bgr, behind)))
      expect(distance(colours(got), ops.toBytes(want))).toBeLessThanOrEqual(1)
    })
  })
})
