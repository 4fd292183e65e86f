/**
 * A camera as input. There is none where tests run: a device that is no camera is refused by the real ffmpeg, and for the
 * rest ffmpeg's own test picture, in real time, stands in for what Video4Linux would give. Seen red with an end that is
 * taken for an interruption, and with --fps not handed on.
 */
import { chmodSync, existsSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ffmpegs, frameTimes, show } from '../video/media-tools.ts'
import { Cli, ended } from './cli.ts'

const cli = new Cli()
const newest = ffmpegs.at(-1)!
let camera: Record<string, string>
let model: string

/** A program that is ffmpeg or ffprobe, but for cameras. */
function withCamera(name: 'ffmpeg' | 'ffprobe'): string {
  const path = cli.path(name)
  const script = `#!/bin/sh
rate=25
for word do
  shift
  case "$last $word" in
    '-f v4l2') set -- "$@" lavfi ;;
    *' -framerate') ;;
    '-framerate '*) rate=$word ;;
    '-i /dev/'*) set -- "$@" "testsrc2=size=96x64:rate=$rate,realtime" ;;
    *) set -- "$@" "$word" ;;
  esac
  last=$word
done
exec "${newest[name].path}" "$@"
`
  writeFileSync(path, script)
  chmodSync(path, 0o755)
  return path
}

beforeAll(async () => {
  camera = { MATTEBOX_FFMPEG: withCamera('ffmpeg'), MATTEBOX_FFPROBE: withCamera('ffprobe') }
  model = await cli.randomModel()
})
afterAll(() => cli[Symbol.dispose]())

const matte = (...args: string[]): string[] => [
  'matte',
  ...args,
  '--model',
  model,
  '--ratio',
  '0.5',
  '--provider',
  'cpu',
]

describe('mattebox matte from a camera', () => {
  it('refuses a device that is no camera, as ffmpeg does', async () => {
    const { code, stderr } = await cli.run(matte('/dev/null', 'me.webm'))
    expect({ code, stderr }).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^mattebox: \/dev\/null is a device, and no camera that can be read/) as string,
    })
    expect(stderr).toContain('/dev/video0')
    expect(existsSync(cli.path('me.webm'))).toBe(false)
  })

  it('ends at --to', async () => {
    const { code, stdout, stderr } = await cli.run(matte('/dev/null', 'to.webm', '--to', '0.8', '--json'), camera)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(JSON.parse(stdout)).toMatchObject({ frames: 20, size: [96, 64], sound: 'none', warnings: [] })
    expect(await frameTimes(newest, cli.path('to.webm'))).toHaveLength(20)
  })

  it('ends by Ctrl-C with a whole output, at the rate that --fps asks of the camera', async () => {
    const child = cli.start(matte('/dev/null', 'me.mkv', '--fps', '5'), camera)
    const end = ended(child)
    const partial = (): string | undefined => readdirSync(cli.folder).find((name) => name.startsWith('.me.mkv'))
    // The encoder's own file grows: some pictures are matted.
    const size = (name: string | undefined): number => (name === undefined ? 0 : statSync(cli.path(name)).size)
    while (child.exitCode === null && size(partial()) === 0) await new Promise((resolve) => setTimeout(resolve, 50))
    child.kill('SIGINT')
    const { code, stdout, stderr } = await end
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(/^me\.mkv: \d+ frames of 96x64/)
    const times = await frameTimes(newest, cli.path('me.mkv'))
    expect(times.length).toBeGreaterThan(0)
    for (const [n, time] of times.entries()) expect(time).toBeCloseTo(n / 5, 2)
    const { format } = (await show(newest, cli.path('me.mkv'), '-show_format')) as { format: { duration: string } }
    expect(Number(format.duration)).toBeCloseTo(times.length / 5, 1)
    expect(partial()).toBeUndefined()
  })

  it('has no --from, and times of its own: --fps is for cameras and folders', async () => {
    expect(await cli.run(matte('/dev/null', 'me.webm', '--from', '1'), camera)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('has no --from') as string,
    })
    for (const fps of ['0', '-1', 'fast', '5000', '30000/0']) {
      const { code, stderr } = await cli.run(matte('/dev/null', 'me.webm', `--fps=${fps}`), camera)
      expect({ code, stderr }).toMatchObject({ code: 2, stderr: expect.stringContaining(`--fps is ${fps}.`) as string })
    }
  })
})
