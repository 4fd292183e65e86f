import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { MatteboxError } from '../../../src/errors/index.ts'
import { checkProviders, chooseProvider, type ChoiceOptions } from '../../../src/sidecar/inference/provider-choice.ts'
import { thisMachine, type Machine } from '../../../src/sidecar/inference/provider-precheck.ts'
import { compiled } from './compiled.ts'
import { smallNetwork } from './provider-network.ts'
import { swiftShader, withoutSwiftShader } from './provider-swiftshader.ts'

let child: ReturnType<typeof compiled>
let childPath: string
const scratch = mkdtempSync(join(tmpdir(), 'mattebox-choice-'))

beforeAll(() => {
  child = compiled('sidecar/inference/provider-probe-child.ts')
  childPath = child.path
})
afterAll(() => {
  child.remove()
  rmSync(scratch, { recursive: true })
})
afterEach(() => vi.unstubAllEnvs())

const nothingToRun = () => {
  throw new Error('nothing was to be run')
}

/** Facts of a machine with Linux on x64, without a GPU unless they are given. */
function machine(facts: Partial<Machine> = {}): Machine {
  const hardware = { nvidia: false, devices: [], forbidden: [] }
  return { ...thisMachine(), platform: 'linux-x64', hardware, env: {}, ...facts }
}

const radeon = { nvidia: false, devices: ['/dev/dri/renderD128'], forbidden: [] }
const geforce = { nvidia: true, devices: ['/dev/nvidia0'], forbidden: [] }

/** A child that answers for each provider: a time, and one output. */
function answering(name: string, answers: Record<string, { ms: number; y: number[] }>): ChoiceOptions {
  const path = join(scratch, `${name}.mjs`)
  writeFileSync(
    path,
    `process.on('message', ({ provider }) => {
       const { ms, y } = ${JSON.stringify(answers)}[provider]
       process.send({ kind: 'created', device: 'a ' + provider, software: [] })
       process.send({ kind: 'ran' })
       const data = Float32Array.from(y, (value) => value ?? NaN)
       process.send({ kind: 'done', ms, outputs: { y: { type: 'float32', dims: [data.length], data } } })
     })`,
  )
  return { childPath: path, machine: machine({ hardware: radeon }) }
}

describe('the provider is chosen', () => {
  it('without a trial where the CPU was asked for', async () => {
    expect(await chooseProvider('cpu', nothingToRun)).toEqual({ provider: 'cpu', passedOver: [] })
  })

  it('without a trial where there is no GPU at all: start-up stays fast', async () => {
    const start = performance.now()
    const choice = await chooseProvider('auto', nothingToRun, { machine: machine() })
    expect(performance.now() - start).toBeLessThan(100)
    expect(choice).toMatchObject({
      provider: 'cpu',
      passedOver: [
        { provider: 'cuda', reason: { code: 'PROVIDER_NO_DEVICE', message: 'No NVIDIA GPU was found.' } },
        { provider: 'webgpu', reason: { code: 'PROVIDER_NO_DEVICE' } },
      ],
    })
  })

  it('as WebGPU, where it works and is faster than the CPU', async () => {
    const options = answering('fast', { webgpu: { ms: 4, y: [1, 2] }, cpu: { ms: 90, y: [1, 2.01] } })
    const choice = await chooseProvider('auto', () => smallNetwork(), options)
    expect(choice).toMatchObject({ provider: 'webgpu', ms: 4, device: 'a webgpu' })
    expect(choice.passedOver.map(({ provider }) => provider)).toEqual(['cuda'])
  })

  it('as the CPU, where WebGPU is slower; but not if WebGPU was asked for', async () => {
    const options = answering('slow', { webgpu: { ms: 91, y: [1] }, cpu: { ms: 90, y: [1] } })
    const choice = await chooseProvider('auto', () => smallNetwork(), options)
    expect(choice.provider).toBe('cpu')
    expect(choice.passedOver[1]).toMatchObject({
      provider: 'webgpu',
      reason: { code: 'PROVIDER_SLOW', message: 'WebGPU took 91.0 ms for a run, the CPU 90.0 ms.' },
    })
    expect(await chooseProvider('webgpu', () => smallNetwork(), options)).toMatchObject({ provider: 'webgpu', ms: 91 })
  })

  it.each([
    ['other values', [1, 3, -7]],
    ['no numbers', [1, NaN, 4]],
    ['too little', [1, 2]],
  ])('as the CPU, where WebGPU computes %s', async (what, y) => {
    const options = answering(`wrong ${what}`, { webgpu: { ms: 1, y }, cpu: { ms: 90, y: [1, 2, 4] } })
    const choice = await chooseProvider('auto', () => smallNetwork(), options)
    expect(choice.provider).toBe('cpu')
    expect(choice.passedOver[1].reason.message).toContain('WebGPU computes wrong values')
  })

  it('never in silence where one was asked for by name and does not work', async () => {
    const asked = chooseProvider('cuda', nothingToRun, { machine: machine() })
    await expect(asked).rejects.toThrow(MatteboxError)
    await expect(asked).rejects.toMatchObject({
      code: 'PROVIDER_UNAVAILABLE',
      message: 'CUDA does not work here. No NVIDIA GPU was found.',
    })
  })

  it.runIf(swiftShader)(`as the CPU, where WebGPU has only software${withoutSwiftShader}`, async () => {
    vi.stubEnv('VK_ICD_FILENAMES', swiftShader)
    const work = smallNetwork()
    const options = { childPath, machine: machine({ env: process.env }) }
    const choice = await chooseProvider('auto', () => work, options)
    expect(choice.provider).toBe('cpu')
    expect(choice.passedOver[1]).toMatchObject({ provider: 'webgpu', reason: { code: 'PROVIDER_SLOW' } })
    expect(choice.passedOver[1].reason.message).toContain('slower than the provider cpu')

    // The claim itself: asked for by name it runs, and is slower.
    const named = await chooseProvider('webgpu', () => work, options)
    const reports = await checkProviders(work, options)
    const cpu = reports.find(({ provider }) => provider === 'cpu')
    expect(named.ms).toBeGreaterThan(cpu?.ok ? cpu.ms : Infinity)
  })
})

