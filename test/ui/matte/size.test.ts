import { describe, expect, it } from 'vitest'
import { matteSize } from '../../../src/ui/matte/size.ts'

describe('the size in which the network sees a picture', () => {
  it('is what the ratio makes of it', () => {
    expect(matteSize(1920, 1080, 0.25)).toEqual({ width: 480, height: 272, ratio: 0.25 })
    expect(matteSize(1280, 720, 0)).toEqual({ width: 512, height: 288, ratio: 0.4 })
  })

  it('has no side over 1024: the ratio is lowered, as in OBS', () => {
    expect(matteSize(3840, 2160, 1)).toEqual({ width: 1024, height: 576, ratio: 1024 / 3840 })
    expect(matteSize(1080, 1920, 0.8)).toEqual({ width: 576, height: 1024, ratio: 1024 / 1920 })
  })
})
