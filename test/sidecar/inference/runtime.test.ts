import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Tensor } from 'onnxruntime-common'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { MatteboxError } from '../../../src/errors/index.ts'
import { Graph } from '../../../src/model/onnx/graph.ts'
import type { ProviderName } from '../../../src/settings/index.ts'
import { createSession, sessionOptions } from '../../../src/sidecar/inference/runtime.ts'
import { compiled } from './compiled.ts'
import { smallNetwork } from './provider-network.ts'
import { swiftShader, withoutSwiftShader } from './provider-swiftshader.ts'

let runtime: ReturnType<typeof compiled>
beforeAll(() => {
  runtime = compiled('sidecar/inference/runtime.ts')
})
afterAll(() => runtime.remove())

/** Runs a program beside the compiled runtime, in a process of its own. */
function program(text: string, env: NodeJS.ProcessEnv = {}) {
  const file = join(dirname(runtime.path), 'program.mjs')
  writeFileSync(file, text)
  return spawnSync(process.execPath, [file], { encoding: 'utf8', env: { ...process.env, ...env } })
}

const feed = (work: ReturnType<typeof smallNetwork>) => {
  const { type, data, dims } = work.inputs['x']
  return { x: new Tensor(type, data, dims) }
}

describe('a session of onnxruntime', () => {
  it('runs a network on the CPU', async () => {
    const work = smallNetwork()
    const session = await createSession(work.model, { provider: 'cpu' })
    const { y } = await session.run(feed(work))
    expect(y.dims).toEqual([1, 16, 16, 16])
    await session.release()
  })

  it.runIf(process.platform === 'linux')('has as many threads as it is given', () => {
    const threads = (n: number): number => {
      const text = `
        import { readdirSync } from 'node:fs'
        import { createSession } from './runtime.js'
        const before = readdirSync('/proc/self/task').length
        const model = Buffer.from('${Buffer.from(smallNetwork().model).toString('base64')}', 'base64')
        await createSession(model, { provider: 'cpu', threads: ${n} })
        console.log(readdirSync('/proc/self/task').length - before)`
      return Number(program(text).stdout)
    }
    // The thread that calls is one of them.
    expect(threads(4) - threads(1)).toBe(3)
  })

  it('sleeps between frames: spinning threads would take a core from OBS', async () => {
    const work = smallNetwork(6, 64)
    const busy = async (spinning: boolean): Promise<number> => {
      const session = await createSession(work.model, { provider: 'cpu', threads: 2, spinning })
      const before = process.cpuUsage()
      for (let frame = 0; frame < 20; frame++) {
        await session.run(feed(work))
        await sleep(25)
      }
      const { user, system } = process.cpuUsage(before)
      await session.release()
      return user + system
    }
    // Measured: 0.07 s asleep, 0.35 s spinning, of 0.6 s.
    expect(await busy(false)).toBeLessThan(0.6 * (await busy(true)))
  })

  it('runs on the GPU that was chosen, where the provider takes one', () => {
    const providers = (provider: ProviderName, device?: number) =>
      sessionOptions({ provider, device }).executionProviders
    expect(providers('cuda', 1)).toEqual([{ name: 'cuda', deviceId: 1 }])
    expect(providers('cuda')).toEqual(['cuda'])
    // WebGPU refuses an option that it does not know.
    expect(providers('webgpu', 1)).toEqual(['webgpu'])
    expect(providers('cpu', 1)).toEqual(['cpu'])
  })

  it('writes nothing on the terminal when a provider does not work, and says why in the error', () => {
    const { stdout, stderr } = program(`
      import { createSession } from './runtime.js'
      const error = await createSession(new Uint8Array(3), { provider: 'cuda' }).catch((e) => e)
      console.log(JSON.stringify(error))`)
    expect(stderr).toBe('')
    expect(JSON.parse(stdout)).toMatchObject({ code: 'PROVIDER_UNAVAILABLE' })
  })

  it('passes a graph that does not load on as it is: that is a fault of ours', async () => {
    const error: unknown = await createSession(new Uint8Array(3), { provider: 'cpu' }).catch((e: unknown) => e)
    expect(error).toBeInstanceOf(Error)
    expect(error).not.toBeInstanceOf(MatteboxError)
  })

  it.runIf(swiftShader)(`keeps recurrent states on the GPU and feeds them back${withoutSwiftShader}`, () => {
    // y = x + h; h' = x + h: after three frames of ones from zero, y is 3.
    const g = new Graph()
    const [x, h] = [g.input('x', 'float32', [1, 4, 8, 8]), g.input('h', 'float32', [1, 4, 8, 8])]
    g.output('y', g.add(x, h))
    g.output('h_next', g.add(h, x))
    const { stdout, stderr } = program(
      `
      import { Tensor } from 'onnxruntime-common'
      import { createSession } from './runtime.js'
      const model = Buffer.from('${Buffer.from(g.serialize('sum')).toString('base64')}', 'base64')
      const session = await createSession(model, { provider: 'webgpu', outputsOnGpu: ['h_next'] })
      const ones = new Tensor('float32', new Float32Array(256).fill(1), [1, 4, 8, 8])
      let h = new Tensor('float32', new Float32Array(256), [1, 4, 8, 8])
      let out
      for (let frame = 0; frame < 3; frame++) {
        out = await session.run({ x: ones, h })
        if (h.location === 'gpu-buffer') h.dispose()
        h = out.h_next
      }
      console.log(JSON.stringify({ state: h.location, y: out.y.location, value: out.y.data[17] }))`,
      { VK_ICD_FILENAMES: swiftShader, XDG_RUNTIME_DIR: '/tmp' },
    )
    expect(stderr).toBe('')
    expect(JSON.parse(stdout)).toEqual({ state: 'gpu-buffer', y: 'cpu', value: 3 })
  })
})
