import { setImmediate as turnOfTheLoop } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { MatteboxError, type Complaint } from '../../errors/index.ts'
import type { FilterSettings, ProviderName } from '../../settings/index.ts'
import type { EngineState, FromInference, SourcePlan } from '../contract/inference-process.ts'
import { ChannelServer, type Channel } from './channel/index.ts'
import { FairShare } from './fair-share.ts'
import { FrameRecord } from './frame-record.ts'
import { LiveSource } from './live-source.ts'
import { MattingSession } from './matting-session.ts'
import { NetworkPool, type Lease, type NetworkOptions } from './network-pool.ts'

export interface MattingServerOptions {
  /** Of mattebox, told to filters. */
  readonly version: string
  /** Default: where the filters look. */
  readonly socket?: string | undefined
  /** A build that blocks for longer is made by a second process, where somebody would wait for this one. */
  readonly longestBlockMs?: number | undefined
  /** Debug: a folder to record frames in. */
  readonly record?: string | undefined
  /** Takes what the main process is told. */
  readonly say: (message: FromInference) => void
}

/** What runs the networks. */
export interface Engine extends NetworkOptions {
  readonly state: Extract<EngineState, { state: 'ready' }>
}

const LONGEST_BLOCK_MS = 300
/** Planned networks whose filters did not come back are given up. */
const PLANS_LAST_MS = 10_000
/** A network that nobody uses stays for whoever changes his mind. */
const IDLE_NETWORKS = 1
const LONGEST_BYE_MS = 500
const MOST_FILTERS = 64

/**
 * Serves the filters that connect: takes frames of all sources, newest first and by fair shares, steps each source's
 * session, and answers. One step at a time: a run blocks the thread, and the engine is one.
 */
export class MattingServer {
  readonly #options: MattingServerOptions
  readonly #shares = new FairShare<LiveSource>()
  readonly #sources = new Set<LiveSource>()
  readonly #record: FrameRecord | undefined
  #server: ChannelServer | undefined
  #networks: NetworkPool | undefined
  #engine: Engine | undefined
  #state: EngineState = { state: 'starting' }
  #planned: Lease[] = []
  #pumping = false
  /** Builds, one after the other. */
  #builds: Promise<void> = Promise.resolve()
  #buildsHere = false
  /** What a second process was asked for last. */
  #askedFor: readonly SourcePlan[] = []
  #failed = false

  constructor(options: MattingServerOptions) {
    this.#options = options
    const { record, say } = options
    if (record !== undefined) {
      this.#record = new FrameRecord(record, (message) => say({ kind: 'log', level: 'warn', message }))
    }
  }

