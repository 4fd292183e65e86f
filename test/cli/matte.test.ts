import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findFfmpeg } from '../../src/video/find-ffmpeg.ts'
import { openVideo } from '../../src/video/decode.ts'
import { readBack as readWithFfmpeg } from '../video/read-back.ts'
import { Cli, demoClip, demoTruth, ended } from './cli.ts'

/** A twelfth of a second of the demo clip, in low ratio: quick, and nothing about it is special. */
const few = ['--to', '0.2', '--ratio', '0.25', '--provider', 'cpu', '--threads', '1']
const FEW_FRAMES = 5

const cli = new Cli()
let model: string[]
let ffmpeg: string

beforeAll(async () => {
  model = ['--model', await cli.randomModel()]
  ffmpeg = (await findFfmpeg()).ffmpeg.path
})
afterAll(() => cli[Symbol.dispose]())

interface Read {
  readonly width: number
  readonly height: number
  readonly codec: string
  readonly alpha: boolean
  readonly times: number[]
  readonly first: Uint8Array
}

/** Reads an output back, frame by frame. */
async function readBack(path: string): Promise<Read> {
  const source = await openVideo(path)
  const times: number[] = []
  let first: Uint8Array | undefined
  for await (const frame of source.frames()) {
    first ??= frame.data.slice()
    times.push(frame.timeSeconds)
  }
  const { width, height, codec, alpha } = source.info
  return { width, height, codec, alpha, times, first: first! }
}

/** What is left in the folder beside what was put there. */
const leftovers = (): string[] => readdirSync(cli.folder).filter((name) => name.includes('partial'))

