import { EventEmitter } from 'node:events'
import { MatteboxError, type Complaint } from '../../errors/index.ts'
import type { EngineSettings, FilterSettings, ProviderName } from '../../settings/index.ts'
import type {
  EngineState,
  InferenceConfig,
  PassedOver,
  Preview,
  TryAnswer,
  TryRequest,
} from '../contract/inference-process.ts'
import { ask, askedStill, NOTHING_ASKED } from './asked.ts'
import { NO_SCENES, settingsDue, takeScenes } from './bindings.ts'
import { cpuPercent } from './cpu-percent.ts'
import { checkEngineSettings, ENGINE_RESTARTS } from './engine-settings.ts'
import { claimInstance, type Instance, type InstanceInfo, type PanelPlace } from './instance.ts'
import type { Log } from './log.ts'
import {
  addReports,
  NO_HISTORY,
  processMetrics,
  sourceMetrics,
  type ProcessMetrics,
  type SourceMetrics,
} from './metrics.ts'
import type { SettingsFile } from './settings-file.ts'
import { Supervisor, type EngineChoice, type SupervisorOptions } from './supervisor.ts'

/** Finds a model by the name or path that the user gave; undefined: the default one. */
export type ResolveModel = (name: string | undefined) => Promise<{ readonly name: string; readonly path: string }>

export interface SidecarOptions {
  readonly version: string
  readonly settings: SettingsFile
  /** Go before the file's for this run, and are not saved. */
  readonly overrides?: Partial<EngineSettings>
  readonly resolveModel: ResolveModel
  readonly log: Log
  /** Where filters connect; default: as the filters do. */
  readonly socket?: string | undefined
  /** Debug: a folder in which every frame that is taken is recorded. */
  readonly record?: string | undefined
  /** Folder of the lock; default: the user's. */
  readonly stateFolder?: string | undefined
  /** Null where there is none. */
  readonly panel?: (() => PanelPlace | null) | undefined
  /** What to tell of the panel of another sidecar, which runs already; default: its address alone. */
  readonly addressOfOther?: ((panel: PanelPlace) => Promise<string>) | undefined
  readonly supervisor?: SupervisorOptions | undefined
  /** How often to look for a model where there was none; default 3 s. */
  readonly lookForModelMs?: number | undefined
}

export interface SidecarState {
  /** The settings in effect. */
  readonly settings: EngineSettings
  readonly engine: EngineState
  /** Path of the model file that runs, or will once the engine is ready; null: there is none. */
  readonly modelPath: string | null
  readonly avoid: readonly PassedOver[]
  readonly processes: readonly ProcessMetrics[]
  /** How often the inference process was started again. */
  readonly restarts: number
  readonly sources: readonly SourceMetrics[]
  /** Where filters connect; null until they can. */
  readonly socket: string | null
  /** The last connection that was sent away. */
  readonly refused: Complaint | null
  /** What went wrong last; null when all has been well for a while. */
  readonly error: Complaint | null
}

/** The main process's work: settings, one inference process that is kept alive, and figures of all that runs. */
export class Sidecar extends EventEmitter<{ state: []; preview: [Preview] }> {
  readonly #options: SidecarOptions
  readonly #log: Log
  readonly #startedAt = new Date()
  #overrides: Partial<EngineSettings>
  #instance: Instance | undefined
  #supervisor: Supervisor | undefined
  #model: InferenceConfig['model'] | undefined
  #watched: readonly string[] = []
  #history = NO_HISTORY
  #asked = NOTHING_ASKED
  #scenes = NO_SCENES
  #seen: unknown
  /** Changes come one after the other. */
  #changing: Promise<unknown> = Promise.resolve()
  #looking: NodeJS.Timeout | undefined
  #usage = { cpuMs: 0, atMs: performance.now() - process.uptime() * 1000, percent: 0 }

  constructor(options: SidecarOptions) {
    super()
    this.#options = options
    this.#log = options.log
    this.#overrides = checkEngineSettings(options.overrides ?? {})
  }

  get version(): string {
    return this.#options.version
  }

  get startedAt(): Date {
    return this.#startedAt
  }

