import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ProviderReport } from '../../src/sidecar/inference/provider-choice.ts'
import { runtimeVersion } from '../../src/settings/cuda-folder.ts'
import { breakingOff, FileServer, honest, type Behaviour } from '../download/file-server.ts'
import { wheel } from '../providers/wheel.ts'
import { Cli, ended } from './cli.ts'

/*
 * The built program installs made-up libraries from servers on this machine, which a catalog of the test's names. That the
 * real ones load, as far as the first call of a device, stands in docs/decisions.md.
 *
 * Red: agree to everything in requireConsent; keep the archives; spare nothing; take the libraries of any runtime.
 */

const provider = Buffer.alloc(3_000_000, 'provider')
const shared = Buffer.from('shared')
const cudart = Buffer.from('made up libcudart')
const runtimeWheel = wheel({
  'onnxruntime/capi/libonnxruntime_providers_cuda.so': provider,
  'onnxruntime/capi/libonnxruntime_providers_shared.so': shared,
  'onnxruntime/LICENSE': Buffer.from('MIT'),
  // Does not pack well, so that there is something to fetch.
  'onnxruntime/capi/rest.so': Buffer.from(
    Uint8Array.from({ length: 2_000_000 }, (_, i) => Math.imul(i, i * 7919) >>> 11),
  ),
})
const cudartWheel = wheel({ 'nvidia/cu13/lib/libcudart.so.13': cudart })

let cli: Cli
let cudartServer: FileServer
beforeEach(async () => {
  cli = new Cli()
  cudartServer = await FileServer.serving(cudartWheel, honest())
})
afterEach(() => {
  cudartServer[Symbol.dispose]()
  cli[Symbol.dispose]()
})

const folder = (): string => cli.path(`data/mattebox/providers/cuda-${runtimeVersion()}`)
const libraries = (): string => join(folder(), 'node_modules', 'onnxruntime-node', 'bin', 'napi-v6', 'linux', 'x64')
const filesIn = (path: string): string[] => (existsSync(path) ? readdirSync(path).sort() : [])

function catalogOf(server: FileServer, changes: object = {}, runtime = runtimeVersion()): NodeJS.ProcessEnv {
  const path = cli.path('catalog.json')
  const at = (from: string, to: string, { length: bytes }: Buffer) => ({ from, to, bytes })
  const files = [
    {
      ...server.file('onnxruntime_gpu-1-cp312.whl'),
      licence: 'MIT',
      licenceAddress: 'https://example.org/mit',
      members: [
        at('onnxruntime/capi/libonnxruntime_providers_cuda.so', 'runtime/libonnxruntime_providers_cuda.so', provider),
        at('onnxruntime/capi/libonnxruntime_providers_shared.so', 'runtime/libonnxruntime_providers_shared.so', shared),
        at('onnxruntime/LICENSE', 'licences/onnxruntime.txt', Buffer.from('MIT')),
      ],
      ...changes,
    },
    {
      ...cudartServer.file('nvidia_cuda_runtime-13-py3.whl'),
      licence: 'NVIDIA CUDA Toolkit EULA',
      licenceAddress: 'https://docs.nvidia.com/cuda/eula/',
      members: [at('nvidia/cu13/lib/libcudart.so.13', 'lib/libcudart.so.13', cudart)],
    },
  ]
  writeFileSync(path, JSON.stringify({ models: [], providers: [{ name: 'cuda', runtime, files }] }))
  return { MATTEBOX_CATALOG: path }
}
const install = (env: NodeJS.ProcessEnv, ...options: string[]) =>
  cli.run(['providers', 'install', 'cuda', ...options], env)

