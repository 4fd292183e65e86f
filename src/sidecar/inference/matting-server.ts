import { setImmediate as turnOfTheLoop } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { MatteboxError, type Complaint } from '../../errors/index.ts'
import type { FilterSettings, ProviderName } from '../../settings/index.ts'
import type { EngineState, FromInference, SourcePlan, TryRequest } from '../contract/inference-process.ts'
import { ChannelServer, type Addon, type Channel } from './channel/index.ts'
import { FairShare } from './fair-share.ts'
import { FrameRecord } from './frame-record.ts'
import { LiveSource } from './live-source.ts'
import { MattingSession } from './matting-session.ts'
import { NetworkPool, type Lease, type NetworkKey } from './network-pool.ts'
import { Previews } from './previews.ts'
import { TryClients, type Engine } from './try-clients.ts'

export interface MattingServerOptions {
  /** Of mattebox, told to filters. */
  readonly version: string
  /** Default: where the filters look. */
  readonly socket?: string | undefined
  /** A build that blocks for longer is made by a second process, where somebody would wait for this one. */
  readonly longestBlockMs?: number | undefined
  /** Debug: a folder to record frames in. */
  readonly record?: string | undefined
  /** The channel to OBS; or why there is none, which is told to the main process in its place. */
  readonly addon: Addon | { readonly error: Complaint }
  /** Takes what the main process is told, and calls `sent` once the pipe has it. */
  readonly say: (message: FromInference, sent?: () => void) => void
}

const LONGEST_BLOCK_MS = 300
/** Planned networks whose filters did not come back are given up. */
const PLANS_LAST_MS = 10_000
/** A network that nobody uses stays for whoever changes his mind. */
const IDLE_NETWORKS = 1
const LONGEST_BYE_MS = 500
const MOST_FILTERS = 64
/** What a filter says reaches the main process at most so often. */
const TELL_INTERVAL_MS = 100

/**
 * Serves the filters that connect: takes frames of all sources, newest first and by fair shares, steps each source's
 * session, and answers. One step at a time: a run blocks the thread, and the engine is one.
 */
export class MattingServer {
  readonly #options: MattingServerOptions
  readonly #shares = new FairShare<LiveSource>()
  readonly #sources = new Set<LiveSource>()
  readonly #record: FrameRecord | undefined
  readonly #previews: Previews
  readonly #tries: TryClients
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
  /** When the main process was told of the sources last. */
  #told = -Infinity
  #telling: NodeJS.Timeout | undefined

