import { describe, expect, it } from 'vitest'
import { ratioMarks } from '../../../src/ui/try/ratio-marks.ts'

describe('the published ratios', () => {
  it.each([
    [480, 270, 1, 1],
    [1280, 720, 0.375, 0.6],
    [1920, 1080, 0.25, 0.4],
    [1080, 1920, 0.25, 0.4],
    [3840, 2160, 0.125, 0.2],
  ])('of %ix%i', (width, height, portrait, fullBody) => {
    expect(ratioMarks(width, height)).toEqual({ portrait, fullBody })
  })
})
