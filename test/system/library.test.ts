/**
 * What other programs import as `mattebox`, from dist as they get it: the examples of the documentation are run, and the
 * types are those of the code. Seen red: without `exports` in package.json; with another default for `refiner`.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const root = join(import.meta.dirname, '..', '..')
const folder = mkdtempSync(join(tmpdir(), 'mattebox-library-'))
const clip = join(folder, 'clip.mkv')

beforeAll(() => {
  const demo = join(root, 'demo', 'astronaut.webm')
  execFileSync('ffmpeg', ['-v', 'error', '-i', demo, '-frames:v', '4', '-c:v', 'ffv1', '-an', clip])
})
afterAll(() => rmSync(folder, { recursive: true }))

// No model of this user's own.
const env = { ...process.env, HOME: folder, XDG_DATA_HOME: join(folder, 'data') }
const node = (...words: string[]) => spawnSync(process.execPath, words, { cwd: root, env, encoding: 'utf8' })
/** Hashes of the frames as they decode. */
const frames = (path: string): string =>
  execFileSync('ffmpeg', ['-v', 'error', '-i', path, '-f', 'framemd5', '-'], { encoding: 'utf8' })

describe('the library', () => {
  it('mattes a clip as the command does', () => {
    const [own, command] = [join(folder, 'own.mkv'), join(folder, 'command.mkv')]
    const { stdout, stderr } = node('examples/matte-clip.mjs', clip, own)
    expect(stderr).toBe('')
    expect(stdout).toMatch(
      /mattebox-default\.safetensors on \w+\n.*4 of 4 frames\n.*own\.mkv: 4 frames, [\d.]+ a second\n$/s,
    )
    expect(node('dist/cli/main.js', 'matte', clip, command, '--background', '#00b040').status).toBe(0)
    expect(frames(own)).toBe(frames(command))
  })

  it('says what is wrong, and how to mend it', () => {
    const { stderr, status } = node('examples/matte-clip.mjs', join(folder, 'none.mp4'), join(folder, 'out.mkv'))
    expect(status).toBe(1)
    expect(stderr).toMatch(/^.*none\.mp4.*\n.+\n$/)
  })

  it.each([
    ['ratio', '7'],
    ['background', '"blur"'],
    ['quality', '"high"'],
    ['colour', '"red"'],
  ])('refuses an option that cannot be, by its name: %s', (key, value) => {
    const code = `import { matteVideo } from 'mattebox'
      await matteVideo('a.mp4', 'b.webm', { ${key}: ${value} }).catch(({ code, message }) => console.log(code, message))`
    expect(node('--input-type=module', '--eval', code).stdout).toBe(`USAGE ${key} cannot be ${value}.\n`)
  })

  it('mattes frames that a program has in its memory', () => {
    const { stdout, stderr } = node('examples/matte-frames.mjs')
    expect(stderr).toBe('')
    expect(stdout.match(/^frame \d: 57600 pixels, mean alpha [01]\.\d{3}$/gm)).toHaveLength(3)
  })

  it('has types', () => {
    // Inside the package, which may import itself by its name.
    const inside = join(root, '.cache', 'library-types')
    mkdirSync(inside, { recursive: true })
    const program = join(inside, 'program.ts')
    writeFileSync(
      program,
      `import { lowResolution, matteVideo, MatteboxError, MattingSession, openModel } from 'mattebox'
       const model = await openModel('default', { provider: 'cpu' })
       const session = new MattingSession({ ...model, refiner: 'deep', planes: 8, cutDetection: true })
       const { width, height } = lowResolution(1920, 1080, 0)
       const { planes, reset } = await session.step({ data: new Uint8Array(width * height * 4), width, height })
       const all: [Float32Array, string | undefined] = [planes, reset]
       const { frames } = await matteVideo('in.mp4', 'out.mov', { model, background: { kind: 'blur' }, from: 1 })
       const made: number = frames
       // @ts-expect-error there is no such option
       await matteVideo('in.mp4', 'out.mov', { colour: 'red' })
       console.log(all, made, MatteboxError)\n`,
    )
    const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
    const options = [
      '--module',
      'NodeNext',
      '--target',
      'ES2023',
      '--lib',
      'ES2023,ESNext.Disposable',
      '--types',
      'node',
    ]
    const { stdout } = node(tsc, '--noEmit', '--ignoreConfig', '--strict', '--skipLibCheck', ...options, program)
    expect(stdout).toBe('')
  })
})
