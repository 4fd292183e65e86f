/**
 * Several inputs in one command, and what a second run keeps. Seen red with a second run that keeps whatever is there,
 * and with the first failure ending the run.
 */
import { execFileSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { findFfmpeg } from '../../src/video/find-ffmpeg.ts'
import { Cli, demoClip, ended, type Ended } from './cli.ts'

const cli = new Cli()
let options: string[]
let number = 0
/** A folder of its own for each test. */
let folder: string
const at = (name: string): string => join(folder, name)

beforeAll(async () => {
  options = ['--model', await cli.randomModel(), '--provider', 'cpu', '--threads', '1']
  const { ffmpeg } = await findFfmpeg()
  const small = ['-vf', 'scale=64:48,setsar=1', '-c:v', 'libx264', '-pix_fmt', 'yuv420p']
  execFileSync(ffmpeg.path, ['-v', 'error', '-t', '0.16', '-i', demoClip, ...small, cli.path('clip.mp4')])
  execFileSync(ffmpeg.path, ['-v', 'error', '-i', cli.path('clip.mp4'), '-frames:v', '1', cli.path('still.png')])
})
beforeEach(() => {
  folder = cli.path(`work-${++number}`)
  mkdirSync(at('clips'), { recursive: true })
  for (const name of ['one.mp4', 'two.mp4']) copyFileSync(cli.path('clip.mp4'), at(`clips/${name}`))
})
afterAll(() => cli[Symbol.dispose]())

const matte = (...args: readonly string[]): Promise<Ended> => cli.run(['matte', ...args, ...options])
const made = (name = 'out'): string[] =>
  readdirSync(at(name))
    .filter((file) => !file.startsWith('.'))
    .sort()
const inode = (name: string): number => statSync(at(name)).ino

describe('several inputs', () => {
  it('become one file each in a folder, whatever lies where; pictures stay pictures', async () => {
    copyFileSync(cli.path('still.png'), at('me.png'))
    mkdirSync(at('frames'))
    copyFileSync(cli.path('still.png'), at('frames/1.png'))
    const { code, stdout, stderr } = await matte(at('clips'), at('me.png'), at('frames'), at('out'))
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(made()).toEqual(['frames.webm', 'me.png', 'one.webm', 'two.webm'])
    expect(stdout).toContain('4 made, 0 kept, 0 failed')
  })

  it('take the format that is asked for, further outputs too', async () => {
    const further = ['--output-alpha', at('alpha'), '--format', 'png']
    expect((await matte(at('clips'), at('png'), ...further)).code).toBe(0)
    expect([made('png'), made('alpha')]).toEqual([
      ['one', 'two'],
      ['one', 'two'],
    ])
    expect(made('png/one')).toHaveLength(4)
  })

  it('that cannot be read do not keep the others from being made: all is said, and the exit code is 1', async () => {
    writeFileSync(at('clips/broken.mp4'), 'no clip at all')
    const { code, stdout, stderr } = await matte(at('clips'), at('out'), '--json')
    expect(code).toBe(1)
    expect(stderr).toContain('broken.mp4')
    expect(stderr).not.toMatch(/\n {4}at /)
    expect(JSON.parse(stdout)).toMatchObject({
      done: [{ output: at('out/one.webm') }, { output: at('out/two.webm') }],
      kept: [],
      failed: [{ input: at('clips/broken.mp4'), error: { code: 'INPUT_UNREADABLE' } }],
    })
    expect(made()).toEqual(['one.webm', 'two.webm'])
  })

  it('stop where the disk takes no more, and say how to go on', async () => {
    // Files may not grow past the limit of their process: the same path as a disk that is full.
    const { ffmpeg } = await findFfmpeg()
    const tool = cli.path('limited.sh')
    const script = `case "$*" in *libvpx-vp9*) ulimit -f 1 ;; esac\nexec ${ffmpeg.path} "$@"`
    writeFileSync(tool, `#!/bin/bash\n${script}\n`, { mode: 0o755 })
    const ended = await cli.run(['matte', at('clips'), at('out'), ...options], { MATTEBOX_FFMPEG: tool })
    expect(ended.code).toBe(1)
    expect(ended.stderr).toContain('0 of 2 are made')
    expect(ended.stderr).toContain('--resume')
    expect(existsSync(at('out'))).toBe(false)
  })
})

describe('--resume', () => {
  it('keeps what is whole and made with these settings, and makes the rest', async () => {
    expect((await matte(at('clips'), at('out'))).code).toBe(0)
    const before = inode('out/one.webm')
    copyFileSync(cli.path('clip.mp4'), at('clips/three.mp4'))
    const again = await matte(at('clips'), at('out'), '--resume')
    expect(again.code).toBe(0)
    expect(again.stdout).toContain('1 made, 2 kept, 0 failed')
    expect(made()).toEqual(['one.webm', 'three.webm', 'two.webm'])
    expect(inode('out/one.webm')).toBe(before)

    const other = await matte(at('clips'), at('out'), '--resume', '--quality', '20')
    expect(other.code).toBe(2)
    expect(other.stderr).toContain('is not known to be made from')
    expect(inode('out/one.webm')).toBe(before)

    const without = await matte(at('clips'), at('out'))
    expect(without.code).toBe(2)
    expect(without.stderr).toMatch(/--resume.*--force/)
  })

  it('goes on after Ctrl-C', async () => {
    copyFileSync(demoClip, at('clips/zz-long.webm'))
    const slow = ['--ratio', '1']
    const child = cli.start(['matte', at('clips'), at('out'), ...options, ...slow])
    const end = ended(child)
    while (!existsSync(at('out')) || !readdirSync(at('out')).some((name) => name.includes('zz-long'))) {
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    child.kill('SIGINT')
    const { code, stderr } = await end
    expect(code).toBe(130)
    expect(stderr).toContain('2 of 3 are made')
    expect(made()).toEqual(['one.webm', 'two.webm'])
    expect(readdirSync(at('out')).filter((name) => name.includes('partial'))).toEqual([])
    rmSync(at('clips/zz-long.webm'))
    const again = await matte(at('clips'), at('out'), ...slow, '--resume')
    expect(again.stdout).toContain('0 made, 2 kept, 0 failed')
  })
})