describe('what is known without a trial', () => {
  const refusal = async (provider: 'cuda' | 'webgpu', facts: Partial<Machine>) => {
    const error: unknown = await chooseProvider(provider, nothingToRun, { machine: machine(facts) }).catch(
      (thrown: unknown) => thrown,
    )
    return error as MatteboxError
  }

  it('CUDA and WebGPU are not for every platform', async () => {
    expect((await refusal('cuda', { platform: 'win32-x64' })).message).toContain('CUDA is not available on win32-x64.')
    expect((await refusal('webgpu', { platform: 'linux-arm64' })).message).toContain('not available on linux-arm64')
  })

  it('the CUDA provider is not installed: its files, their folder and version are named', async () => {
    const { message, mend } = await refusal('cuda', {
      hardware: geforce,
      runtimeFolder: scratch,
      runtimeVersion: '1.30.0',
    })
    expect(message).toContain(`libonnxruntime_providers_cuda.so not found in ${scratch}`)
    expect(mend).toContain('onnxruntime-gpu==1.30.0')
  })

  it('the CUDA provider is of another version, which the runtime would load without complaint', async () => {
    const runtimeFolder = mkdtempSync(join(scratch, 'other-'))
    writeFileSync(join(runtimeFolder, 'libonnxruntime_providers_shared.so'), 'x')
    // The string lies across two pieces of the reading.
    const library = Buffer.alloc(3 << 20, 'x')
    library.write('\0' + '1.29.0' + '\0', (1 << 20) - 3)
    writeFileSync(join(runtimeFolder, 'libonnxruntime_providers_cuda.so'), library)
    const { message } = await refusal('cuda', { hardware: geforce, runtimeFolder, runtimeVersion: '1.30.0' })
    expect(message).toContain(`The CUDA provider in ${runtimeFolder} is of onnxruntime 1.29.0; the runtime is 1.30.0.`)
  })

  it('a CUDA provider of the right version is tried', async () => {
    const runtimeFolder = mkdtempSync(join(scratch, 'same-'))
    writeFileSync(join(runtimeFolder, 'libonnxruntime_providers_shared.so'), 'x')
    writeFileSync(join(runtimeFolder, 'libonnxruntime_providers_cuda.so'), 'x\0' + '1.30.0' + '\0x')
    const facts = machine({ hardware: geforce, runtimeFolder, runtimeVersion: '1.30.0' })
    const options = { ...answering('cuda', { cuda: { ms: 1, y: [1] }, cpu: { ms: 90, y: [1] } }), machine: facts }
    expect(await chooseProvider('auto', () => smallNetwork(), options)).toMatchObject({ provider: 'cuda', ms: 1 })
  })

  it('the GPU may not be opened by this user', async () => {
    const { message, mend } = await refusal('webgpu', { hardware: { ...radeon, forbidden: radeon.devices } })
    expect(message).toContain('This user may not open /dev/dri/renderD128.')
    expect(mend).toContain('`render`')
  })
})

describe('all providers are checked', () => {
  it('in the order of auto, each with a time or a reason', async () => {
    vi.stubEnv('VK_ICD_FILENAMES', '/nonexistent.json')
    vi.stubEnv('VK_DRIVER_FILES', '/nonexistent.json')
    const reports = await checkProviders(smallNetwork(), { childPath, machine: machine({ env: process.env }) })
    expect(reports.map(({ provider, ok }) => ({ provider, ok }))).toEqual([
      { provider: 'cuda', ok: false },
      { provider: 'webgpu', ok: false },
      { provider: 'cpu', ok: true },
    ])
  })

  it('and a machine without a GPU is told so, not to look after its drivers', async () => {
    const reports = await checkProviders(smallNetwork(), { childPath, machine: machine() })
    expect(reports[1]).toMatchObject({ reason: { message: expect.stringMatching(/^No GPU was found/) as string } })
  })
})