  /** Lets filters connect. @throws {MatteboxError} CHANNEL_ADDON, CHANNEL_SOCKET */
  listen(): void {
    const { socket, version, say } = this.#options
    const server = new ChannelServer({
      path: socket,
      sidecar: version,
      admit: () => (this.#sources.size < MOST_FILTERS ? undefined : tooMany()),
    })
    server.on('connection', (channel) => this.#connect(channel))
    server.on('refused', (complaint) => say({ kind: 'refused', complaint: plain(complaint) }))
    server.on('failed', ({ message }) => say({ kind: 'log', level: 'warn', message }))
    this.#server = server
    say({ kind: 'listening', path: server.path })
  }

  /**
   * Begins to serve with an engine, once its planned networks are warm.
   *
   * Rejects where one cannot be built.
   */
  async start(engine: Engine, plans: readonly SourcePlan[]): Promise<void> {
    const networks = new NetworkPool(engine, IDLE_NETWORKS)
    await this.#blocking(async () => {
      for (const plan of plans) {
        const lease = await networks.acquire(plan)
        this.#planned.push(lease)
        await networks.warm(lease)
      }
    })
    setTimeout(() => void this.#dropPlans(), PLANS_LAST_MS).unref()
    this.#networks = networks
    this.#engine = engine
    this.#become(engine.state)
    for (const source of this.#sources) this.#provide(source)
  }

  /** There is nothing to serve with; the filters are told why. */
  doWithout(error: Complaint): void {
    this.#become({ state: 'none', error: plain(error) })
  }

  /** A second process was asked for and cannot be had: build here, whoever has to wait. */
  buildHere(): void {
    this.#buildsHere = true
    for (const source of this.#sources) this.#provide(source)
  }

  /** Asks filters for changes: all that bear this id, as two OBS with one collection have the same. */
  set(filterId: string, changes: Partial<FilterSettings>): void {
    for (const channel of this.#channelsOf(filterId)) channel.set(changes)
  }

  reset(filterId: string): void {
    for (const channel of this.#channelsOf(filterId)) channel.reset()
  }

  cover(filterId: string, on: boolean): void {
    for (const channel of this.#channelsOf(filterId)) channel.cover(on)
  }

  /** Tells the filters and the main process the figures since the last time. */
  report(): void {
    const error = this.#state.state === 'none' ? this.#state.error : null
    let busyMs = 0
    for (const source of this.#sources) busyMs += source.busyMs
    const sources = Array.from(this.#sources, (source) => source.report(this.#state, error, busyMs))
    for (const [place, { channel }] of Array.from(this.#sources).entries()) channel.stats(sources[place].sidecar)
    this.#options.say({ kind: 'sources', sources })
  }

  /** Sends every filter away, to connect anew at once; resolves when that is done, or has taken too long. */
  async retire(): Promise<void> {
    this.#failed = true
    this.#server?.close()
    const gone = Array.from(
      this.#sources,
      ({ channel }) => new Promise<void>((resolve) => channel.once('closed', () => resolve())),
    )
    for (const { channel } of this.#sources) channel.bye()
    const late = new Promise<void>((resolve) => setTimeout(resolve, LONGEST_BYE_MS).unref())
    await Promise.race([Promise.all(gone), late])
  }

  #connect(channel: Channel): void {
    const source = new LiveSource(channel, this.#record)
    this.#sources.add(source)
    const { hello } = channel
    const fields = { filter: hello.filterId, source: hello.source, obs: hello.obs, pid: hello.pid }
    this.#log('info', `The filter “${hello.filter}” on “${hello.source}” is connected.`, fields)
    channel.on('settings', (settings) => {
      source.apply(settings)
      this.#provide(source)
    })
    channel.on('size', (_size, ready) => this.#provide(source, ready))
    channel.on('stats', (stats) => (source.filterStats = stats))
    channel.on('scene', ({ scene }) => (source.scene = scene))
    channel.on('renamed', (names) => (source.names = names))
    channel.on('reset', ({ epoch, reason, from, to }) =>
      this.#log('debug', `The filter on “${source.names.source}” reset: ${reason}.`, { ...fields, epoch, from, to }),
    )
    channel.on('frames', () => {
      this.#shares.offer(source)
      void this.#pump()
    })
    channel.on('closed', ({ error }) => {
      this.#sources.delete(source)
      this.#shares.remove(source)
      this.#log(error ? 'warn' : 'info', `The filter on “${source.names.source}” is gone.`, {
        ...fields,
        ...(error && { error: plain(error) }),
      })
      void source.end()
      this.report()
    })
    this.report()
  }

  /** Steps sources until nobody waits. */
  async #pump(): Promise<void> {
    if (this.#pumping) return
    this.#pumping = true
    try {
      for (;;) {
        const source = this.#shares.next()
        if (source === undefined || this.#failed) return
        const began = performance.now()
        const turn = await source.step()
        this.#shares.charge(source, performance.now() - began)
        if (turn.kind === 'failed') return this.#fail(turn.error)
        // Its size may have become the source's own, or been it.
        if (turn.kind === 'answered' && !source.isAsWanted) this.#provide(source)
        // Sockets, timers and the main process have their turn between two steps.
        await turnOfTheLoop()
      }
    } finally {
      this.#pumping = false
    }
  }

  /**
   * Gives a source the network that it wants: at once where it is there, by a second process where building it would
   * make somebody wait, else by building it here. The session before serves until then.
   */
  #provide(source: LiveSource, ready?: () => void): void {
    if (ready) source.whenProvided(ready)
    if (this.#engine === undefined || source.wanted === undefined) return
    if (source.isAsWanted) return source.provided()
    if (!this.#buildsHere && this.#wouldStarve(source)) {
      return this.#askForHandover()
    }
    this.#builds = this.#builds.then(() => this.#build(source)).catch((error: unknown) => this.#fail(error))
  }

  /** Says what all sources want now, unless that was said: it ends with this process, or with `buildHere`. */
  #askForHandover(): void {
    const plans = Array.from(this.#sources, ({ plan }) => plan).filter((plan) => plan !== undefined)
    if (isDeepStrictEqual(plans, this.#askedFor)) return
    this.#askedFor = plans
    this.#options.say({ kind: 'handover', plans })
  }

  #wouldStarve(source: LiveSource): boolean {
    const networks = this.#networks!
    if (networks.has(source.wanted!)) return false
    const isSomebodyServed = Array.from(this.#sources).some(({ isServed }) => isServed)
    return isSomebodyServed && (networks.buildMs ?? 0) > (this.#options.longestBlockMs ?? LONGEST_BLOCK_MS)
  }

  async #build(source: LiveSource): Promise<void> {
    const key = source.wanted
    // What it wanted may have changed, or come true, while others were built for.
    if (key === undefined || !this.#sources.has(source)) return
    if (source.isAsWanted) return source.provided()
    const networks = this.#networks!
    const session = new MattingSession(
      {
        ...this.#engine!,
        ...key,
        cutDetection: source.settings!.cut_detection,
        // The channel looks, while it converts.
        checksNumbers: false,
      },
      networks,
    )
    // A GPU compiles its shaders in the first run; on the CPU it is a step like any other, and might be the first matte.
    const build = (): Promise<void> =>
      networks.provider === 'cpu' ? session.build(key.width, key.height) : session.warm(key.width, key.height)
    await (networks.has(key) ? build() : this.#blocking(build))
    if (!this.#sources.has(source)) return session[Symbol.asyncDispose]()
    await source.use(session, key)
    source.provided()
  }

  /** Work that may block for as long as a driver compiles. */
  async #blocking(work: () => Promise<void>): Promise<void> {
    this.#options.say({ kind: 'phase', phase: 'create' })
    try {
      await work()
    } finally {
      this.#options.say({ kind: 'phase', phase: 'run' })
    }
  }

  async #dropPlans(): Promise<void> {
    const planned = this.#planned
    this.#planned = []
    for (const lease of planned) await lease.release()
  }

  /** The provider is not to be trusted any more: a fresh process begins, with it or with the next one. */
  #fail(error: unknown): void {
    if (this.#failed) return
    this.#failed = true
    const provider: ProviderName = this.#engine!.provider
    this.#options.say({ kind: 'failed', provider, error: complaintOf(error) })
  }

  #become(state: EngineState): void {
    this.#state = state
    this.#options.say({ kind: 'engine', engine: state })
    this.report()
  }

  #channelsOf(filterId: string): Channel[] {
    return Array.from(this.#sources, ({ channel }) => channel).filter(({ hello }) => hello.filterId === filterId)
  }

  #log(level: 'debug' | 'info' | 'warn', message: string, fields: Record<string, unknown>): void {
    this.#options.say({ kind: 'log', level, message, fields })
  }
}

function tooMany(): Complaint {
  return new MatteboxError(
    'CHANNEL_FULL',
    `${MOST_FILTERS} filters are connected already.`,
    'Remove filters that are not needed: each one takes its share of the engine.',
  )
}

/** An error as it goes to another process. */
export function complaintOf(error: unknown): Complaint {
  if (error instanceof MatteboxError) return error.toJSON()
  const message = error instanceof Error ? error.message : String(error)
  const mend = 'If it happens again, choose another provider, and please report it.'
  return { code: 'INFERENCE', message: `The runtime failed: ${message}`, mend }
}

function plain({ code, message, mend }: Complaint): Complaint {
  return { code, message, mend }
}