  /**
   * Takes the place of this user's only sidecar and starts the inference process. Without a model it starts as well:
   * filters are told what is missing.
   *
   * @throws {MatteboxError} ALREADY_RUNNING, STATE_FOLDER
   */
  async start(): Promise<void> {
    const { stateFolder, addressOfOther } = this.#options
    this.#instance = await claimInstance(() => this.#info(), stateFolder, addressOfOther)
    const { damaged } = this.#options.settings
    if (damaged) this.#log.error(damaged.message, { ...damaged.toJSON() })
    const settings = this.#settings
    const model = await this.#options.resolveModel(modelName(settings)).catch((error: unknown) => {
      if (!(error instanceof MatteboxError)) throw error
      this.#log.error(error.message, { ...error.toJSON() })
      this.#lookForModel()
      return { error: error.toJSON() }
    })
    this.#supervisor = new Supervisor(this.#choice(settings, model), this.#log, this.#options.supervisor)
    this.#supervisor.on('change', () => this.#heard())
    this.#supervisor.on('preview', (preview) => this.emit('preview', preview))
    this.#supervisor.watch(this.#watched)
    this.#log.info('mattebox starts.', { version: this.#options.version, pid: process.pid, settings })
    this.#supervisor.start()
  }

  /** Says bye to every filter; resolves when all processes have ended. */
  async stop(): Promise<void> {
    this.#log.info('mattebox ends.')
    clearInterval(this.#looking)
    await this.#supervisor?.stop()
    await this.#instance?.release()
  }

  get state(): SidecarState {
    const supervised = this.#supervisor?.state
    const children = supervised?.processes ?? []
    return {
      settings: this.#settings,
      engine: supervised?.engine ?? { state: 'starting' },
      modelPath: this.#model && 'path' in this.#model ? this.#model.path : null,
      avoid: supervised?.avoid ?? [],
      processes: processMetrics(this.#ownMetrics(), children),
      restarts: supervised?.restarts ?? 0,
      sources: sourceMetrics(this.#history),
      socket: supervised?.listening ?? null,
      refused: supervised?.refused ?? null,
      error: supervised?.error ?? this.#options.settings.damaged?.toJSON() ?? null,
    }
  }

  /**
   * Changes some of the engine's settings, for now and later. What is matted goes on until the new engine is warm.
   *
   * @throws {MatteboxError} SETTINGS_INVALID, SETTINGS_FILE, or why there is no such model as is chosen; nothing has
   * changed then
   */
  setEngine(changes: Partial<EngineSettings>): Promise<void> {
    const done = this.#changing.then(() => this.#setEngine(changes))
    this.#changing = done.catch(() => undefined)
    return done
  }

  /** Tries providers again that were passed over because they failed while live. */
  retryProviders(): void {
    this.#supervisor?.retryProviders()
  }

  /**
   * Asks a filter to change settings; it answers with those that it has then. Where its channel ends before that, it is
   * asked again when it is back.
   */
  setFilter(filterId: string, changes: Partial<FilterSettings>): void {
    this.#asked = ask(this.#asked, filterId, changes, sourceMetrics(this.#history), performance.now())
    this.#supervisor?.send({ kind: 'set', filterId, changes })
  }

  resetFilter(filterId: string): void {
    this.#supervisor?.send({ kind: 'reset', filterId })
  }

  coverFilter(filterId: string, on: boolean): void {
    this.#supervisor?.send({ kind: 'cover', filterId, on })
  }

  /**
   * Has `preview` emitted for these filters, and for no others: at most five times a second each, and more seldom where
   * inference has no time to spare.
   */
  watch(filterIds: readonly string[]): void {
    this.#watched = [...filterIds]
    this.#supervisor?.watch(this.#watched)
  }

  /**
   * Has a frame matted without OBS; sources in OBS go first. One in flight a client: another is dropped.
   *
   * Never rejects. `dropped` and `error` say nothing of the next frame: where the inference process ended or the engine
   * starts, a later one is answered.
   *
   * @param client - tells clients apart, each of which has a recurrent state of its own
   */
  tryFrame(client: string, frame: TryRequest): Promise<TryAnswer> {
    return this.#supervisor?.tryFrame(client, frame) ?? Promise.resolve({ kind: 'dropped', id: frame.id })
  }

  /** The client has gone. */
  endTry(client: string): void {
    this.#supervisor?.endTry(client)
  }

  async #setEngine(given: Partial<EngineSettings>): Promise<void> {
    const changes = checkEngineSettings(given)
    const before = this.#settings
    const after = { ...before, ...changes }
    // Whoever changes something else has no model to choose now, were there none or several.
    const model = 'model' in changes ? await this.#options.resolveModel(modelName(after)) : this.#model
    await this.#options.settings.saveEngine(changes)
    if ('model' in changes) clearInterval(this.#looking)
    // What was chosen now goes before what the command line said.
    const overrides = Object.entries(this.#overrides).filter(([key]) => !(key in changes))
    this.#overrides = Object.fromEntries(overrides)
    const restarts = ENGINE_RESTARTS.some((key) => before[key] !== after[key])
    if (restarts && model) this.#supervisor?.change(this.#choice(after, model))
    this.emit('state')
  }

  /** Whoever is told to install a model need not start again. */
  #lookForModel(): void {
    const look = async (): Promise<void> => {
      const settings = this.#settings
      const model = await this.#options.resolveModel(modelName(settings)).catch(() => undefined)
      if (model === undefined) return
      clearInterval(this.#looking)
      this.#log.info('A model is there now.', model)
      this.#supervisor?.change(this.#choice(settings, model))
    }
    this.#looking = setInterval(() => void look(), this.#options.lookForModelMs ?? 3000)
  }

  get #settings(): EngineSettings {
    return { ...this.#options.settings.engine, ...this.#overrides }
  }

  #choice(settings: EngineSettings, model: InferenceConfig['model']): EngineChoice {
    this.#model = model
    const { version, socket, record } = this.#options
    const provider: ProviderName | 'auto' = settings.provider
    const device = settings.device === 'auto' ? undefined : Number(settings.device)
    const threads = settings.threads === 0 ? undefined : settings.threads
    return { version, socket, record, model, provider, device, threads }
  }

  #heard(): void {
    const { sources } = this.#supervisor!.state
    // The same list as before is no new report.
    if (sources !== this.#seen) {
      this.#history = addReports(this.#history, sources)
      this.#askAgain()
      this.#applyBindings()
    }
    this.#seen = sources
    this.emit('state')
  }

  #askAgain(): void {
    const { left, again } = askedStill(this.#asked, sourceMetrics(this.#history), performance.now())
    this.#asked = left
    for (const { filterId, changes } of again) this.#supervisor?.send({ kind: 'set', filterId, changes })
  }

  /** Filters take on what is bound to a scene that came on program. */
  #applyBindings(): void {
    const { seen, came } = takeScenes(this.#scenes, sourceMetrics(this.#history))
    this.#scenes = seen
    for (const { filterId, settings } of settingsDue(came, this.#options.settings.kept)) {
      this.setFilter(filterId, settings)
    }
  }

  #info(): InstanceInfo {
    const { version } = this.#options
    const socket = this.#supervisor?.state.listening ?? null
    const panel = this.#options.panel?.() ?? null
    return { pid: process.pid, version, panel, socket, startedAt: this.#startedAt.toISOString() }
  }

  #ownMetrics(): ProcessMetrics {
    const { user, system } = process.cpuUsage()
    const now = { cpuMs: (user + system) / 1000, atMs: performance.now() }
    // Readings that lie close together say nothing.
    if (now.atMs - this.#usage.atMs > 500) this.#usage = { ...now, percent: cpuPercent(this.#usage, now) }
    return {
      name: 'main',
      pid: process.pid,
      role: 'main',
      rssBytes: process.memoryUsage.rss(),
      cpuPercent: this.#usage.percent,
      uptimeMs: process.uptime() * 1000,
    }
  }
}

function modelName({ model }: EngineSettings): string | undefined {
  return model === 'default' ? undefined : model
}
