import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Tensor } from 'onnxruntime-common'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { cudaFolder } from '../../../src/settings/cuda-folder.ts'
import { largestDifference } from '../../../src/sidecar/inference/provider-choice.ts'
import { probeProvider, type ProbeOptions, type ProbeResult } from '../../../src/sidecar/inference/provider-probe.ts'
import type { ProviderReason } from '../../../src/sidecar/inference/provider-reason.ts'
import { createSession } from '../../../src/sidecar/inference/runtime.ts'
import { compiled } from './compiled.ts'
import { smallNetwork } from './provider-network.ts'
import { swiftShader, withoutSwiftShader } from './provider-swiftshader.ts'

let child: ReturnType<typeof compiled>
let options: ProbeOptions
const scratch = mkdtempSync(join(tmpdir(), 'mattebox-probe-'))

beforeAll(() => {
  child = compiled('sidecar/inference/provider-probe-child.ts')
  options = { childPath: child.path, threads: 1 }
})
afterAll(() => {
  child.remove()
  rmSync(scratch, { recursive: true })
})
afterEach(() => vi.unstubAllEnvs())

const isLinux = process.platform === 'linux' && process.arch === 'x64'

/** A program that stands in for the child, to do what drivers do. */
function misbehavingChild(name: string, program: string): ProbeOptions {
  const childPath = join(scratch, `${name}.mjs`)
  writeFileSync(childPath, program)
  return { childPath }
}

function outputs(result: ProbeResult) {
  if (!result.ok) throw new Error(result.reason.message)
  return result.outputs
}

function reason(result: ProbeResult): ProviderReason {
  if (result.ok) throw new Error('it works')
  return result.reason
}

describe('trial run of a provider', () => {
  it('answers what the network computes, and how long a run takes', async () => {
    const work = smallNetwork()
    const result = await probeProvider('cpu', work, options)

    const { type, dims, data } = work.inputs['x']
    const session = await createSession(work.model, { provider: 'cpu', threads: 1 })
    const here = await session.run({ x: new Tensor(type, data, dims) })
    expect(outputs(result)['y'].dims).toEqual([1, 16, 16, 16])
    expect(outputs(result)['y'].data).toEqual(here['y'].data)
    expect(result).toMatchObject({ provider: 'cpu', ok: true, ms: expect.any(Number) as number })
  })

  it.runIf(isLinux)('gives the child the libraries of CUDA that were installed', async () => {
    vi.stubEnv('XDG_DATA_HOME', scratch)
    const folder = cudaFolder()
    mkdirSync(folder, { recursive: true })
    const program = `process.send({ kind: 'failed', message: [process.env.MATTEBOX_RUNTIME, process.env.LD_LIBRARY_PATH].join(' ') })`
    const result = await probeProvider('cpu', smallNetwork(), misbehavingChild('environment', program))
    expect(reason(result).message).toContain(folder)
    expect(reason(result).message).toContain(join(folder, 'lib'))
    rmSync(folder, { recursive: true })
  })

  it('tells a file that is no network', async () => {
    const result = await probeProvider('cpu', { model: Uint8Array.of(1, 2, 3), inputs: {} }, options)
    expect(reason(result)).toMatchObject({ code: 'PROVIDER_FAILED' })
    expect(reason(result).message).toMatch(/^CPU failed: .*protobuf/)
  })

  it.runIf(isLinux)('finds out why CUDA’s library does not load, which stands on standard error only', async () => {
    const result = await probeProvider('cuda', smallNetwork(), options)
    // Where CUDA works, there is nothing to find out.
    if (result.ok) return
    expect(result.reason.code).toMatch(/^PROVIDER_(NOT_INSTALLED|DRIVER|NO_DEVICE)$/)
    expect(result.reason.message).not.toContain('Failed to load shared library')
  })

  it.runIf(isLinux)('says that WebGPU finds no GPU, where Vulkan has no driver', async () => {
    vi.stubEnv('VK_ICD_FILENAMES', '/nonexistent.json')
    vi.stubEnv('VK_DRIVER_FILES', '/nonexistent.json')
    const result = await probeProvider('webgpu', smallNetwork(), options)
    expect(reason(result)).toMatchObject({
      code: 'PROVIDER_NO_DEVICE',
      message: 'WebGPU finds no GPU with a Vulkan driver.',
    })
    expect(reason(result).mend).toContain('mesa-vulkan-drivers')
  })

  it.runIf(swiftShader)(`computes through WebGPU what the CPU computes, within 1e-5${withoutSwiftShader}`, async () => {
    vi.stubEnv('VK_ICD_FILENAMES', swiftShader)
    const work = smallNetwork()
    const webgpu = await probeProvider('webgpu', work, options)
    const cpu = await probeProvider('cpu', work, options)
    expect(largestDifference(outputs(webgpu), outputs(cpu))).toBeLessThan(1e-5)
    expect(webgpu).toMatchObject({ device: 'SwiftShader' })
  })

  it.runIf(swiftShader)(`stops before the first run where only hardware is wanted${withoutSwiftShader}`, async () => {
    vi.stubEnv('VK_ICD_FILENAMES', swiftShader)
    const result = await probeProvider('webgpu', smallNetwork(), { ...options, hardwareOnly: true })
    expect(reason(result).code).toBe('PROVIDER_SLOW')
    expect(reason(result).message).toContain('SwiftShader')
  })
})

