import { describe, expect, it } from 'vitest'
import { pictureFigures } from '../../../src/sidecar/inference/picture-figures.ts'
import { discOn, drawn } from './drawn-picture.ts'

// Seen red: with the weights of red and blue exchanged; with the bands of the edge exchanged for inside and outside as a
// whole; with the planes of colour taken for those of alpha (8 planes).

const black = [0, 0, 0] as const
const white = [255, 255, 255] as const

describe('figures of a picture', () => {
  it.each([
    [white, 1],
    [black, 0],
    [[255, 0, 0] as const, 0.2126],
    [[0, 255, 0] as const, 0.7152],
    [[0, 0, 255] as const, 0.0722],
  ])('know how bright %j is', (colour, luma) => {
    expect(pictureFigures(discOn(colour, colour))!.luma).toBeCloseTo(luma, 4)
  })

  it('tell the person’s brightness from the room’s', () => {
    const figures = pictureFigures(discOn([204, 204, 204], [51, 51, 51]))!
    expect(figures.personLuma).toBeCloseTo(0.2, 3)
    const area = (Math.PI * 80 ** 2) / (512 * 288)
    expect(figures.area).toBeCloseTo(area, 2)
    expect(figures.luma).toBeCloseTo(0.8 - 0.6 * area, 2)
  })

  it('know no person where the matte is empty, nor an edge where it is full', () => {
    expect(
      pictureFigures(
        drawn(
          64,
          48,
          () => white,
          () => 0,
        ),
      ),
    ).toMatchObject({
      personLuma: null,
      contrast: null,
      area: 0,
    })
    const full = pictureFigures(
      drawn(
        64,
        48,
        () => white,
        () => 1,
      ),
    )!
    expect(full).toMatchObject({ contrast: null, area: 1 })
    expect(full.personLuma).toBeCloseTo(1, 5)
  })

  it.each([
    ['black before white', white, black, 1],
    ['the same colour', [120, 90, 60] as const, [120, 90, 60] as const, 0],
    ['a gray a tenth lighter', [100, 100, 100] as const, [125.5, 125.5, 125.5] as const, 0.1],
    // Equally bright: luma does not tell them apart.
    ['red before green', [0, 76, 0] as const, [255, 0, 0] as const, Math.hypot(255, 76) / (255 * Math.sqrt(3))],
  ])('measure how far colours lie apart across the edge: %s', (_, background, person, contrast) => {
    expect(pictureFigures(discOn(background, person))!.contrast).toBeCloseTo(contrast, 2)
  })

  it('look at the edge alone: what is far from it does not count', () => {
    // A dark disc with a bright heart before a dark wall with a bright frame.
    const { width, height } = { width: 512, height: 288 }
    const distance = (x: number, y: number): number => Math.hypot(x - width / 2, y - height / 2)
    const figures = pictureFigures(
      drawn(
        width,
        height,
        (x, y) => (distance(x, y) < 50 || distance(x, y) > 110 ? white : ([40, 40, 40] as const)),
        (x, y) => (distance(x, y) < 80 ? 1 : 0),
      ),
    )!
    expect(figures.contrast).toBeLessThan(0.01)
  })

  it('find the edge through a soft one of hair', () => {
    const radius = (x: number, y: number): number => Math.hypot(x - 256, y - 144)
    const figures = pictureFigures(
      drawn(
        512,
        288,
        (x, y) => (radius(x, y) < 80 ? black : white),
        (x, y) => Math.min(1, Math.max(0, (84 - radius(x, y)) / 8)),
      ),
    )!
    expect(figures.contrast).toBeGreaterThan(0.9)
  })

  it('compute alpha as the refiner’s last line does, of 8 planes as of 2', () => {
    const two = drawn(
      64,
      48,
      (x) => [4 * x, 4 * x, 4 * x],
      () => 0,
    )
    // alpha = 2 · gray − 0.5
    const area = 64 * 48
    two.planes!.fill(2, 0, area).fill(-0.5, area)
    const eight = { ...two, planes: new Float32Array(8 * area).fill(9) }
    eight.planes.fill(2, 3 * area, 4 * area).fill(-0.5, 7 * area)
    expect(pictureFigures(eight)).toEqual(pictureFigures(two))
    let expected = 0
    for (let x = 0; x < 64; x++) expected += Math.min(1, Math.max(0, (8 * x) / 255 - 0.5)) / 64
    expect(pictureFigures(two)!.area).toBeCloseTo(expected, 5)
  })

  it('are none where the frame got no matte', () => {
    expect(pictureFigures({ ...discOn(black, white), planes: null })).toBeNull()
  })

  it('take a millisecond at most (printed), whatever the size', () => {
    for (const size of [
      { width: 512, height: 288 },
      { width: 1024, height: 1024 },
    ]) {
      const picture = discOn(white, black, size)
      const times = Array.from({ length: 50 }, () => {
        const began = performance.now()
        pictureFigures(picture)
        return performance.now() - began
      }).sort((a, b) => a - b)
      console.log(
        `${size.width}x${size.height}: figures in ${times[25].toFixed(2)} ms, at best ${times[0].toFixed(2)} ms`,
      )
      expect(times[0]).toBeLessThan(1)
    }
  })
})
