/**
 * In place of the inference process: does what the JSON text in its configuration's `record` tells it (or the file
 * `told.json` there, where that is a folder, as for the real one), and writes what it hears into `journal`. See told.ts.
 */
import { appendFileSync, existsSync, readFileSync } from 'node:fs'

const PROVIDERS = ['cuda', 'webgpu', 'cpu']
const complaint = (message) => ({ code: 'INFERENCE', message, mend: 'None: this is a test.' })
const say = (message, then) => (process.connected ? process.send(message, then) : then?.())
const block = (ms) => {
  for (const end = Date.now() + ms; Date.now() < end;);
}

process.on('disconnect', () => process.exit(0))
process.on('message', (message) => {
  if (message.kind === 'start') return begin(message.config)
  note({ heard: message })
  if (message.kind === 'retire' && !plan.stubborn) process.exit(0)
  if (message.kind === 'set' && plan.sources && !plan.deaf) takeOn(message)
})

/** As a filter does: it says the settings that it has then, numbers as floats with six places. */
function takeOn({ filterId, changes: given }) {
  const round = (_, value) => (typeof value === 'number' ? Math.round(Math.fround(value) * 1e6) / 1e6 : value)
  const changes = JSON.parse(JSON.stringify(given), round)
  plan.sources = plan.sources.map((source) =>
    source.hello.filterId === filterId ? { ...source, settings: { ...source.settings, ...changes } } : source,
  )
  say({ kind: 'sources', sources: plan.sources })
}

let plan = {}
let journal
const note = (entry) =>
  journal && appendFileSync(journal, `${JSON.stringify({ pid: process.pid, at: Date.now(), ...entry })}\n`)

function begin(config) {
  const told = toldBy(config.record)
  journal = told.journal
  const starts = journal && existsSync(journal) ? readFileSync(journal, 'utf8').split('"started"').length - 1 : 0
  const provider =
    config.provider === 'auto'
      ? PROVIDERS.find((one) => config.avoid.every((avoided) => avoided.provider !== one))
      : config.provider
  plan = {
    ...told.always,
    ...told[provider],
    ...(config.takesOver ? told.successor : undefined),
    ...told.nth?.[starts],
  }
  note({ started: { ...config, record: undefined }, provider })
  const steps = async () => {
    if (plan.unable) return say({ kind: 'unable', error: complaint(plan.unable) }, () => process.exit(1))
    if (plan.stderr) process.stderr.write(plan.stderr)
    const alive = setInterval(() => say({ kind: 'alive', rssBytes: 50e6, cpuMs: process.cpuUsage().user / 1000 }), 50)
    if (plan.createMs) {
      say({ kind: 'phase', phase: 'create' }, () => undefined)
      await pause(20)
      block(plan.createMs)
      say({ kind: 'phase', phase: 'run' })
    }
    if (!config.takesOver) say({ kind: 'listening', path: config.socket ?? '/stand-in' })
    if (plan.warmMs) await pause(plan.warmMs)
    if (plan.dieCold) process.exit(3)
    if ('error' in config.model || plan.none) {
      const error = plan.none ? complaint(plan.none) : config.model.error
      return say({ kind: 'engine', engine: { state: 'none', error } })
    }
    const engine = { state: 'ready', provider, device: 'stand-in', model: config.model.name, passedOver: [] }
    say({ kind: 'engine', engine })
    if (config.takesOver) say({ kind: 'listening', path: config.socket ?? '/stand-in' })
    if (plan.sources) say({ kind: 'sources', sources: plan.sources })
    if (plan.thenSources) {
      await pause(300)
      plan.sources = plan.thenSources
      say({ kind: 'sources', sources: plan.sources })
    }
    if (plan.handover) say({ kind: 'handover', plans: plan.handover })
    if (plan.failAfterMs !== undefined) {
      await pause(plan.failAfterMs)
      say({ kind: 'failed', provider, error: complaint(plan.failed ?? 'out of memory') }, () => process.exit(1))
    }
    if (plan.hangAfterMs !== undefined) {
      await pause(plan.hangAfterMs)
      clearInterval(alive)
    }
    if (plan.dieAfterMs !== undefined) {
      await pause(plan.dieAfterMs)
      process.kill(process.pid, plan.signal ?? 'SIGABRT')
    }
  }
  void steps()
}

/** From the text itself, or from a file in the folder. */
function toldBy(record) {
  if (record === undefined) return {}
  if (record.startsWith('{')) return JSON.parse(record)
  return { ...JSON.parse(readFileSync(`${record}/told.json`, 'utf8')), journal: `${record}/journal` }
}

function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