describe('a driver that misbehaves', () => {
  it.each(['SIGABRT', 'SIGSEGV'])('crashes its child only (%s), and its last words are kept', async (signal) => {
    const child = misbehavingChild(
      signal,
      `process.on('message', () => {
         process.stderr.write('noise\\n\\u001b[1;31mdriver: assertion failed\\u001b[m\\n')
         process.kill(process.pid, '${signal}')
       })`,
    )
    const terminal = vi.spyOn(process.stderr, 'write')
    const found = reason(await probeProvider('webgpu', smallNetwork(), child))
    expect(found.code).toBe('PROVIDER_FAILED')
    expect(found.message).toBe(`A trial run of WebGPU crashed (${signal}). Its last words: driver: assertion failed`)
    expect(terminal).not.toHaveBeenCalled()
    terminal.mockRestore()
  })

  it('may end its child without a word', async () => {
    const child = misbehavingChild('leaves', `process.exit(3)`)
    const found = reason(await probeProvider('cuda', smallNetwork(), child))
    expect(found.message).toBe('A trial run of CUDA crashed (exit code 3).')
  })

  it('that hangs when a session is created is ended in time', async () => {
    const pidFile = join(scratch, 'pid')
    const child = misbehavingChild(
      'hangs-in-create',
      `import { writeFileSync } from 'node:fs'
       writeFileSync(${JSON.stringify(pidFile)}, String(process.pid))
       process.on('message', () => { for (;;); })`,
    )
    const start = performance.now()
    const found = reason(await probeProvider('webgpu', smallNetwork(), { ...child, createTimeoutMs: 3_000 }))
    expect(performance.now() - start).toBeLessThan(5_000)
    expect(found.message).toBe('A trial run of WebGPU hung: creating the session took over 3 s and was stopped.')
    expect(() => process.kill(Number(readFileSync(pidFile, 'utf8')), 0)).toThrow('ESRCH')
  })

  it('that hangs in a later run is ended after the shorter limit', async () => {
    const child = misbehavingChild(
      'hangs-in-run',
      `process.on('message', () => {
         process.send({ kind: 'created', software: [] })
         process.send({ kind: 'ran' }, () => { for (;;); })
       })`,
    )
    const found = reason(await probeProvider('webgpu', smallNetwork(), { ...child, runTimeoutMs: 200 }))
    expect(found.message).toBe('A trial run of WebGPU hung: a run took over 0.2 s and was stopped.')
  })

  it('may write without end', async () => {
    const child = misbehavingChild(
      'floods',
      `process.on('message', () => {
         for (let i = 0; i < 20_000; i++) process.stderr.write('x'.repeat(1023) + '\\n')
         process.exit(1)
       })`,
    )
    const found = reason(await probeProvider('webgpu', smallNetwork(), child))
    expect(found.message.length).toBeLessThan(500)
  })
})
