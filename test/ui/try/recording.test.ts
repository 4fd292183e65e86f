import { execFileSync } from 'node:child_process'
import { readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { hasAlphaMode } from '../../../src/ui/try/recording.ts'

/** The head of a WebM file that ffmpeg made. */
function webm(pixels: 'yuv420p' | 'yuva420p'): Uint8Array {
  const file = join(tmpdir(), `mattebox-${process.pid}-${pixels}.webm`)
  const source = ['-f', 'lavfi', '-i', `color=red@0.5:size=32x32:duration=0.2,format=${pixels}`]
  execFileSync('ffmpeg', ['-v', 'error', '-y', ...source, '-c:v', 'libvpx', '-auto-alt-ref', '0', file])
  const head = Uint8Array.from(readFileSync(file).subarray(0, 1024))
  rmSync(file)
  return head
}

describe('a recording', () => {
  it('is known to carry transparency by its head', () => {
    expect(hasAlphaMode(webm('yuva420p'))).toBe(true)
    expect(hasAlphaMode(webm('yuv420p'))).toBe(false)
  })
})
