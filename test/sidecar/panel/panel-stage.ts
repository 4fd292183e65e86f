import { EventEmitter } from 'node:events'
import { request } from 'node:http'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import type { AddFilter, ChangeFilter, NamedFilter, ObsLogin, ObsView } from '../../../src/api/index.ts'
import { MatteboxError } from '../../../src/errors/index.ts'
import { ModelGetter } from '../../../src/models/model-getter.ts'
import { ModelStore } from '../../../src/models/model-store.ts'
import { Keepsakes } from '../../../src/sidecar/main/keepsakes.ts'
import { SettingsFile } from '../../../src/sidecar/main/settings-file.ts'
import { Sidecar } from '../../../src/sidecar/main/sidecar.ts'
import { PanelSecret } from '../../../src/sidecar/panel/panel-secret.ts'
import { PanelServer } from '../../../src/sidecar/panel/panel-server.ts'
import { PanelStates } from '../../../src/sidecar/panel/panel-state.ts'
import type { Route } from '../../../src/sidecar/panel/route.ts'
import { routes } from '../../../src/sidecar/panel/routes/index.ts'
import { report, SHORT, Stage, until, type Entry, type Told } from '../main/told.ts'

/** An OBS with these sources and inputs, as its WebSocket would tell of it; test/obs has the real one. */
export class StandInObs extends EventEmitter<{ change: [] }> {
  view: ObsView = {
    state: 'connected',
    address: '127.0.0.1:4455',
    version: '32.0.0',
    webSocketVersion: '5.6.0',
    programScene: 'Desk',
    error: null,
    sources: [],
    audioInputs: [],
    hasPlugin: true,
  }
  readonly offsets = new Map<string, number>()
  readonly asked: unknown[] = []
  failure: Error | undefined

  login(login: ObsLogin): Promise<void> {
    return this.#take({ login })
  }

  async addFilter(added: AddFilter): Promise<{ filterId: string | null }> {
    await this.#take({ added })
    return { filterId: '00000000000000ff' }
  }

  removeFilter(removed: NamedFilter): Promise<void> {
    return this.#take({ removed })
  }

  changeFilter(changed: ChangeFilter): Promise<void> {
    return this.#take({ changed })
  }

  audioOffset(input: string): Promise<number> {
    return Promise.resolve(this.offsets.get(input) ?? 0)
  }

  async setAudioOffset(input: string, ms: number): Promise<void> {
    await this.#take({ input, ms })
    this.offsets.set(input, ms)
  }

  #take(what: unknown): Promise<void> {
    if (this.failure) return Promise.reject(this.failure)
    this.asked.push(what)
    return Promise.resolve()
  }
}

export interface Answered {
  readonly status: number
  readonly type: string
  readonly text: string
  /** Of the text; undefined where it is no JSON. */
  readonly json: unknown
}

/** The real sidecar with a stand-in for its inference process, and the real panel server with all its rows. */
export class PanelStage extends Stage {
  readonly obs = new StandInObs()
  readonly models = new ModelStore({ own: join(this.folder, 'models'), shipped: join(this.folder, 'shipped') })
  readonly modelGetter = new ModelGetter(this.models, { stallMs: 1_000, pauseMs: 10 })
  sidecar!: Sidecar
  keepsakes!: Keepsakes
  states!: PanelStates
  rows!: readonly Route[]
  server!: PanelServer
  secret!: PanelSecret

  static async open(told: Told = {}): Promise<PanelStage> {
    const stage = new PanelStage()
    await stage.#start(told)
    return stage
  }

  async #start(told: Told): Promise<void> {
    const settings = await SettingsFile.open(join(this.folder, 'settings.json'))
    this.sidecar = new Sidecar({
      version: '1.2.3',
      settings,
      resolveModel: (name = 'default') =>
        name === 'nobody'
          ? Promise.reject(new MatteboxError('MODEL_UNKNOWN', 'No model is called nobody.', 'Choose another.'))
          : Promise.resolve({ name, path: join(this.models.folder, `${name}.safetensors`) }),
      log: this.log,
      record: this.record(told),
      stateFolder: join(this.folder, 'state'),
      supervisor: SHORT,
    })
    this.keepsakes = new Keepsakes(settings)
    await this.models.start()
    await this.modelGetter.look()
    const { sidecar, keepsakes, models, modelGetter, obs, log } = this
    const places = { isExposed: false, invocation: 'node mattebox.js', localize: (text: string) => text }
    const parts = { sidecar, keepsakes, models, modelGetter, obs, ...places }
    this.states = new PanelStates(parts)
    this.rows = routes({ ...parts, states: this.states })
    this.secret = await PanelSecret.open(join(this.folder, 'state'))
    this.server = await PanelServer.open({
      sidecar,
      states: this.states,
      routes: this.rows,
      port: 0,
      listen: '127.0.0.1',
      secret: this.secret,
      localize: parts.localize,
      log,
    })
    await sidecar.start()
    const engine = told.always?.none === undefined ? 'ready' : 'none'
    await until(() => sidecar.state.engine.state === engine, 'an engine')
    const wanted = told.always?.sources?.length ?? 0
    await until(() => sidecar.state.sources.length === wanted, 'the sources')
  }

  get address(): string {
    return `http://127.0.0.1:${this.server.port}`
  }

  get token(): string {
    return this.secret.value!
  }

  /** As a script asks. A body that is text or bytes is sent as it is. */
  ask(method: string, path: string, body?: unknown, headers: Readonly<Record<string, string>> = {}): Promise<Answered> {
    const isRaw = typeof body === 'string' || Buffer.isBuffer(body) || body instanceof Readable
    return new Promise((resolve, reject) => {
      const asked = request(
        this.address + path,
        {
          method,
          agent: false,
          headers: {
            authorization: `Bearer ${this.token}`,
            ...(body !== undefined && { 'content-type': 'application/json' }),
            ...headers,
          },
        },
        (response) => {
          const pieces: Buffer[] = []
          response.on('data', (piece: Buffer) => pieces.push(piece))
          response.on('error', reject)
          response.on('end', () => {
            const text = Buffer.concat(pieces).toString()
            const type = response.headers['content-type'] ?? ''
            const json: unknown = type.startsWith('application/json') ? JSON.parse(text) : undefined
            resolve({ status: response.statusCode!, type, text, json })
          })
        },
      )
      asked.on('error', reject)
      if (body instanceof Readable) body.pipe(asked)
      else asked.end(isRaw || body === undefined ? body : JSON.stringify(body))
    })
  }

  /** What the filters were told. */
  get heard(): NonNullable<Entry['heard']>[] {
    return this.entries.flatMap(({ heard }) => heard ?? [])
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    this.models.stop()
    await this.modelGetter.stop()
    await this.server.close()
    this.states.close()
    await this.sidecar.stop()
    await super[Symbol.asyncDispose]()
  }
}

/** Id of the filter in `openFilled`. */
export const FILTER_ID = '0123456789abcdef'

/** A panel in which everything is there that the examples speak of. */
export async function openFilled(): Promise<PanelStage> {
  const stage = await PanelStage.open({ always: { sources: [report(FILTER_ID)] } })
  await stage.keepsakes.putPreset({ name: 'Evening', settings: { feather: 1 } })
  await stage.keepsakes.putBinding({ scene: 'Desk', filterId: FILTER_ID, preset: 'Evening' })
  await stage.keepsakes.putRegionTemplate({ name: 'Chair', regions: [] })
  await stage.keepsakes.putAudioDelay({ filterId: FILTER_ID, input: 'Microphone', originalMs: 0, addedMs: 67 })
  return stage
}
