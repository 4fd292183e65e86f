import { describe, expect, it } from 'vitest'
import { ratioMarks } from '../../src/settings/ratio-marks.ts'

// To see it red: with the shorter side in place of the longer one, a 4K camera gets the marks of 1080p's bracket.

describe('the published ratios', () => {
  it.each([
    [1920, 1080, 0.25, 0.4],
    [1280, 720, 0.375, 0.6],
    [3840, 2160, 0.125, 0.2],
    [512, 288, 1, 1],
    [320, 240, 1, 1],
    // Between them: the nearest.
    [640, 480, 0.375, 0.6],
    [2560, 1440, 0.25, 0.4],
    [7680, 4320, 0.125, 0.2],
    // On its side.
    [1080, 1920, 0.25, 0.4],
  ])('of %i x %i are %f and %f', (width, height, portrait, fullBody) => {
    expect(ratioMarks(width, height)).toMatchObject({ portrait, fullBody })
  })
})