describe.runIf(process.platform === 'linux' && process.arch === 'x64')('mattebox providers', () => {
  it('installs CUDA’s libraries beside a copy of the runtime, lists and removes them', async () => {
    using server = await FileServer.serving(runtimeWheel, honest())
    const env = catalogOf(server)
    const { code, stderr } = await install(env, '--yes', '--all')
    expect(code).toBe(0)
    expect(stderr).toContain('NVIDIA CUDA Toolkit EULA: https://docs.nvidia.com/cuda/eula/')
    expect(stderr).toMatch(/In all \d+\.\d MB to fetch; 53\.0 MB on the disk afterwards\./)
    expect(filesIn(folder())).toEqual(['README', 'lib', 'licences', 'node_modules'])
    expect(readFileSync(join(folder(), 'lib', 'libcudart.so.13')).equals(cudart)).toBe(true)
    expect(readFileSync(join(libraries(), 'libonnxruntime_providers_cuda.so')).equals(provider)).toBe(true)
    expect(filesIn(libraries())).toEqual([
      'libonnxruntime.so.1',
      'libonnxruntime_providers_cuda.so',
      'libonnxruntime_providers_shared.so',
      'onnxruntime_binding.node',
    ])
    expect(statSync(folder()).mode & 0o777).toBe(0o700)
    expect(filesIn(cli.path('data/mattebox/downloads'))).toEqual([])

    const { stdout } = await cli.run(['providers', 'list', '--json'], env)
    const { providers, installed } = JSON.parse(stdout) as { providers: ProviderReport[]; installed: unknown[] }
    expect(installed).toMatchObject([{ path: folder(), version: runtimeVersion(), serves: true }])
    // The copy of the runtime computes; the made-up libraries do not.
    expect(providers).toMatchObject([
      { provider: 'cuda', ok: false },
      { provider: 'webgpu' },
      { provider: 'cpu', ok: true },
    ])

    expect(await cli.run(['providers', 'remove', 'cuda'], env)).toMatchObject({ code: 0 })
    expect(filesIn(cli.path('data/mattebox/providers'))).toEqual([])
    expect(await cli.run(['providers', 'remove', 'cuda'], env)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('has installed no libraries of CUDA') as string,
    })
  })

  it('asks first, and fetches nothing where nobody can be asked', async () => {
    using server = await FileServer.serving(runtimeWheel, honest())
    const { code, stderr } = await install(catalogOf(server))
    expect(code).toBe(2)
    expect(stderr).toContain('By fetching them you accept these licences:')
    expect(stderr).toContain('Add --yes if you agree.')
    expect([...server.asked, ...cudartServer.asked]).toEqual([])
  })

  it('spares what the system has', async () => {
    using server = await FileServer.serving(runtimeWheel, honest())
    mkdirSync(cli.path('cuda'))
    writeFileSync(cli.path('cuda/libcudart.so.13'), '')
    const { stderr } = await install({ ...catalogOf(server), LD_LIBRARY_PATH: cli.path('cuda') })
    expect(stderr).toContain('the system has what is in nvidia_cuda_runtime 13')
    expect(stderr).not.toContain('NVIDIA CUDA Toolkit EULA')
  })

  it('goes on where Ctrl-C stopped it', async () => {
    using server = await FileServer.serving(runtimeWheel, breakingOff(1_000_000, 'stalls'), honest())
    const env = catalogOf(server)
    const child = cli.start(['providers', 'install', 'cuda', '--yes', '--all'], env)
    const end = ended(child)
    const arrived = (): number => {
      const parts = filesIn(cli.path('data/mattebox/downloads')).filter((file) => file.endsWith('.part'))
      return parts.length === 1 ? statSync(cli.path(`data/mattebox/downloads/${parts[0]}`)).size : 0
    }
    await expect.poll(arrived, { timeout: 20_000 }).toBeGreaterThan(500_000)
    child.kill('SIGINT')
    expect((await end).code).toBe(130)
    expect(filesIn(cli.path('data/mattebox/providers'))).toEqual([])
    const kept = arrived()
    expect(await install(env, '--yes', '--all')).toMatchObject({ code: 0 })
    expect(server.asked.at(-1)?.range).toBe(`bytes=${kept}-`)
  })

  it.each<[string, Behaviour, object, string]>([
    ['another file', honest(), { sha256: '0'.repeat(64) }, 'its sha256 is'],
    [
      'an archive without what is wanted',
      honest(),
      { members: [{ from: 'missing.so', to: 'runtime/missing.so', bytes: 3 }] },
      'missing.so is not in it as the catalog says',
    ],
  ])('installs nothing from a server that has %s', async (_what, behaviour, changes, message) => {
    using server = await FileServer.serving(runtimeWheel, behaviour)
    const { code, stderr } = await install(catalogOf(server, changes), '--yes', '--all')
    expect(code).toBe(1)
    expect(stderr).toContain(message)
    expect(stderr).not.toContain('    at ')
    expect(filesIn(cli.path('data/mattebox/providers'))).toEqual([])
  })

  it('has libraries for its own runtime only, and says so', async () => {
    using server = await FileServer.serving(runtimeWheel, honest())
    const { code, stderr } = await install(catalogOf(server, {}, '1.2.3'), '--yes')
    expect(code).toBe(1)
    expect(stderr).toContain(`no CUDA libraries for onnxruntime ${runtimeVersion()} (it has: 1.2.3)`)
    expect(server.asked).toEqual([])
  })
})
