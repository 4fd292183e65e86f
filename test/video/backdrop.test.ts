import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { BackdropSource } from '../../src/video/backdrop.ts'
import { findFfmpeg } from '../../src/video/find-ffmpeg.ts'

describe('a clip behind the person', () => {
  const folder = mkdtempSync(join(tmpdir(), 'mattebox-backdrop-'))
  const clip = join(folder, 'levels.mkv')
  const still = join(folder, 'still.png')

  beforeAll(async () => {
    const { ffmpeg } = await findFfmpeg()
    // Four frames, 10 a second: gray 0, 50, 100, 150.
    const levels = ['-f', 'lavfi', '-i', 'color=black:s=32x32:r=10:d=0.4', '-vf', "format=gray,geq=lum='N*50'"]
    execFileSync(ffmpeg.path, ['-v', 'error', ...levels, '-c:v', 'ffv1', clip])
    execFileSync(ffmpeg.path, ['-v', 'error', '-f', 'lavfi', '-i', 'color=red:s=64x32', '-frames:v', '1', still])
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  it('shows the frame that is due, and begins again at its end', async () => {
    const backdrop = await BackdropSource.open(clip, 16, 16)
    const levels: number[] = []
    for (const time of [0, 0.05, 0.1, 0.25, 0.3, 0.4, 0.52, 0.8]) levels.push((await backdrop.at(time))[0])
    await backdrop.close()
    expect(levels).toEqual([0, 0, 50, 100, 150, 0, 50, 0])
  })

  it('may be one picture, that stays', async () => {
    const backdrop = await BackdropSource.open(still, 16, 16)
    const [first, later] = [(await backdrop.at(0)).slice(), await backdrop.at(100)]
    await backdrop.close()
    expect(later).toEqual(first)
    expect(first[2]).toBeGreaterThan(240)
  })
})
