import { EventEmitter } from 'node:events'
import { createConnection } from 'node:net'
import { isDeepStrictEqual } from 'node:util'
import type { AddFilter, ChangeFilter, NamedFilter, ObsLogin, ObsView } from '../api/index.ts'
import { MatteboxError } from '../errors/index.ts'
import { readAudioOffset, writeAudioOffset } from './audio-offset.ts'
import { Bell } from './bell.ts'
import { addFilter, changeFilter, knowsOurFilter, removeFilter } from './obs-filters.ts'
import { isPluginInPlace } from './obs-status.ts'
import { addressOf, away, hasStatus, ObsSocket, passwordWanted, refused, STATUS } from './obs-socket.ts'
import { readContents } from './read-contents.ts'
import {
  DEFAULT_PORT,
  webSocketSettings,
  type UnreadableSettings,
  type WebSocketSettings,
} from './websocket-settings.ts'

export interface ObsConnectionOptions {
  /** Of the user whose OBS it is. */
  readonly env?: NodeJS.ProcessEnv
  /** Takes what happened, in a sentence. */
  readonly log?: (line: string) => void
  /**
   * Version of the wire that our filter speaks: while OBS itself does not say whether it knows the filter, its folders of
   * plugins do. Default: they are not looked at.
   */
  readonly wire?: number
  /** OBS is given up where it answers nothing for so long; default 5 s. */
  readonly answerMs?: number
  /** How often OBS is read without an event; default 10 s. */
  readonly pollMs?: number
  /** Waits before the next attempt, the last one for ever; default 0.5 s to 5 s. */
  readonly backoffMs?: readonly number[]
}

/** Settles what `login` promised. */
interface Ends {
  resolve(): void
  reject(reason: MatteboxError): void
}

/** Where an attempt goes. */
interface Entrance {
  readonly port: number
  readonly password: string | undefined
}

/** The least time between two readings of OBS. */
const READ_EVERY_MS = 500
/** A password that OBS refused is not tried again for so long: OBS shows its user a notice of every attempt. */
const REFUSED_FOR_MS = 5 * 60_000
/** While OBS loads another collection it is not asked; an end that is never told is not waited for. */
const LOADING_MS = 30_000

/** After these, OBS is another one; other events change nothing that is read. */
const EVENTS = [
  'CurrentSceneCollectionChanged',
  'CurrentProgramSceneChanged',
  'SceneCreated',
  'SceneRemoved',
  'SceneNameChanged',
  'SceneListChanged',
  'SceneItemCreated',
  'SceneItemRemoved',
  'InputCreated',
  'InputRemoved',
  'InputNameChanged',
  'InputAudioSyncOffsetChanged',
  'SourceFilterCreated',
  'SourceFilterRemoved',
  'SourceFilterNameChanged',
  'SourceFilterEnableStateChanged',
  'SourceFilterListReindexed',
] as const

/**
 * OBS as its own WebSocket tells of it, on this machine, for as long as mattebox runs: found in OBS's own settings,
 * connected to again for ever, read again after whatever changes in it. `change` follows every change of the view.
 */
export class ObsConnection extends EventEmitter<{ change: [] }> {
  readonly #env: NodeJS.ProcessEnv
  readonly #log: (line: string) => void
  readonly #wire: number | undefined
  readonly #answerMs: number
  readonly #pollMs: number
  readonly #backoffMs: readonly number[]
  /** Rung when OBS is to be read. */
  readonly #changed = new Bell()
  /** Rung when an attempt is not to wait. */
  readonly #hurry = new Bell()
  readonly #refusedAt = new Map<string, number>()
  #view: ObsView = nothingKnown('connecting', DEFAULT_PORT, null)
  #socket: ObsSocket | undefined
  #login: ObsLogin | undefined
  #loginEnds: Ends | undefined
  #loadingSince: number | undefined
  readonly #stop = new AbortController()
  #running: Promise<void> | undefined