  constructor(options: MattingServerOptions) {
    this.#options = options
    const { record, say } = options
    this.#previews = new Previews((preview, gone) => say({ kind: 'preview', preview }, gone))
    this.#tries = new TryClients({
      answer: (client, answer) => say({ kind: 'tryAnswer', client, answer }),
      objection: (key) => this.#objectionToTry(key),
      blocking: (work) => this.#blocking(work),
    })
    if (record !== undefined) {
      this.#record = new FrameRecord(record, (message) => say({ kind: 'log', level: 'warn', message }))
    }
  }

  /** Lets filters connect, where there is an addon. @throws {MatteboxError} CHANNEL_SOCKET */
  listen(): void {
    const { socket, version, addon, say } = this.#options
    if ('error' in addon) return say({ kind: 'unreachable', error: plain(addon.error) })
    const server = new ChannelServer({
      addon,
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
    this.#tries.start(engine, networks)
    this.#become(engine.state)
    for (const source of this.#sources) this.#provide(source)
  }

  /** There is nothing to serve with; the filters are told why. */
  doWithout(error: Complaint): void {
    this.#tries.doWithout(plain(error))
    this.#become({ state: 'none', error: plain(error) })
  }

  /** Previews of these filters are wanted, and of no others. */
  watch(filterIds: readonly string[]): void {
    this.#previews.watch(filterIds)
  }

  /** Takes a frame of a client without OBS; sources go first. */
  tryFrame(client: string, frame: TryRequest): void {
    this.#tries.take(client, frame)
    void this.#pump()
  }

  endTry(client: string): void {
    void this.#tries.end(client)
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

  /** Once a second: takes the figures since the last time, and tells them to the filters and the main process. */
  report(): void {
    let busyMs = 0
    for (const source of this.#sources) busyMs += source.busyMs
    for (const source of this.#sources) source.measure(busyMs)
    this.#tellFilters(this.#sources)
    this.#tell()
    this.#tries.tidy()
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
    void this.#tries.endAll()
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
      this.#tellSoon()
    })
    channel.on('size', (_size, ready) => this.#provide(source, ready))
    channel.on('stats', (stats) => {
      const covers = source.filterStats?.cover
      source.filterStats = stats
      if (stats.cover !== covers) this.#tellSoon()
    })
    channel.on('scene', ({ scene }) => {
      source.scene = scene
      this.#tellSoon()
    })
    channel.on('renamed', (names) => {
      source.names = names
      this.#tellSoon()
    })
    channel.on('reset', (reset) => {
      source.filterReset(reset)
      this.#tellSoon()
      const { epoch, reason, from, to } = reset
      this.#log('debug', `The filter on “${source.names.source}” reset: ${reason}.`, { ...fields, epoch, from, to })
    })
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
      this.#tell()
    })
    this.#tellFilters([source])
    this.#tell()
  }

  /** Steps sources, and where none waits clients without OBS, until nobody waits. */
  async #pump(): Promise<void> {
    if (this.#pumping) return
    this.#pumping = true
    try {
      while (!this.#failed) {
        const source = this.#shares.next()
        if (source) await this.#serve(source)
        else if (!(await this.#serveClient())) return
      }
    } finally {
      this.#pumping = false
    }
  }

  async #serve(source: LiveSource): Promise<void> {
    const began = performance.now()
    const turn = await source.step()
    this.#shares.charge(source, performance.now() - began)
    if (turn.kind === 'failed') return this.#fail(turn.error)
    if (turn.kind === 'answered') {
      // Its size may have become the source's own, or been it.
      if (!source.isAsWanted) this.#provide(source)
      if (turn.reset) this.#tellSoon()
    }
    // Sockets, timers and the main process have their turn between two steps.
    await turnOfTheLoop()
    if (turn.kind === 'nothing' || source.picture === undefined) return
    source.lookAtPicture()
    this.#previews.offer(source.channel.hello.filterId, source.picture, this.#shares.isAnybodyWaiting)
  }

  /** Whether there was something to do. */
  async #serveClient(): Promise<boolean> {
    const turn = await this.#tries.step()
    if (turn === undefined) return false
    if (turn.kind === 'failed') this.#fail(turn.error)
    else await turnOfTheLoop()
    return true
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
    const isSomebodyServed = Array.from(this.#sources).some(({ isServed }) => isServed)
    return isSomebodyServed && this.#blocksForLong(source.wanted!)
  }

  /** Whether a network is still to be built, and that takes longer than sources may wait. */
  #blocksForLong(key: NetworkKey): boolean {
    const networks = this.#networks!
    return !networks.has(key) && (networks.buildMs ?? 0) > (this.#options.longestBlockMs ?? LONGEST_BLOCK_MS)
  }

  /**
   * Why the network for a frame without OBS may not be built now. A second process is no way: to try something, every
   * filter would reconnect and begin anew on air.
   */
  #objectionToTry(key: NetworkKey): Complaint | undefined {
    const isSomebodyFilming = Array.from(this.#sources).some(({ isFilming }) => isFilming)
    if (!isSomebodyFilming || !this.#blocksForLong(key)) return undefined
    const seconds = (this.#networks!.buildMs! / 1000).toFixed(1)
    return new MatteboxError(
      'TRY_BUSY',
      `To build the network for this picture takes about ${seconds} s, and sources in OBS would wait for it.`,
      'Choose the size, the refiner and the foreground of a source in OBS, or try it while OBS shows no filter.',
    ).toJSON()
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
    const prepare = (): Promise<void> => session.prepare(key.width, key.height)
    await (networks.has(key) ? prepare() : this.#blocking(prepare))
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
    this.#tellFilters(this.#sources)
    this.#tell()
  }

  #tellFilters(sources: Iterable<LiveSource>): void {
    for (const source of sources) source.channel.stats(source.report(this.#state).sidecar)
  }

  /** Tells the main process of the sources, now. */
  #tell(): void {
    clearTimeout(this.#telling)
    this.#telling = undefined
    this.#told = performance.now()
    this.#options.say({ kind: 'sources', sources: Array.from(this.#sources, (source) => source.report(this.#state)) })
  }

  /** As `#tell`, once for all that is said together. */
  #tellSoon(): void {
    this.#telling ??= setTimeout(() => this.#tell(), Math.max(0, this.#told + TELL_INTERVAL_MS - performance.now()))
  }

  /** Two OBS that run the same scene collection have the same filter: what is asked of it reaches both. */
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
