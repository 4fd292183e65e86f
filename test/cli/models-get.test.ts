import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { toBinary } from '@bufbuild/protobuf'
import { ModelProtoSchema } from 'onnx-buf'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { parseWeights } from '../../src/model/weights/index.ts'
import { breakingOff, FileServer, honest, sha256, type Behaviour } from '../download/file-server.ts'
import { randomWeights } from '../model/random-weights.ts'
import { officialGraph } from '../model/weights/official-graph.ts'
import { halfExact, safetensorsFile } from '../model/weights/weights-for-files.ts'
import { Cli, ended } from './cli.ts'

/*
 * The built program fetches from a server on this machine, which a catalog of the test's names.
 *
 * Red: install without `download`'s check of the hash (a server that lies), remove the part when a signal comes (Ctrl-C),
 * agree to everything in requireConsent, ask no running sidecar, remove without a question.
 */

const weights = halfExact(randomWeights(52))
const onnx = Buffer.from(toBinary(ModelProtoSchema, officialGraph(weights)))
const NAME = 'rvm-mobilenetv3'
const FILE = 'rvm_mobilenetv3_fp32.onnx'

let cli: Cli
beforeEach(() => {
  cli = new Cli()
})
afterEach(() => cli[Symbol.dispose]())

const installed = (): string => cli.path(`data/mattebox/models/${NAME}.safetensors`)
const downloads = (): string => cli.path('data/mattebox/downloads')
const filesIn = (folder: string): string[] => (existsSync(folder) ? readdirSync(folder) : [])

function modelsFolder(file: string): string {
  mkdirSync(cli.path('data/mattebox/models'), { recursive: true })
  return cli.path(`data/mattebox/models/${file}`)
}

/** Environment with a catalog that has the official model at the server. */
function catalogOf(server: FileServer, changes: object = {}): NodeJS.ProcessEnv {
  const model = { name: NAME, precision: 'fp32', licence: 'GPL-3.0', ...server.file(FILE), ...changes }
  const path = cli.path('catalog.json')
  writeFileSync(path, JSON.stringify({ models: [model] }))
  return { MATTEBOX_CATALOG: path }
}

