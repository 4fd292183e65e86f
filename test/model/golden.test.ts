import { join } from 'node:path'
import { beforeAll, expect, it } from 'vitest'
import { emitFullResolution, FULL_RESOLUTION_IO } from '../../src/model/full-resolution.ts'
import { emitNetwork, NETWORK_IO, stateShapes, type NetworkOptions } from '../../src/model/network.ts'
import { loadWeights } from '../../src/model/weights/index.ts'
import type { Weights } from '../../src/model/weights/tensor.ts'
import { describeWithSharedData } from '../shared-data.ts'
import { at, bgraOf, openGolden } from './golden.ts'
import * as ops from './onnx/float64-ops.ts'
import { createSession, distance, run } from './onnx/run-graph.ts'

type Outputs = Record<string, ops.Tensor64>

describeWithSharedData('parity with the published implementation', (shared) => {
  let weights: Weights
  const golden = (file: string) => openGolden(join(shared, 'golden', `${file}.safetensors`))

  beforeAll(async () => {
    weights = (await loadWeights(join(shared, 'weights', 'rvm-standin.safetensors'))).weights
  })

  /** Steps the network through pictures [T, N, H, W, 3], states from zero. */
  async function steps(rgb: ops.Tensor64, options: Partial<NetworkOptions>, extra?: Weights): Promise<Outputs[]> {
    const [count, n, height, width] = rgb.shape
    const model = { batch: n, height, width, planes: 8, refiner: 'none', ...options } as const
    const session = await createSession(emitNetwork(extra ? new Map([...weights, ...extra]) : weights, model))
    let states = stateShapes(n, height, width).map((shape) => ops.tensor64(shape, new Float64Array(ops.count(shape))))
    const outputs: Outputs[] = []
    for (let index = 0; index < count; index++) {
      const feeds = Object.fromEntries(NETWORK_IO.states.map((name, k) => [name, states[k]]))
      const out = await run(session, { [NETWORK_IO.frame]: bgraOf(at(rgb, index)), ...feeds })
      states = NETWORK_IO.nextStates.map((name) => out[name])
      outputs.push(out)
    }
    return outputs
  }

  /** [T, H, W, 3] → [T, 1, H, W, 3] */
  const alone = (rgb: ops.Tensor64): ops.Tensor64 => ({ ...rgb, shape: [rgb.shape[0], 1, ...rgb.shape.slice(1)] })
  const squeeze = (x: ops.Tensor64): ops.Tensor64 => ({ ...x, shape: x.shape.slice(1) })
  const planes = (out: Outputs, from: number, to: number): ops.Tensor64 =>
    ops.channels(out[NETWORK_IO.planes], from, to)
  const alphaAtRatio1 = (out: Outputs): ops.Tensor64 => ops.clip01(planes(out, 7, 8))

  /** Foreground at ratio 1, where A is zero: clamp(I + b). */
  function foregroundAtRatio1(out: Outputs, rgb: ops.Tensor64): ops.Tensor64 {
    const picture = ops.map(ops.transpose(rgb, [0, 3, 1, 2]), (value) => value / 255)
    return ops.clip01(ops.add(picture, planes(out, 4, 7)))
  }

  /** Alpha [1, H, W] and foreground [3, H, W] at full resolution, through our own graph. */
  async function fullResolution(out: Outputs, rgb: ops.Tensor64): Promise<{ alpha: ops.Tensor64; bgra: ops.Tensor64 }> {
    const [height, width] = rgb.shape
    const [, , lowHeight, lowWidth] = out[NETWORK_IO.planes].shape
    const size = { height, width, lowHeight, lowWidth, planes: 8 } as const
    const frame = bgraOf({ ...rgb, shape: [1, ...rgb.shape] })
    const feeds = { [FULL_RESOLUTION_IO.frame]: frame, [FULL_RESOLUTION_IO.planes]: out[NETWORK_IO.planes] }
    const apply = async (output: 'alpha-float' | 'straight'): Promise<ops.Tensor64> => {
      const session = await createSession(emitFullResolution({ ...size, output }))
      return squeeze((await run(session, feeds))[FULL_RESOLUTION_IO.picture])
    }
    return { alpha: await apply('alpha-float'), bgra: await apply('straight') }
  }

  it('at ratio 1, all eight frames: alpha, foreground and states within 1e-3', async () => {
    const reference = golden('ratio1')
    const frames = reference('frames')
    const got = await steps(alone(frames), {})
    got.forEach((out, index) => {
      expect(distance(squeeze(alphaAtRatio1(out)), at(reference('alpha'), index))).toBeLessThan(1e-3)
    })
    const last = squeeze(foregroundAtRatio1(got[7], { ...at(frames, 7), shape: [1, ...at(frames, 7).shape] }))
    expect(distance(last, reference('foreground.7'))).toBeLessThan(1e-3)
    for (const [frame, state] of [
      [0, 3],
      [0, 4],
      [7, 1],
      [7, 2],
      [7, 3],
      [7, 4],
    ] as const) {
      const name = NETWORK_IO.nextStates[state - 1]
      expect(distance(squeeze(got[frame][name]), reference(`state.${frame}.r${state}`))).toBeLessThan(1e-3)
    }
  })

  it('with the deep guided filter: planes, alpha and foreground at full resolution within 1e-3', async () => {
    const reference = golden('refined')
    const got = await steps(alone(reference('low')), { refiner: 'deep' })
    expect(distance(squeeze(planes(got[0], 3, 4)), reference('deep.A4.0'))).toBeLessThan(1e-3)
    expect(distance(squeeze(planes(got[0], 7, 8)), reference('deep.b4.0'))).toBeLessThan(1e-3)
    expect(distance(squeeze(planes(got[5], 0, 4)), reference('deep.A.5'))).toBeLessThan(1e-3)
    expect(distance(squeeze(planes(got[5], 4, 8)), reference('deep.b.5'))).toBeLessThan(1e-3)
    const { alpha, bgra } = await fullResolution(got[5], reference('full.5'))
    expect(distance(alpha, reference('deep.alpha.5'))).toBeLessThan(1e-3)
    // The picture is bytes: half a step of 1/255 comes on top.
    const crop = reference('deep.foreground_crop.5')
    expect(distance(rgbCrop(bgra, 64, 160, 160, 352), crop)).toBeLessThan(0.5 / 255 + 1e-3)
  })

  it('with the fast guided filter: 99.9 % of the alpha within 1e-3, all within 1e-2', async () => {
    const reference = golden('refined')
    const got = await steps(alone(reference('low')), { refiner: 'fast' })
    const { alpha } = await fullResolution(got[5], reference('full.5'))
    const want = reference('fast.alpha.5')
    const far = alpha.data.filter((value, index) => Math.abs(value - want.data[index]) > 1e-3).length
    expect(far / alpha.data.length).toBeLessThan(1e-3)
    expect(distance(alpha, want)).toBeLessThan(1e-2)
  })

  it('in a batch of two, and each picture as if alone', async () => {
    const reference = golden('batch2')
    const got = await steps(reference('frames'), {})
    expect(distance(alphaAtRatio1(got[2]), reference('alpha.2'))).toBeLessThan(1e-3)
    for (const state of [2, 3, 4]) {
      expect(distance(got[2][NETWORK_IO.nextStates[state - 1]], reference(`state.2.r${state}`))).toBeLessThan(1e-3)
    }
  })

  it('on two tiny frames: states, coefficients and segmentation logits', async () => {
    const reference = golden('stages')
    const made = (part: string) => {
      const { shape, data } = reference(`synthetic.project_seg.conv.${part}`)
      return [`project_seg.conv.${part}`, { shape, data: Float32Array.from(data) }] as const
    }
    const seg: Weights = new Map([made('weight'), made('bias')])
    const got = await steps(alone(reference('frames')), { refiner: 'deep', segmentation: true }, seg)
    for (const frame of [0, 1]) {
      expect(distance(squeeze(planes(got[frame], 0, 4)), reference(`A.${frame}`))).toBeLessThan(1e-3)
      expect(distance(squeeze(planes(got[frame], 4, 8)), reference(`b.${frame}`))).toBeLessThan(1e-3)
      for (const state of [1, 2, 3, 4]) {
        const name = NETWORK_IO.nextStates[state - 1]
        expect(distance(squeeze(got[frame][name]), reference(`r${state}.${frame}`))).toBeLessThan(1e-3)
      }
    }
    expect(distance(squeeze(got[0][NETWORK_IO.segmentation]), reference('synthetic_seg.0'))).toBeLessThan(1e-3)
  })

  it.each(['none', 'deep', 'fast'] as const)(
    'in float16, refiner %s: alpha’s mean distance ≤ 1e-3, all ≤ 2e-2, over all frames',
    async (refiner) => {
      const sequences =
        refiner === 'none'
          ? [alone(golden('ratio1')('frames')), golden('batch2')('frames')]
          : [alone(golden('refined')('low'))]
      for (const rgb of sequences) {
        const [half, full] = [await steps(rgb, { refiner, precision: 'fp16' }), await steps(rgb, { refiner })]
        for (const [index, out] of half.entries()) {
          const [a, b] = [alphaLow(out, at(rgb, index)), alphaLow(full[index], at(rgb, index))]
          expect(distance(a, b)).toBeLessThanOrEqual(2e-2)
          const sum = a.data.reduce((total, value, i) => total + Math.abs(value - b.data[i]), 0)
          expect(sum / a.data.length).toBeLessThanOrEqual(1e-3)
        }
      }
    },
  )

  /** Alpha at low resolution from the planes: clamp(A4·gray + b4). */
  function alphaLow(out: Outputs, rgb: ops.Tensor64): ops.Tensor64 {
    const picture = ops.map(ops.transpose(rgb, [0, 3, 1, 2]), (value) => value / 255 / 3)
    const gray = [0, 1, 2].map((c) => ops.channels(picture, c, c + 1)).reduce(ops.add)
    return ops.clip01(ops.add(ops.mul(planes(out, 3, 4), gray), planes(out, 7, 8)))
  }
})

/** Rows and columns of a byte picture [H, W, 4] BGRA as [3, rows, columns] RGB in 0..1. */
function rgbCrop(bgra: ops.Tensor64, top: number, bottom: number, left: number, right: number): ops.Tensor64 {
  const width = bgra.shape[1]
  const data: number[] = []
  for (const channel of [2, 1, 0]) {
    for (let y = top; y < bottom; y++) {
      for (let x = left; x < right; x++) data.push(bgra.data[(y * width + x) * 4 + channel] / 255)
    }
  }
  return ops.tensor64([3, bottom - top, right - left], data)
}
