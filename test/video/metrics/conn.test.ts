import { describe, expect, it } from 'vitest'
import { createConn } from '../../../src/video/metrics/conn.ts'
import { hills, matte, placed } from './mattes.ts'

function conn(prediction: Float32Array, truth: Float32Array, width: number): number {
  return createConn(width, truth.length / width)(prediction, truth)
}

/** The same by the letter of the definition: a flood for every component of every level. */
function reference(prediction: Float32Array, truth: Float32Array, width: number): number {
  const level = new Float64Array(truth.length).fill(-1)
  for (let l = 1; l <= 10; l++) {
    const open = truth.map((t, i) => (Math.min(t, prediction[i]) >= Math.fround(l / 10) ? 1 : 0))
    let largest: number[] = []
    for (let seed = 0; seed < open.length; seed++) {
      if (open[seed] === 0) continue
      open[seed] = 0
      const component = [seed]
      for (const at of component) {
        const x = at % width
        const sides = [x > 0 ? at - 1 : -1, x < width - 1 ? at + 1 : -1, at - width, at + width]
        for (const next of sides) {
          if (next < 0 || next >= open.length || open[next] === 0) continue
          open[next] = 0
          component.push(next)
        }
      }
      if (component.length > largest.length) largest = component
    }
    const inside = new Set(largest)
    level.forEach((found, i) => (level[i] = found === -1 && !inside.has(i) ? (l - 1) / 10 : found))
  }
  const phi = (alpha: number, i: number) => {
    const distance = alpha - (level[i] === -1 ? 1 : level[i])
    return 1 - (distance >= 0.15 ? distance : 0)
  }
  return truth.reduce((sum, t, i) => sum + Math.abs(phi(t, i) - phi(prediction[i], i)), 0) / 1000
}