describe('mattebox models get', () => {
  it('shows size and licence, fetches, checks and installs: the model is there for everything that wants one', async () => {
    using server = await FileServer.serving(onnx, honest())
    const env = catalogOf(server)
    const { code, stdout, stderr } = await cli.run(['models', 'get', NAME, '--yes'], env)
    expect(stderr).toContain(`${NAME}: ${(onnx.length / 1e6).toFixed(1)} MB, licence GPL-3.0`)
    expect(stderr).toContain(server.file(FILE).address)
    expect(stdout).toContain(`Installed ${NAME} as ${installed()}`)
    expect(stdout).toContain('It is the default model.')
    expect(code).toBe(0)
    const { info } = parseWeights(readFileSync(installed()), installed())
    expect(info).toMatchObject({
      format: 'mattebox',
      precision: 'fp32',
      licence: 'GPL-3.0',
      source: server.file(FILE).address,
      sourceSha256: sha256(onnx),
    })
    expect(filesIn(downloads())).toEqual([])

    const again = await cli.run(['models', 'get', NAME], env)
    expect(again).toMatchObject({ code: 0, stdout: expect.stringContaining('is installed already') as string })
    expect(server.asked).toHaveLength(1)

    const { stdout: list } = await cli.run(['models', 'list', '--json'], env)
    expect(JSON.parse(list)).toMatchObject({
      models: [{ name: NAME, default: true, inUse: false, licence: 'GPL-3.0' }],
      available: [],
    })
  })

  it('asks first: nobody is asked where there is no terminal, and nothing is fetched then', async () => {
    using server = await FileServer.serving(onnx, honest())
    const { code, stderr, stdout } = await cli.run(['models', 'get', NAME, '--json'], catalogOf(server))
    expect(code).toBe(2)
    expect(stderr).toContain('Add --yes if you agree.')
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'USAGE' } })
    expect(server.asked).toEqual([])
  })

  it('keeps what came on Ctrl-C, and goes on from there', async () => {
    using server = await FileServer.serving(onnx, breakingOff(5_000_000, 'stalls'), honest())
    const env = catalogOf(server)
    const child = cli.start(['models', 'get', NAME, '--yes'], env)
    const end = ended(child)
    await expect.poll(() => arrived(), { timeout: 20_000 }).toBeGreaterThan(4_000_000)
    child.kill('SIGINT')
    expect(await end).toMatchObject({ code: 130, stderr: expect.stringContaining('goes on from there') as string })
    const kept = arrived()
    expect(kept).toBeGreaterThan(4_000_000)
    expect(filesIn(cli.path('data/mattebox/models'))).toEqual([])

    const { code } = await cli.run(['models', 'get', NAME, '--yes', '--json'], env)
    expect(code).toBe(0)
    expect(server.asked.at(-1)?.range).toBe(`bytes=${kept}-`)
    expect(filesIn(downloads())).toEqual([])
  })

  it('goes on after a kill', async () => {
    using server = await FileServer.serving(onnx, breakingOff(5_000_000, 'stalls'), honest())
    const env = catalogOf(server)
    const child = cli.start(['models', 'get', NAME, '--yes'], env)
    const end = ended(child)
    await expect.poll(() => arrived(), { timeout: 20_000 }).toBeGreaterThan(4_000_000)
    child.kill('SIGKILL')
    await end
    expect((await cli.run(['models', 'get', NAME, '--yes'], env)).code).toBe(0)
    expect(Number(/\d+/.exec(server.asked.at(-1)?.range ?? '')?.[0])).toBeGreaterThan(4_000_000)
  })

  it.each<[string, Behaviour, object, string]>([
    ['lies about the hash', honest(), { sha256: '0'.repeat(64) }, 'its sha256 is'],
    [
      'has something else',
      (_request, response) => void response.end('<html>'),
      {},
      `it has 6 bytes, not ${onnx.length}`,
    ],
  ])('installs nothing from a server that %s', async (_what, behaviour, changes, message) => {
    using server = await FileServer.serving(onnx, behaviour)
    const { code, stderr } = await cli.run(['models', 'get', NAME, '--yes'], catalogOf(server, changes))
    expect(code).toBe(1)
    expect(stderr).toContain(message)
    expect(stderr).toContain('Or place the file by hand')
    expect(stderr).not.toContain('    at ')
    expect(filesIn(cli.path('data/mattebox/models'))).toEqual([])
  })

  it('without a network takes the file that was placed by hand', async () => {
    const server = await FileServer.serving(onnx, honest())
    const env = catalogOf(server)
    server[Symbol.dispose]()
    const { code, stderr } = await cli.run(['models', 'get', NAME, '--yes'], env)
    expect(code).toBe(1)
    expect(stderr).toContain(`put it into ${downloads()} as ${FILE}`)
    expect(stderr).toContain(`sha256 ${sha256(onnx)}`)
    mkdirSync(downloads(), { recursive: true })
    writeFileSync(join(downloads(), FILE), onnx)
    expect(await cli.run(['models', 'get', NAME, '--yes'], env)).toMatchObject({ code: 0 })
    expect(existsSync(installed())).toBe(true)
  })

  it('says of a file that is right and no model what is wrong with it', async () => {
    using server = await FileServer.serving(Buffer.from('no model'), honest())
    const { code, stderr } = await cli.run(['models', 'get', NAME, '--yes'], catalogOf(server))
    expect(code).toBe(1)
    expect(stderr).toContain(NAME)
    expect(existsSync(installed())).toBe(false)
  })

  it('replaces another model of that name only with --force', async () => {
    using server = await FileServer.serving(onnx, honest())
    const env = catalogOf(server)
    writeFileSync(modelsFolder(`${NAME}.safetensors`), safetensorsFile(weights))
    expect(await cli.run(['models', 'get', NAME, '--yes'], env)).toMatchObject({ code: 2 })
    expect(server.asked).toEqual([])
    expect(await cli.run(['models', 'get', NAME, '--yes', '--force'], env)).toMatchObject({ code: 0 })
    expect(parseWeights(readFileSync(installed()), '').info.sourceSha256).toBe(sha256(onnx))
  })

  it('knows what there is to fetch', async () => {
    using server = await FileServer.serving(onnx, honest())
    const env = catalogOf(server)
    const unknown = await cli.run(['models', 'get', 'nothing', '--yes'], env)
    expect(unknown).toMatchObject({ code: 2, stderr: expect.stringContaining(`There are: ${NAME}.`) as string })
    const { stdout } = await cli.run(['models', 'list'], env)
    expect(stdout).toMatch(
      /To be fetched:\nrvm-mobilenetv3\n {2}fp32, .* MB, licence GPL-3\.0: `\S.* models get rvm-mobilenetv3`/,
    )
    writeFileSync(env['MATTEBOX_CATALOG']!, '{')
    expect(await cli.run(['models', 'list'], env)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('is not JSON') as string,
    })
  })
})