  constructor(options: ObsConnectionOptions = {}) {
    super()
    this.#env = options.env ?? process.env
    this.#log = options.log ?? (() => undefined)
    this.#wire = options.wire
    this.#answerMs = options.answerMs ?? 5000
    this.#pollMs = options.pollMs ?? 10_000
    this.#backoffMs = options.backoffMs ?? [500, 1000, 2000, 5000]
  }

  start(): void {
    this.#running ??= this.#run()
  }

  /** Nothing of it is left. */
  async stop(): Promise<void> {
    this.#stop.abort()
    this.#hurry.ring()
    this.#socket?.close()
    await this.#running
  }

  get view(): ObsView {
    return this.#view
  }

  /**
   * Tries a port or a password that the user gives, at once. They are kept in memory, for as long as they serve.
   *
   * @throws {MatteboxError} OBS_PASSWORD, OBS_AWAY, OBS_SILENT, OBS_REFUSED
   */
  login(login: ObsLogin): Promise<void> {
    this.#loginEnds?.reject(replaced())
    return new Promise((resolve, reject) => {
      this.#login = login
      this.#loginEnds = { resolve, reject }
      this.#refusedAt.clear()
      this.#socket?.close()
      this.#hurry.ring()
    })
  }

  /**
   * Puts the filter on a source, under a name that is free, behind the filters that are there.
   *
   * @throws {MatteboxError} OBS_SOURCE_NONE, OBS_PLUGIN_NONE, OBS_REFUSED; OBS_AWAY and others while not connected
   */
  addFilter(wanted: AddFilter): Promise<{ filterId: string | null }> {
    return this.#change((socket) => addFilter(socket, wanted))
  }

  /** @throws {MatteboxError} as `changeFilter` does */
  removeFilter(which: NamedFilter): Promise<void> {
    return this.#change((socket) => removeFilter(socket, which))
  }

  /**
   * Switches a filter of ours on or off, or moves it.
   *
   * @throws {MatteboxError} OBS_SOURCE_NONE, OBS_FILTER_NONE, OBS_FILTER_FOREIGN, OBS_REFUSED; OBS_AWAY and others while
   *   not connected
   */
  changeFilter(change: ChangeFilter): Promise<void> {
    return this.#change((socket) => changeFilter(socket, change))
  }

  /**
   * @returns milliseconds
   * @throws {MatteboxError} OBS_SOURCE_NONE, OBS_REFUSED; OBS_AWAY and others while not connected
   */
  async audioOffset(input: string): Promise<number> {
    return readAudioOffset(this.#connected(), input)
  }

  /**
   * @param offsetMs - -950..20000; whole milliseconds are kept
   * @throws {MatteboxError} OBS_SOURCE_NONE, OBS_REFUSED; OBS_AWAY and others while not connected
   */
  setAudioOffset(input: string, offsetMs: number): Promise<void> {
    return this.#change((socket) => writeAudioOffset(socket, input, offsetMs))
  }

  async #run(): Promise<void> {
    for (let failures = 0; !this.#isStopped(); failures++) {
      const served = await this.#attempt()
      if (served) failures = 0
      if (!this.#isStopped()) await this.#hurry.wait(this.#backoffMs[Math.min(failures, this.#backoffMs.length - 1)])
    }
    this.#loginEnds?.reject(away(this.#view.address))
  }

  /** A look that the compiler does not remember over an await. */
  #isStopped(): boolean {
    return this.#stop.signal.aborted
  }