describe('mattebox matte', () => {
  it.each([
    ['out.webm', [], { codec: 'vp9', alpha: true }],
    ['out.mkv', ['--view', 'alpha'], { codec: 'ffv1', alpha: false }],
    ['result.mkv', [], { codec: 'ffv1', alpha: true }],
    ['out.gif', [], { codec: 'gif', alpha: true }],
    ['out.mp4', ['--background', '#00b140'], { codec: 'h264', alpha: false }],
    ['foreground.mp4', ['--view', 'foreground'], { codec: 'h264', alpha: false }],
    ['blurred.mp4', ['--background', 'blur'], { codec: 'h264', alpha: false }],
    ['over.webm', ['--background', demoClip], { codec: 'vp9', alpha: false }],
  ])('writes %s %j', async (name, options, expected) => {
    const output = cli.path(name)
    const { code, stdout, stderr } = await cli.run(['matte', demoClip, output, ...few, ...model, ...options])
    expect(stderr).toBe('')
    expect(code).toBe(0)
    expect(stdout).toContain(`${FEW_FRAMES} frames of 640x360`)
    const read = await readBack(output)
    expect(read).toMatchObject({ width: 640, height: 360, ...expected })
    expect(read.times.map((time) => Math.round(time * 25))).toEqual([0, 1, 2, 3, 4])
    expect(leftovers()).toEqual([])
  })

  it.each(['out.mov', 'out.webp'])('writes %s, which other programs read', async (name) => {
    const output = cli.path(name)
    const { code, stderr } = await cli.run(['matte', demoClip, output, ...few, ...model])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const { width, height, times, pictures } = await readWithFfmpeg(output)
    expect([width, height]).toEqual([640, 360])
    expect(times.map((time) => Math.round(time * 25))).toEqual([0, 1, 2, 3, 4])
    // Made-up weights make some matte: one that is neither empty nor full.
    expect(new Set(pictures[0].filter((_, i) => i % 4 === 3)).size).toBeGreaterThan(10)
    expect(leftovers()).toEqual([])
  })

  it('pipes raw pictures with their times to standard output, and says the rest beside it', async () => {
    const child = cli.start(['matte', demoClip, '-', ...few, ...model])
    const piped = createWriteStream(cli.path('piped.nut'))
    child.stdout!.pipe(piped)
    let said = ''
    child.stderr!.setEncoding('utf8').on('data', (text: string) => (said += text))
    const [code] = (await once(child, 'close')) as [number]
    expect(code).toBe(0)
    expect(said).toContain(`standard output: ${FEW_FRAMES} frames`)
    const { times, pictures } = await readWithFfmpeg(cli.path('piped.nut'))
    expect(times.map((time) => Math.round(time * 25))).toEqual([0, 1, 2, 3, 4])
    const exact = await readWithFfmpeg(cli.path('result.mkv'))
    expect(Buffer.compare(pictures[4], exact.pictures[4])).toBe(0)
  })

  it('writes matte and foreground beside the result, in one run', async () => {
    const further = ['--output-alpha', cli.path('beside.mkv'), '--output-foreground', cli.path('beside.mp4')]
    const { code, stdout } = await cli.run(['matte', demoClip, cli.path('beside.mov'), ...few, ...model, ...further])
    expect(code).toBe(0)
    for (const name of ['beside.mov', 'beside.mkv', 'beside.mp4']) expect(stdout).toContain(cli.path(name))
    const [alpha, exact] = await Promise.all([cli.path('beside.mkv'), cli.path('out.mkv')].map(readWithFfmpeg))
    expect(Buffer.compare(alpha.pictures[4], exact.pictures[4])).toBe(0)
    expect(await readBack(cli.path('beside.mp4'))).toMatchObject({ codec: 'h264', width: 640, height: 360 })
  })

  it('says why there is no preview, and mattes all the same', async () => {
    const args = ['matte', demoClip, cli.path('preview.webm'), ...few, ...model, '--preview']
    const { code, stderr } = await cli.run(args, { DISPLAY: '', WAYLAND_DISPLAY: '' })
    expect(code).toBe(0)
    expect(stderr).toContain('No preview: there is no screen')
  })

  it('writes a folder of PNGs with alpha, named in order', async () => {
    const output = cli.path('frames')
    expect((await cli.run(['matte', demoClip, output, ...few, ...model])).code).toBe(0)
    const names = readdirSync(output)
    expect(names).toHaveLength(FEW_FRAMES)
    expect(names).toEqual(names.toSorted())
    expect(await readBack(`${output}/${names[0]}`)).toMatchObject({
      width: 640,
      height: 360,
      codec: 'png',
      alpha: true,
    })
  })

  it('mattes a picture into a PNG', async () => {
    const picture = cli.path('picture.png')
    execFileSync(ffmpeg, ['-v', 'error', '-i', demoClip, '-frames:v', '1', picture])
    const output = cli.path('cut.png')
    const { code } = await cli.run(['matte', picture, output, '--provider', 'cpu', ...model])
    expect(code).toBe(0)
    expect(await readBack(output)).toMatchObject({ width: 640, height: 360, codec: 'png', alpha: true })
  })

  it('writes the same matte into every format: the gray clip is the alpha of the PNGs', async () => {
    const matte = (await readBack(cli.path('out.mkv'))).first
    const png = (await readBack(cli.path('frames/frame-000001.png'))).first
    let worst = 0
    for (let i = 0; i < matte.length / 4; i++) worst = Math.max(worst, Math.abs(matte[4 * i] - png[4 * i + 3]))
    expect(worst).toBe(0)
    // Made-up weights make some matte: one that is neither empty nor full.
    expect(new Set(matte).size).toBeGreaterThan(10)
  })

  it('composes over a colour exactly as the alpha says', async () => {
    const colour = cli.path('colour')
    await cli.run(['matte', demoClip, colour, ...few, ...model, '--background', '#ff0000', '--decontaminate', 'off'])
    const cut = cli.path('cut')
    await cli.run(['matte', demoClip, cut, ...few, ...model, '--decontaminate', 'off'])
    const [over, straight] = [await readBack(`${colour}/frame-000001.png`), await readBack(`${cut}/frame-000001.png`)]
    const red = [0, 0, 255]
    let worst = 0
    for (let i = 0; i < straight.first.length / 4; i++) {
      const alpha = straight.first[4 * i + 3] / 255
      for (let c = 0; c < 3; c++) {
        const want = alpha * straight.first[4 * i + c] + (1 - alpha) * red[c]
        worst = Math.max(worst, Math.abs(over.first[4 * i + c] - want))
      }
    }
    expect(worst).toBeLessThanOrEqual(1.5)
  })

  it('keeps a variable frame rate', async () => {
    const clip = cli.path('variable.mkv')
    const filter = "setpts='(N+N*N/4)/25/TB',scale=160:96,setsar=1"
    const args = ['-v', 'error', '-i', demoClip, '-frames:v', '6', '-vf', filter, '-vsync', 'passthrough']
    execFileSync(ffmpeg, [...args, '-enc_time_base', '1/1000', '-c:v', 'ffv1', '-pix_fmt', 'yuv420p', clip])
    const output = cli.path('variable.webm')
    expect((await cli.run(['matte', clip, output, '--provider', 'cpu', ...model])).code).toBe(0)
    const [before, after] = [(await readBack(clip)).times, (await readBack(output)).times]
    expect(after).toHaveLength(6)
    after.forEach((time, index) => expect(Math.abs(time - before[index])).toBeLessThanOrEqual(0.001))
  })

  it('prints one JSON object, and nothing else, under --json', async () => {
    const { stdout } = await cli.run(['matte', demoClip, cli.path('json.webm'), ...few, ...model, '--json'])
    expect(JSON.parse(stdout)).toMatchObject({ frames: FEW_FRAMES, lowRes: [160, 96], provider: 'cpu', sound: 'none' })
  })
})

