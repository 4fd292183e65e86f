import { readFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { Tensor } from 'onnxruntime-common'
import { findGpuHardware, nvidiaModels, vulkanDrivers, type VulkanDrivers } from './provider-hardware.ts'
import type { ProviderName } from '../../settings/index.ts'
import type { ProbeJob, ProbeMessage, ProbeTensor } from './provider-probe.ts'
import { createSession } from './runtime.ts'

/** Runs are timed until there are so many of them, or they took so long together. */
const MOST_RUNS = 5
const ENOUGH_MS = 250

process.once('message', (job: ProbeJob) => {
  void probe(job).catch((error: unknown) => tell({ kind: 'failed', message: whatFailed(error) }))
})

/** The child's half of `probeProvider`: creates a session, runs it, answers times and outputs. */
async function probe({ provider, device, threads, model, inputs }: ProbeJob): Promise<void> {
  const session = await createSession(model, { provider, device, threads, logErrors: true })
  const drivers = loadedDrivers(provider)
  const software = drivers?.software ? drivers.names : []
  await tell({ kind: 'created', device: deviceName(provider, drivers), software })

  const feeds = Object.fromEntries(
    Object.entries(inputs).map(([name, { type, data, dims }]) => [name, new Tensor(type, data, dims)]),
  )
  let outputs = await session.run(feeds)
  await tell({ kind: 'ran' })
  const times: number[] = []
  do {
    const start = performance.now()
    outputs = await session.run(feeds)
    times.push(performance.now() - start)
    await tell({ kind: 'ran' })
  } while (times.length < MOST_RUNS && times.reduce((sum, ms) => sum + ms, 0) < ENOUGH_MS)

  await tell({
    kind: 'done',
    ms: times.sort((a, b) => a - b)[times.length >> 1],
    outputs: Object.fromEntries(
      Object.entries(outputs).map(([name, { type, dims, data }]) => [name, { type, dims, data } as ProbeTensor]),
    ),
  })
}

/** The runtime's own words: the parent explains them, with what it finds on standard error. */
function whatFailed(error: unknown): string {
  const first = error instanceof Error && error.cause !== undefined ? error.cause : error
  return first instanceof Error ? first.message : String(first)
}

/** Answers when the message has left: the run that follows blocks this thread. */
function tell(message: ProbeMessage): Promise<void> {
  return new Promise((resolve) => process.send!(message, () => resolve()))
}

function loadedDrivers(provider: ProviderName): VulkanDrivers | undefined {
  if (provider !== 'webgpu' || process.platform !== 'linux') return undefined
  return vulkanDrivers(readFileSync('/proc/self/maps', 'utf8'), findGpuHardware())
}

/** What computes, as far as it can be told: the runtime itself does not say. */
function deviceName(provider: ProviderName, drivers: VulkanDrivers | undefined): string | undefined {
  if (provider === 'cpu') return cpus()[0]?.model.trim()
  const models = nvidiaModels()
  if (provider === 'cuda') return models.length === 1 ? models[0] : undefined
  const name = drivers?.names.length === 1 ? drivers.names[0] : undefined
  return name === 'NVIDIA' && models.length === 1 ? models[0] : name
}