  /** Whether an OBS was there; it is gone when this resolves. */
  async #attempt(): Promise<boolean> {
    const login = this.#login
    const loginEnds = this.#loginEnds
    this.#loginEnds = undefined
    const found = await webSocketSettings(this.#env)
    const doors = doorsFrom(found, login)
    const failures: { door: Entrance; error: MatteboxError }[] = []
    for (const [n, door] of doors.entries()) {
      if (this.#isStopped()) break
      try {
        const socket = await this.#open(door)
        loginEnds?.resolve()
        await this.#serve(socket, door)
        return true
      } catch (error) {
        failures.push({ door, error: refused(error) })
        if (n > 0 || login === undefined) continue
        if (refused(error).code === 'OBS_PASSWORD' && this.#login === login) this.#login = undefined
        loginEnds?.reject(refused(error))
      }
    }
    loginEnds?.reject(away(this.#view.address))
    const hasPlugin = await this.#hasPlugin()
    if (!this.#isStopped()) this.#show({ ...whatFailed(found, failures), hasPlugin })
    return false
  }

  /** As the folders of plugins say. */
  async #hasPlugin(): Promise<boolean | null> {
    return this.#wire === undefined ? null : isPluginInPlace({ wire: this.#wire }, { env: this.#env })
  }

  async #open({ port, password }: Entrance): Promise<ObsSocket> {
    const door = `${port} ${password ?? ''}`
    const refusedAt = this.#refusedAt.get(door)
    if (refusedAt !== undefined && performance.now() - refusedAt < REFUSED_FOR_MS) {
      if (await isListening(port)) throw passwordWanted(addressOf(port))
      this.#refusedAt.delete(door)
      throw away(addressOf(port))
    }
    try {
      return await ObsSocket.open(port, password, { answerMs: this.#answerMs, stop: this.#stop.signal })
    } catch (error) {
      if (error instanceof MatteboxError && error.code === 'OBS_PASSWORD') this.#refusedAt.set(door, performance.now())
      throw error
    }
  }

  /** Reads OBS whenever it changes, until the connection ends. */
  async #serve(socket: ObsSocket, { port }: Entrance): Promise<void> {
    this.#socket = socket
    this.#loadingSince = undefined
    this.#show(nothingKnown('connecting', port, null))
    // Said while this one was opened.
    if (this.#isStopped() || this.#loginEnds) socket.close()
    for (const name of EVENTS) socket.on(name, () => this.#changed.ring())
    socket.on('CurrentSceneCollectionChanging', () => (this.#loadingSince = performance.now()))
    socket.on('CurrentSceneCollectionChanged', () => (this.#loadingSince = undefined))
    const reason = await this.#readForEver(socket).catch(refused)
    socket.close()
    this.#socket = undefined
    this.#log(`The connection to OBS ended: ${reason.message}`)
    this.#show(nothingKnown('away', port, reason))
  }

  /** @throws {MatteboxError} the connection ended */
  async #readForEver(socket: ObsSocket): Promise<never> {
    const { obsVersion, obsWebSocketVersion } = await socket.call('GetVersion')
    const hasPlugin = await knowsOurFilter(socket)
    this.#log(`Connected to OBS ${obsVersion} at ${socket.address}.`)
    const known = {
      address: socket.address,
      version: obsVersion,
      webSocketVersion: obsWebSocketVersion,
      error: null,
      hasPlugin,
    }
    const over = new Bell()
    void socket.ended.then(() => {
      over.ring()
      this.#changed.ring()
    })
    for (;;) {
      let waitMs = this.#pollMs
      try {
        if (this.#isLoading()) waitMs = READ_EVERY_MS
        else this.#show({ ...known, state: 'connected', ...(await readContents(socket)) })
      } catch (error) {
        if (!hasStatus(error, STATUS.NotReady)) throw error
        waitMs = READ_EVERY_MS
      }
      await over.wait(READ_EVERY_MS)
      await this.#changed.wait(waitMs)
    }
  }

  #isLoading(): boolean {
    return this.#loadingSince !== undefined && performance.now() - this.#loadingSince < LOADING_MS
  }

  #connected(): ObsSocket {
    if (this.#socket && this.#view.state === 'connected') return this.#socket
    const { error, address } = this.#view
    throw error === null
      ? away(address)
      : new MatteboxError(error.code as MatteboxError['code'], error.message, error.mend)
  }

  async #change<T>(work: (socket: ObsSocket) => Promise<T>): Promise<T> {
    const socket = this.#connected()
    if (this.#isLoading())
      throw new MatteboxError('OBS_REFUSED', 'OBS loads another scene collection.', 'Try again when it is there.')
    try {
      return await work(socket)
    } finally {
      this.#changed.ring()
    }
  }

  #show(view: ObsView): void {
    if (isDeepStrictEqual(view, this.#view)) return
    this.#view = view
    this.emit('change')
  }
}

/** The doors to knock at, in order: what the user said, what OBS's settings say, where OBS listens by itself. */
function doorsFrom(
  found: readonly (WebSocketSettings | UnreadableSettings)[],
  login: ObsLogin | undefined,
): Entrance[] {
  const settings = found.filter((one) => 'port' in one)
  const doors: Entrance[] = settings
    .toSorted((a, b) => Number(b.enabled) - Number(a.enabled))
    // Of a server that is off the password tells nothing: another OBS may listen there.
    .map(({ port, password, enabled }) => ({ port, password: enabled ? password : undefined }))
  if (doors.length === 0) doors.push({ port: DEFAULT_PORT, password: undefined })
  if (login) {
    const port = login.port ?? doors[0].port
    const password = login.password ?? doors.find((door) => door.port === port)?.password
    doors.unshift({ port, password })
  }
  return doors.filter(
    (door, n) => n === doors.findIndex(({ port, password }) => port === door.port && password === door.password),
  )
}

/** The one thing that the user should do, of all that went wrong. */
function whatFailed(
  found: readonly (WebSocketSettings | UnreadableSettings)[],
  failures: readonly { door: Entrance; error: MatteboxError }[],
): ObsView {
  const told =
    failures.find(({ error }) => error.code === 'OBS_PASSWORD') ??
    failures.find(({ error }) => error.code !== 'OBS_AWAY') ??
    failures[0]
  const unreadable = found.find((one) => 'why' in one)
  const { port } = told.door
  if (told.error.code === 'OBS_PASSWORD')
    return nothingKnown('password', port, unreadable ? unreadableSettings(unreadable, told.error) : told.error)
  const settings = found.filter((one) => 'port' in one)
  if (told.error.code === 'OBS_AWAY' && settings.length > 0 && !settings.some(({ enabled }) => enabled))
    return nothingKnown('off', port, switchedOff())
  return nothingKnown('away', port, told.error)
}

function nothingKnown(state: ObsView['state'], port: number, error: MatteboxError | null): ObsView {
  return {
    state,
    address: addressOf(port),
    version: null,
    webSocketVersion: null,
    programScene: null,
    error: error === null ? null : error.toJSON(),
    sources: null,
    audioInputs: null,
    hasPlugin: null,
  }
}

function switchedOff(): MatteboxError {
  return new MatteboxError(
    'OBS_WEBSOCKET_OFF',
    'The WebSocket server of OBS Studio is switched off.',
    'In OBS: Tools → WebSocket Server Settings → tick “Enable WebSocket server” → OK. Nothing else is needed.',
  )
}

function unreadableSettings({ file, why }: UnreadableSettings, error: MatteboxError): MatteboxError {
  const message = `OBS’s settings cannot be read (${file}: ${why}), and it wants a password.`
  return new MatteboxError('OBS_PASSWORD', message, error.mend)
}

function replaced(): MatteboxError {
  return new MatteboxError('OBS_AWAY', 'Another port or password was given meanwhile.', 'Nothing is to be done.')
}

/** A look that OBS does not notice. */
function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(port, '127.0.0.1')
    const end = (answer: boolean): void => {
      socket.destroy()
      resolve(answer)
    }
    socket.setTimeout(1000, () => end(true))
    socket.on('connect', () => end(true))
    socket.on('error', () => end(false))
  })
}
