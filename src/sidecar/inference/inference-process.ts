import { availableParallelism } from 'node:os'
import { MatteboxError, type Complaint } from '../../errors/index.ts'
import { PROVIDER_TITLES } from '../../settings/index.ts'
import { loadWeights, type Weights } from '../../model/weights/index.ts'
import type { FromInference, InferenceConfig, ToInference } from '../contract/inference-process.ts'
import { loadAddon, type Addon } from './channel/index.ts'
import { complaintOf, MattingServer } from './matting-server.ts'
import { chooseProvider } from './provider-choice.ts'
import { networkWork, TRIAL_SIZE } from './provider-probe-work.ts'
import type { Engine } from './try-clients.ts'

/**
 * The inference process: what the main process forks. It serves filters until it is told to retire, or the main process
 * is gone.
 */

const ALIVE_MS = 500
const REPORT_MS = 1000

// SIGINT of a terminal goes to all of its processes; when this one ends is the main process's choice.
process.on('SIGINT', () => undefined).on('SIGTERM', () => undefined)
process.on('disconnect', () => process.exit(0))
process.on('uncaughtException', (error) => {
  process.stderr.write(`${error.stack ?? error.message}\n`)
  process.exit(1)
})

let server: MattingServer | undefined

process.on('message', (message: ToInference) => {
  if (message.kind === 'start') return void serve(message.config)
  if (message.kind === 'retire') return void (server?.retire() ?? Promise.resolve()).then(() => process.exit(0))
  try {
    hear(message)
  } catch (error) {
    // A filter that does not read, a setting that is none: told, and no reason to end.
    const { message: text, ...fields } = complaintOf(error)
    say({ kind: 'log', level: 'warn', message: text, fields })
  }
})

function hear(message: Exclude<ToInference, { kind: 'start' | 'retire' }>): void {
  switch (message.kind) {
    case 'set':
      return server?.set(message.filterId, message.changes)
    case 'reset':
      return server?.reset(message.filterId)
    case 'cover':
      return server?.cover(message.filterId, message.on)
    case 'watch':
      return server?.watch(message.filterIds)
    case 'tryFrame':
      return server?.tryFrame(message.client, message.frame)
    case 'tryEnd':
      return server?.endTry(message.client)
    case 'buildHere':
      return server?.buildHere()
  }
}

async function serve(config: InferenceConfig): Promise<void> {
  try {
    const addon = addonOrWhyNot()
    // Where the main process dies while this thread is blocked, nothing else would end it at once.
    if (!('error' in addon)) addon.endWithParent()
    server = new MattingServer({ ...config, addon, say })
    if (!config.takesOver) server.listen()
  } catch (error) {
    return unable(error)
  }
  setInterval(() => {
    const { user, system } = process.cpuUsage()
    say({ kind: 'alive', rssBytes: process.memoryUsage.rss(), cpuMs: (user + system) / 1000 })
  }, ALIVE_MS)
  setInterval(() => server?.report(), REPORT_MS)

  const { model } = config
  if ('error' in model) return server.doWithout(model.error)
  let engine: Engine
  try {
    engine = await findEngine(model, config)
  } catch (error) {
    if (!(error instanceof MatteboxError)) throw error
    // What serves now serves better than nothing.
    if (config.takesOver) return unable(error)
    return server.doWithout(error)
  }
  try {
    await server.start(engine, config.plans)
    if (config.takesOver) server.listen()
  } catch (error) {
    if (config.takesOver) return unable(error)
    say({ kind: 'failed', provider: engine.provider, error: complaintOf(error) }, () => process.exit(1))
  }
}

/** Without it no filter can connect; what needs no OBS works all the same. */
function addonOrWhyNot(): Addon | { readonly error: Complaint } {
  try {
    return loadAddon()
  } catch (error) {
    if (error instanceof MatteboxError) return { error: error.toJSON() }
    throw error
  }
}

/** @throws {MatteboxError} MODEL_…, PROVIDER_UNAVAILABLE */
async function findEngine(
  { name, path }: { readonly name: string; readonly path: string },
  { provider, device: gpu, threads, avoid }: InferenceConfig,
): Promise<Engine> {
  // Read before anything else: a damaged file is to be said, not to be found when a filter comes.
  let kept: Weights | undefined = (await loadWeights(path)).weights
  const weights = async () => {
    const found = kept ?? (await loadWeights(path)).weights
    // For the first network, which somebody waits for.
    kept = undefined
    return found
  }
  const work = () => networkWork(kept!, { ...TRIAL_SIZE, planes: 8, refiner: 'deep' })
  const choice = await chooseProvider(provider, work, { device: gpu, threads, avoid })
  const device = choice.device ?? (choice.provider === 'cpu' ? `${availableParallelism()} cores` : 'GPU')
  const { passedOver } = choice
  const state = { state: 'ready', provider: choice.provider, device, model: name, passedOver } as const
  say({ kind: 'log', level: 'info', message: `The network runs on ${PROVIDER_TITLES[choice.provider]}.` })
  return { weights, provider: choice.provider, device: gpu, threads, state }
}

function unable(error: unknown): void {
  say({ kind: 'unable', error: complaintOf(error) }, () => process.exit(1))
}

function say(message: FromInference, then?: () => void): void {
  // The pipe may be closed already: 'disconnect' ends this process.
  if (process.connected) process.send!(message, undefined, undefined, () => then?.())
  else then?.()
  if (message.kind === 'failed') setImmediate(() => process.exit(1))
}
