import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { findFfmpeg } from '../../src/video/find-ffmpeg.ts'
import { ffmpegs, scratchFolder } from './media-tools.ts'

const folder = scratchFolder()

function script(name: string, text: string): string {
  const path = join(folder, name)
  writeFileSync(path, `#!/bin/sh\n${text}\n`)
  chmodSync(path, 0o755)
  return path
}

describe('finding ffmpeg', () => {
  it('answers path, version and origin of both programs, and what the ffmpeg can write', () => {
    expect(ffmpegs.length).toBeGreaterThan(0)
    for (const { ffmpeg, ffprobe, encoders, decoders, passthrough } of ffmpegs) {
      for (const tool of [ffmpeg, ffprobe]) {
        expect(tool.path).toContain('/ff')
        expect(tool.version).toMatch(/^\S+$/)
        expect(['system', 'package']).toContain(tool.origin)
      }
      expect([...encoders]).toEqual(expect.arrayContaining(['libx264', 'libvpx-vp9', 'ffv1', 'png', 'libopus']))
      expect([...decoders]).toEqual(expect.arrayContaining(['h264', 'libvpx-vp9', 'png']))
      expect(passthrough).toHaveLength(2)
    }
  })

  it('takes the programs that the environment names, before all others', async () => {
    const { ffmpeg, ffprobe } = ffmpegs[0]
    const answer = await findFfmpeg({ ...process.env, MATTEBOX_FFMPEG: ffmpeg.path, MATTEBOX_FFPROBE: ffprobe.path })
    expect([answer.ffmpeg, answer.ffprobe]).toEqual([
      { ...ffmpeg, origin: 'environment' },
      { ...ffprobe, origin: 'environment' },
    ])
  })

  it('refuses a named program that does not run, by the name of the variable', async () => {
    const broken = script('broken', 'exit 1')
    for (const path of [broken, join(folder, 'absent')]) {
      await expect(findFfmpeg({ ...process.env, MATTEBOX_FFMPEG: path })).rejects.toMatchObject({
        code: 'FFMPEG_MISSING',
        message: expect.stringContaining(`MATTEBOX_FFMPEG names ${path}`) as string,
        mend: expect.stringContaining('unset it') as string,
      })
    }
  })

  it('passes over a program on the PATH that does not run', async () => {
    script('ffmpeg', 'echo "error while loading shared libraries" >&2; exit 127')
    script('ffprobe', 'exit 127')
    const wanted = ffmpegs.find((one) => one.ffmpeg.origin === 'package')
    const search = findFfmpeg({ ...process.env, PATH: folder })
    if (wanted !== undefined) expect(await search).toEqual(wanted)
    else await expect(search).rejects.toMatchObject({ code: 'FFMPEG_MISSING' })
  })
})