describe('mattebox models remove', () => {
  it('deletes what can be fetched again at once, and says how', async () => {
    using server = await FileServer.serving(onnx, honest())
    const env = catalogOf(server)
    await cli.run(['models', 'get', NAME, '--yes'], env)
    const { code, stdout } = await cli.run(['models', 'remove', NAME], env)
    expect(code).toBe(0)
    expect(stdout).toMatch(/^Removed rvm-mobilenetv3\. `.* models get rvm-mobilenetv3` brings it back\.\n$/)
    expect(existsSync(installed())).toBe(false)
  })

  it('deletes what nothing brings back only after a yes', async () => {
    const path = modelsFolder('mine.safetensors')
    writeFileSync(path, safetensorsFile(weights))
    const { code, stderr } = await cli.run(['models', 'remove', 'mine'])
    expect(code).toBe(2)
    expect(stderr).toContain('Nothing was removed.')
    expect(existsSync(path)).toBe(true)
    expect(await cli.run(['models', 'remove', 'mine', '--yes'])).toMatchObject({ code: 0 })
    expect(existsSync(path)).toBe(false)
    expect(await cli.run(['models', 'remove', 'mine', '--yes'])).toMatchObject({ code: 2 })
  })

  it('refuses what `mattebox start` uses, which `models list` shows', async () => {
    writeFileSync(modelsFolder('mine.safetensors'), safetensorsFile(weights))
    const env = { XDG_CONFIG_HOME: cli.path('config') }
    const sidecar = cli.start(['start', '--port', String(20_000 + (process.pid % 12_000)), '--provider', 'cpu'], env)
    const end = ended(sidecar)
    try {
      const inUse = async (): Promise<unknown> => {
        const { stdout } = await cli.run(['models', 'list', '--json'], env)
        return (JSON.parse(stdout) as { models: { inUse: boolean }[] }).models.map((model) => model.inUse)
      }
      await expect.poll(inUse, { timeout: 30_000, interval: 500 }).toEqual([true])
      const { code, stdout } = await cli.run(['models', 'remove', 'mine', '--yes', '--json'], env)
      expect(code).toBe(1)
      expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'MODEL_IN_USE' } })
    } finally {
      sidecar.kill('SIGINT')
      await end
    }
    expect(await cli.run(['models', 'remove', 'mine', '--yes'], env)).toMatchObject({ code: 0 })
  })

  it('leaves alone what came with mattebox', async () => {
    mkdirSync(cli.path('shipped'))
    writeFileSync(cli.path('shipped/mattebox-default.safetensors'), safetensorsFile(weights))
    const { code, stderr } = await cli.run(['models', 'remove', 'mattebox-default', '--yes'])
    expect(code).toBe(1)
    expect(stderr).toContain('came with mattebox')
  })
})

function arrived(): number {
  const parts = filesIn(downloads()).filter((file) => file.endsWith('.part'))
  return parts.length === 1 ? readFileSync(join(downloads(), parts[0])).length : 0
}