describe('mattebox matte refuses', () => {
  const refused = async (args: readonly string[], env?: NodeJS.ProcessEnv) => {
    const { code, stderr } = await cli.run(['matte', ...args], env)
    expect(stderr).not.toMatch(/\n {4}at /)
    expect(leftovers()).toEqual([])
    return { code, stderr }
  }

  it('to work without a model: names the two ways to get one, and exits 2', async () => {
    const { code, stderr } = await refused([demoClip, cli.path('none.webm')])
    expect(code).toBe(2)
    expect(stderr).toContain('rvm_mobilenetv3_fp32.onnx')
    expect(stderr).toContain('models import')
    expect(stderr).toContain('--model PATH')
  })

  it('one path alone, and standard output for a further output', async () => {
    const alone = await refused([demoClip, ...model])
    expect(alone.code).toBe(2)
    expect(alone.stderr).toContain('An input and an output are wanted')
    const further = await refused([demoClip, cli.path('x.webm'), '--output-alpha', '-', ...model, '--provider', 'cpu'])
    expect(further.code).toBe(2)
    expect(further.stderr).toContain('standard output')
  })

  it('an MP4 without a background, and names the option', async () => {
    const { code, stderr } = await refused([demoClip, cli.path('clear.mp4'), ...few, ...model])
    expect(code).toBe(2)
    expect(stderr).toContain('--background')
  })

  it.each([
    ['--ratio', '2', '0.05 to 1'],
    ['--ratio', 'half', '0.05 to 1'],
    ['--refiner', 'sharp', 'deep, fast, none'],
    ['--provider', 'gpu', 'auto, cuda, webgpu, cpu'],
    ['--threads', '0', '1 to 256'],
    ['--from', 'noon', 'seconds'],
    ['--background', '#12345', 'colour'],
    ['--background', 'nowhere.png', 'no file'],
    ['--cut-detection', 'maybe', 'on, off'],
    ['--quality', 'best', '0 to 100'],
    ['--format', 'avi', 'webm, mov'],
  ])('%s %s, and says what it takes', async (option, value, mend) => {
    const { code, stderr } = await refused([demoClip, cli.path('x.webm'), ...model, option, value])
    expect(code).toBe(2)
    expect(stderr).toContain(value)
    expect(stderr).toContain(mend)
  })

  it('an input that is none', async () => {
    writeFileSync(cli.path('text.mp4'), 'no clip at all')
    for (const input of [cli.path('missing.mp4'), cli.path('text.mp4')]) {
      const { code, stderr } = await refused([input, cli.path('x.webm'), ...model, '--provider', 'cpu'])
      expect(code).toBe(1)
      expect(stderr).toContain(basename(input))
    }
  })

  it('a model that is none', async () => {
    writeFileSync(cli.path('noise.safetensors'), 'no weights at all')
    const { code, stderr } = await refused([demoClip, cli.path('x.webm'), '--model', cli.path('noise.safetensors')])
    expect(code).toBe(1)
    expect(stderr).toContain('noise.safetensors')
  })

  it('to replace an output, unless it is told to', async () => {
    const output = cli.path('there.webm')
    writeFileSync(output, 'precious')
    const { code, stderr } = await refused([demoClip, output, ...few, ...model])
    expect(code).toBe(2)
    expect(stderr).toContain('--force')
    expect(readFileSync(output, 'utf8')).toBe('precious')
    expect((await cli.run(['matte', demoClip, output, ...few, ...model, '--force'])).code).toBe(0)
    expect((await readBack(output)).codec).toBe('vp9')
  })
})