describe('conn', () => {
  it('is 0 for the same matte', () => {
    expect(conn(hills(40, 30, 1), hills(40, 30, 1), 40)).toBe(0)
  })

  it('counts an island that only the prediction has by its alpha', () => {
    // The subject is pixels 0-2, connected up to 1. Pixel 4 is in no source region: level 0, d = 0.6 against 0.
    expect(conn(matte([1, 1, 1, 0, 0.6]), matte([1, 1, 1, 0, 0]), 5)).toBeCloseTo(0.6 / 1000, 9)
  })

  it('counts a second island of both by the difference of its two heights', () => {
    // Pixels 4 and 5 stand apart from the larger island: level 0. d = 0.5 against 1, twice.
    const prediction = matte([1, 1, 1, 0, 0.5, 0.5])
    const truth = matte([1, 1, 1, 0, 1, 1])
    expect(conn(prediction, truth, 6)).toBeCloseTo(1 / 1000, 9)
  })

  it('counts a connected pixel from the level up to which it is connected', () => {
    // Pixel 2 reaches 0.33 in both: level 0.3. Truth: d = 0.5, phi 0.5. Prediction: d = 0.03, below 0.15, phi 1.
    expect(conn(matte([1, 1, 0.33]), matte([1, 1, 0.8]), 3)).toBeCloseTo(0.5 / 1000, 7)
  })

  it('forgives less than 0.15 above the level', () => {
    expect(conn(matte([1, 1, 0, 0.14]), matte([1, 1, 0, 0]), 4)).toBe(0)
    expect(conn(matte([1, 1, 0, 0.16]), matte([1, 1, 0, 0]), 4)).toBeCloseTo(0.16 / 1000, 9)
  })

  it('loses an island where the bridge to it is too thin', () => {
    // The bridge is 0.45: the pair behind it is connected up to 0.4 only, d = 0.6 against 0.2 (phi 0.4, 0.8), twice.
    // The bridge itself: level 0.4, d = 0.05 in both, forgiven.
    const prediction = matte([1, 1, 1, 0.45, 0.6, 0.6])
    const truth = matte([1, 1, 1, 0.45, 1, 1])
    expect(conn(prediction, truth, 6)).toBeCloseTo((2 * 0.4) / 1000, 7)
  })

  it('lets pixels touch by their sides, not by their corners', () => {
    // Pixel (2, 2) touches the square by a corner only: level 0, d = 0.9 against 0.74. If corners joined, its level
    // would be 0.7: d = 0.2 against 0.04 (forgiven).
    const truth = matte([1, 1, 0], [1, 1, 0], [0, 0, 0.9])
    const prediction = matte([1, 1, 0], [1, 1, 0], [0, 0, 0.74])
    expect(conn(prediction, truth, 3)).toBeCloseTo(0.16 / 1000, 7)
  })

  it('does not join the end of a row with the start of the next one', () => {
    // The three pixels that end row 0 are the larger island; the two that start row 1 have level 0: d = 1 against 0.5.
    const truth = matte([0, 0, 1, 1, 1], [1, 1, 0, 0, 0])
    const prediction = matte([0, 0, 1, 1, 1], [0.5, 0.5, 0, 0, 0])
    expect(conn(prediction, truth, 5)).toBeCloseTo((2 * 0.5) / 1000, 9)
  })

  it('joins arms that meet only further down, whichever way', () => {
    // A U, an upside-down U and an S are one component each: all of it is connected up to 0.5, where d = 0.5 against 0.
    const shapes = [
      [
        [1, 0, 1],
        [1, 0, 1],
        [1, 1, 1],
      ],
      [
        [1, 1, 1],
        [1, 0, 1],
        [1, 0, 1],
      ],
      [
        [1, 1, 1, 0, 0],
        [1, 0, 1, 0, 1],
        [1, 0, 1, 1, 1],
      ],
    ]
    for (const shape of shapes) {
      const truth = matte(...shape)
      const area = truth.reduce((sum, a) => sum + a, 0)
      const prediction = truth.map((a) => a * 0.5)
      expect(conn(prediction, truth, shape[0].length)).toBeCloseTo((area * 0.5) / 1000, 9)
    }
  })

  it('takes the first of two islands of equal size, row by row', () => {
    // Only the source region's pixel is forgiven the 0.1 by which the two differ.
    expect(conn(matte([1, 0, 0.9]), matte([1, 0, 1]), 3)).toBeCloseTo(0.1 / 1000, 7) // pixel 2, level 0: d = 0.9 against 1
    expect(conn(matte([0.9, 0, 1]), matte([1, 0, 1]), 3)).toBe(0) // pixel 0, level 0.9: d = 0 against 0.1
  })

  it('lets nothing be connected further once the largest island is another one', () => {
    // Up to 0.5 the wide island (0-3) is the source region; above it is gone and the pair (5-6) is: but the pair was
    // not in the lower regions, level 0. Pair: d = 1 against 0.8, twice. Wide: level 0.5, d = 0.5 against 0, four times.
    const prediction = matte([0.5, 0.5, 0.5, 0.5, 0, 0.8, 0.8])
    const truth = matte([1, 1, 1, 1, 0, 1, 1])
    expect(conn(prediction, truth, 7)).toBeCloseTo((4 * 0.5 + 2 * 0.2) / 1000, 7)
  })

  it('lets an 8-bit gray that is a tenth reach its own level', () => {
    // 153 / 255 = 0.6: level 0.6, so d = 0 against 0.4. A level lower it would be 0.1 (forgiven) against 0.5.
    expect(conn(matte([1, 153 / 255]), matte([1, 1]), 2)).toBeCloseTo(0.4 / 1000, 7)
    expect(conn(matte([1, 0.7]), matte([1, 1]), 2)).toBeCloseTo(0.3 / 1000, 7) // 0.7 is a little less as float32
    expect(conn(matte([1, 0.9]), matte([1, 1]), 2)).toBe(0)
  })

  it('counts everything where nothing is common', () => {
    expect(conn(matte([1, 1, 0, 0]), matte([0, 0, 1, 0.1]), 4)).toBeCloseTo(3 / 1000, 9)
    expect(conn(matte([0, 0]), matte([0, 0]), 2)).toBe(0)
  })

  it('is what the definition says by its letter, on mattes with many islands', () => {
    for (let seed = 1; seed <= 12; seed++) {
      const [a, b] = [hills(37, 23, seed), hills(37, 23, seed + 0.15)]
      expect(conn(a, b, 37)).toBeCloseTo(reference(a, b, 37), 9)
      expect(reference(a, b, 37)).toBeGreaterThan(0.01)
    }
  })

  it('is symmetric in prediction and truth', () => {
    const [a, b] = [hills(40, 30, 1), hills(40, 30, 1.2)]
    expect(conn(a, b, 40)).toBeCloseTo(conn(b, a, 40), 12)
  })

  it('does not depend on where the subject stands', () => {
    const [a, b] = [hills(20, 12, 1), hills(20, 12, 1.2)]
    const frame = { width: 50, height: 40 }
    const at = (left: number, top: number) => conn(placed(a, 20, frame, left, top), placed(b, 20, frame, left, top), 50)
    expect(at(0, 0)).toBeCloseTo(at(29, 27), 12)
  })

  it('keeps nothing from the frame before', () => {
    const measure = createConn(40, 30)
    measure(hills(40, 30, 3), hills(40, 30, 4))
    expect(measure(hills(40, 30, 1), hills(40, 30, 2))).toBe(conn(hills(40, 30, 1), hills(40, 30, 2), 40))
  })
})
