import { describe, expect, it } from 'vitest'
import { previewPicture } from '../../../src/sidecar/inference/preview-picture.ts'
import { discOn, drawn } from './drawn-picture.ts'

// Seen red: with blue and red not exchanged; with whole pixels in place of the parts at the spans' ends.

describe('a preview', () => {
  it.each([
    [
      { width: 512, height: 288 },
      { width: 320, height: 180 },
    ],
    [
      { width: 1024, height: 576 },
      { width: 320, height: 180 },
    ],
    [
      { width: 320, height: 240 },
      { width: 320, height: 240 },
    ],
    [
      { width: 96, height: 160 },
      { width: 96, height: 160 },
    ],
    [
      { width: 1024, height: 16 },
      { width: 320, height: 5 },
    ],
  ])('is at most 320 pixels wide and keeps its shape: %j', (size, expected) => {
    const preview = previewPicture(discOn([0, 0, 0], [255, 255, 255], size))
    expect(preview).toMatchObject(expected)
    expect(preview.rgba.length).toBe(expected.width * expected.height * 4)
    expect(preview.alpha!.length).toBe(expected.width * expected.height)
  })

  it('is the frame itself where nothing is shrunk, in RGBA', () => {
    const picture = drawn(
      64,
      48,
      (x, y) => [4 * x, 5 * y, 7],
      (x) => x / 63,
    )
    picture.pixels[3] = 100
    const { rgba, alpha } = previewPicture(picture)
    expect([...rgba.subarray(0, 8)]).toEqual([0, 0, 7, 100, 4, 0, 7, 255])
    expect([...rgba.subarray(4 * (64 * 47 + 63))]).toEqual([252, 235, 7, 255])
    expect([...alpha!.subarray(64, 128)]).toEqual(Array.from({ length: 64 }, (_, x) => Math.round((255 * x) / 63)))
  })

  it('averages what each of its pixels covers', () => {
    // 512 → 320: the first covers a pixel and 0.6 of the next; of 5 of the new ones, none covers anything twice.
    const { rgba, alpha } = previewPicture(
      drawn(
        512,
        288,
        (x, y) => (y === 0 && x === 0 ? [150, 0, 0] : [0, 0, 0]),
        (x, y) => (y === 0 && x === 1 ? 1 : 0),
      ),
    )
    expect(rgba[0]).toBe(Math.round(150 / 1.6 ** 2))
    expect([alpha![0], alpha![1]]).toEqual([Math.round((255 * 0.6) / 1.6 ** 2), Math.round((255 * 0.4) / 1.6 ** 2)])
    expect(rgba.filter((value, i) => i % 4 < 3 && value > 0)).toHaveLength(1)
  })

  it('keeps the mean of the picture', () => {
    const picture = drawn(
      496,
      272,
      (x, y) => [(x * 7 + y * 3) % 256, (x * y) % 256, 255 - (x % 256)],
      (x, y) => (x + y) / 768,
    )
    const { rgba, alpha } = previewPicture(picture)
    const mean = (values: Iterable<number>): number => {
      const all = [...values]
      return all.reduce((sum, value) => sum + value, 0) / all.length
    }
    for (const [ours, theirs] of [
      [0, 2],
      [1, 1],
      [2, 0],
    ]) {
      const of = (bytes: Uint8Array, channel: number): number => mean(bytes.filter((_, i) => i % 4 === channel))
      expect(of(rgba, ours)).toBeCloseTo(of(picture.pixels, theirs), 0)
    }
    expect(mean(alpha!)).toBeCloseTo(255 * mean(picture.planes!.subarray(496 * 272)), 0)
  })

  it('has no matte where the frame got none', () => {
    const { alpha, rgba } = previewPicture({ ...discOn([0, 0, 0], [255, 255, 255]), planes: null })
    expect(alpha).toBeNull()
    expect(rgba.length).toBe(320 * 180 * 4)
  })
})