describe('an interrupted mattebox matte leaves nothing half-written', () => {
  const formats = [
    ['cut.webm', []],
    ['cut.mov', []],
    ['cut.mkv', []],
    ['cut.mp4', ['--background', 'blur']],
    ['cut.gif', []],
    ['cut.webp', []],
    ['cut-folder', []],
  ] as const

  it.each(formats)('%s, on Ctrl-C: exits 130', async (name, options) => {
    const folder = cli.path(`interrupt-${name}`)
    mkdirSync(folder)
    const child = cli.start([
      'matte',
      demoClip,
      `${folder}/${name}`,
      '--ratio',
      '0.25',
      '--provider',
      'cpu',
      ...model,
      ...options,
    ])
    const end = ended(child)
    // It is at work once its output has begun, under another name.
    await until(() => readdirSync(folder).length > 0)
    await new Promise((resolve) => setTimeout(resolve, 300))
    child.kill('SIGINT')
    const { code, stderr } = await end
    expect(code).toBe(130)
    expect(stderr).toContain('Interrupted')
    expect(readdirSync(folder)).toEqual([])
  })

  // Every format at its writer: test/video/encode.test.ts.
  it.each(formats.filter(([name]) => !/gif|webp/.test(name)))(
    '%s, on a full disk: says so and exits 1',
    async (name, options) => {
      const folder = cli.path(`full-${name}`)
      mkdirSync(folder)
      // A file may not grow past the limit of its process: the same error path as a disk that is full.
      const script = `ulimit -f 16; trap '' XFSZ; exec "$0" "$@"`
      const tool = cli.path(`limited-${name}.sh`)
      writeFileSync(
        tool,
        `#!/bin/bash\nset -- "${ffmpeg}" "$@"\nexec bash -c '${script.replaceAll("'", "'\\''")}' "$@"\n`,
        { mode: 0o755 },
      )
      const { code, stderr } = await cli.run(
        [
          'matte',
          demoClip,
          `${folder}/${name}`,
          '--to',
          '1.6',
          '--ratio',
          '0.25',
          '--provider',
          'cpu',
          ...model,
          ...options,
        ],
        { MATTEBOX_FFMPEG: tool },
      )
      expect(code).toBe(1)
      expect(stderr).not.toMatch(/\n {4}at /)
      expect(stderr.trim().split('\n').length).toBeLessThanOrEqual(3)
      expect(readdirSync(folder)).toEqual([])
    },
  )
})

