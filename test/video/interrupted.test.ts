/**
 * Reliability row 12, the part of the writer: an interrupted process leaves nothing half-written, neither file nor folder.
 * (The command's own test runs `mattebox matte` in every format.) Seen red without the exit hook of `PartialOutput`.
 */
import { execFileSync, spawn } from 'node:child_process'
import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import type { PixelLayout } from '../../src/video/nut-format.ts'
import { eachFfmpeg, makeMedia, scratchFolder } from './media-tools.ts'

const root = join(import.meta.dirname, '..', '..')
const folder = scratchFolder()
const at = (name: string): string => join(folder, name)

beforeAll(async () => {
  await makeMedia(at('clip.mp4'), '-f', 'lavfi', '-i', 'testsrc=size=320x240:rate=25:duration=20', '-c:v', 'libx264')
  // A process needs JavaScript: the sources as they are now, compiled beside the test's other files.
  writeFileSync(at('package.json'), '{ "type": "module" }')
  symlinkSync(join(root, 'node_modules'), at('node_modules'))
  const compile = [join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '--project', 'tsconfig.build.json']
  execFileSync(process.execPath, [...compile, '--outDir', at('dist')], { cwd: root })
})

describe.each(eachFfmpeg)('an interrupted process %s', (title, ffmpeg) => {
  const outputs: readonly (readonly [string, PixelLayout])[] = [
    ['clip.webm', 'bgra'],
    ['frames', 'bgra'],
  ]
  it.each(outputs.flatMap(([name, layout]) => (['abort', 'exit'] as const).map((how) => ({ name, layout, how }))))(
    'leaves nothing of $name ($how)',
    async ({ name, layout, how }) => {
      const work = at(`${title}-${name}-${how}`.replace(/[^\w.-]/g, '_'))
      mkdirSync(work)
      const script = join(import.meta.dirname, 'fixtures', 'interrupted.mjs')
      const args = [script, at('dist'), at('clip.mp4'), join(work, name), layout, how]
      const child = spawn(process.execPath, args, {
        env: { ...process.env, MATTEBOX_FFMPEG: ffmpeg.ffmpeg.path, MATTEBOX_FFPROBE: ffmpeg.ffprobe.path },
        stdio: ['ignore', 'pipe', 'inherit'],
        detached: true,
      })
      let dots = 0
      const code = await new Promise<number | null>((resolve) => {
        child.on('close', resolve)
        child.stdout.on('data', (text: Buffer) => {
          const before = dots
          dots += text.length
          if (before >= 10 || dots < 10) return
          expect(readdirSync(work)).toHaveLength(1)
          // As a terminal does for Ctrl-C: the whole group of processes gets the signal.
          process.kill(-child.pid!, 'SIGINT')
        })
      })
      expect(code).toBe(130)
      expect(readdirSync(work)).toEqual([])
    },
  )
})