describe('mattebox matte, where its answer cannot go', () => {
  it('says so where standard output is closed, and has written the file', async () => {
    const output = cli.path('closed-pipe.webm')
    const child = cli.start(['matte', demoClip, output, ...few, ...model])
    child.stdout!.destroy()
    const { code, stderr } = await ended(child)
    expect(code).toBe(1)
    expect(stderr).toContain('standard output')
    expect(stderr).not.toMatch(/\n {4}at /)
    expect((await readBack(output)).times).toHaveLength(FEW_FRAMES)
  })

  it('says so where its reader leaves in the middle of the pictures', async () => {
    const child = cli.start(['matte', demoClip, '-', '--ratio', '0.25', '--provider', 'cpu', ...model])
    child.stdout!.once('data', () => child.stdout!.destroy())
    const { code, stderr } = await ended(child)
    expect(code).toBe(1)
    expect(stderr).toContain('standard output')
    expect(stderr).not.toMatch(/\n {4}at /)
  })

  it.each(['x.webm', 'x.mov', 'x.mp4', 'x-folder'])('says so where nothing may be written: %s', async (name) => {
    // Nobody may make a file in /proc, not even root.
    const options = name === 'x.mp4' ? ['--background', 'blur'] : []
    const { code, stderr } = await cli.run(['matte', demoClip, `/proc/${name}`, ...few, ...model, ...options])
    expect(code).toBe(1)
    expect(stderr).toContain(`/proc/${name}`)
    expect(stderr).not.toMatch(/\n {4}at /)
  })
})

describe('mattebox eval', () => {
  it('prints the paper’s metrics as JSON', async () => {
    const { stdout, code } = await cli.run(['eval', demoClip, demoTruth, ...few, ...model, '--json'])
    expect(code).toBe(0)
    const report = JSON.parse(stdout) as Record<string, unknown>
    expect(Object.keys(report)).toEqual(
      expect.arrayContaining(['mad', 'mse', 'grad', 'conn', 'dtssd', 'iou', 'frames', 'lowRes', 'msPerFrame']),
    )
    expect(report).toMatchObject({ frames: FEW_FRAMES, lowRes: [160, 96] })
  })

  it('takes a picture and a folder of pictures', async () => {
    const folders = ['clip', 'truth'].map((name) => cli.path(`eval-${name}`))
    for (const [index, clip] of [demoClip, demoTruth].entries()) {
      mkdirSync(folders[index])
      execFileSync(ffmpeg, ['-v', 'error', '-i', clip, '-frames:v', '3', `${folders[index]}/%02d.png`])
    }
    const options = ['--ratio', '0.25', '--provider', 'cpu', ...model, '--json']
    const both = await cli.run(['eval', folders[0], folders[1], ...options])
    expect(JSON.parse(both.stdout)).toMatchObject({ frames: 3 })
    const one = await cli.run(['eval', `${folders[0]}/01.png`, `${folders[1]}/01.png`, ...options])
    expect(JSON.parse(one.stdout)).toMatchObject({ frames: 1, dtssd: null })
  })

  it('refuses a truth of another size or length, and names both', async () => {
    const small = cli.path('small.mkv')
    execFileSync(ffmpeg, ['-v', 'error', '-i', demoTruth, '-vf', 'scale=320:180', '-c:v', 'ffv1', small])
    const { code, stderr } = await cli.run(['eval', demoClip, small, ...few, ...model])
    expect(code).toBe(2)
    expect(stderr).toContain('320x180')
    const short = cli.path('short.mkv')
    execFileSync(ffmpeg, ['-v', 'error', '-i', demoTruth, '-frames:v', '3', '-c:v', 'ffv1', short])
    const end = await cli.run(['eval', demoClip, short, ...few, ...model])
    expect(end.code).toBe(2)
    expect(end.stderr).toContain('3 frames')
  })
})

async function until(condition: () => boolean): Promise<void> {
  for (let tries = 0; !condition(); tries++) {
    if (tries > 600) throw new Error('waited for 30 s')
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
