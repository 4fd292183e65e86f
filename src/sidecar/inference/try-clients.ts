import { MatteboxError, type Complaint } from '../../errors/index.ts'
import { LIVE_SIDE } from '../../settings/live-side.ts'
import { narrowToHalf } from '../../model/weights/half-float.ts'
import type { EngineState, TryAnswer, TryRequest } from '../contract/inference-process.ts'
import { brokenMatte, MOST_BROKEN_MATTES } from './broken-mattes.ts'
import { areFinite, MattingSession, type ResetReason } from './matting-session.ts'
import { networkName, type NetworkKey, type NetworkOptions, type NetworkPool } from './network-pool.ts'

/** What runs the networks. */
export interface Engine extends NetworkOptions {
  readonly state: Extract<EngineState, { state: 'ready' }>
}

/** What the pump needs to know of a step. */
export type TryTurn = { readonly kind: 'over' } | { readonly kind: 'failed'; readonly error: unknown }

export interface TryClientsOptions {
  readonly answer: (client: string, answer: TryAnswer) => void
  /** Why a network may not be built now; undefined: it may. */
  readonly objection: (key: NetworkKey) => Complaint | undefined
  /** Does work that blocks for as long as a driver compiles. */
  readonly blocking: (work: () => Promise<void>) => Promise<void>
}

interface Client {
  readonly name: string
  waiting: { readonly frame: TryRequest; readonly since: number } | undefined
  serving: { readonly session: MattingSession; readonly key: NetworkKey } | undefined
  /** When a frame of it came last. */
  heard: number
  /** Of answers, in a row. */
  broken: number
  /** The step that is under way, or was last; never rejects. */
  turn: Promise<unknown>
}

const MOST_CLIENTS = 4
/** A frame that waited for longer shows what was. */
const LONGEST_WAIT_MS = 1000
const LONGEST_SILENCE_MS = 30_000

/**
 * Those who have frames matted without OBS, each with a recurrent state of its own. Whoever calls says when there is
 * time: nothing is stepped or built by itself.
 */
export class TryClients {
  readonly #options: TryClientsOptions
  readonly #clients = new Map<string, Client>()
  #running: { readonly engine: Engine; readonly networks: NetworkPool } | undefined
  /** Why there is no engine. */
  #lack: Complaint | undefined

  constructor(options: TryClientsOptions) {
    this.#options = options
  }

  /** Frames can be stepped from now on. */
  start(engine: Engine, networks: NetworkPool): void {
    this.#running = { engine, networks }
    this.#lack = undefined
  }

  /** There is nothing to serve with. */
  doWithout(error: Complaint): void {
    this.#lack = error
  }

  /** Takes a frame. It waits for `step`, or is answered at once where it would wait in vain. */
  take(name: string, frame: TryRequest): void {
    const refusal = this.#lack ?? wrongSize(frame) ?? this.#crowded(name)
    if (refusal) return this.#options.answer(name, { kind: 'error', id: frame.id, error: refusal })
    if (this.#running === undefined) return this.#drop(name, frame)
    const client = this.#clients.get(name) ?? newClient(name)
    this.#clients.set(name, client)
    if (client.waiting) this.#drop(name, client.waiting.frame)
    client.heard = performance.now()
    client.waiting = { frame, since: client.heard }
  }

  /** Drops frames that have waited too long, and lets go of clients that were silent for too long. */
  tidy(): void {
    const now = performance.now()
    for (const client of this.#clients.values()) {
      if (client.waiting && now - client.waiting.since > LONGEST_WAIT_MS) {
        this.#drop(client.name, client.waiting.frame)
        client.waiting = undefined
      }
      if (now - client.heard > LONGEST_SILENCE_MS) void this.end(client.name)
    }
  }

  /** Steps the frame that has waited longest; undefined where none waits. One step at a time. */
  async step(): Promise<TryTurn | undefined> {
    this.tidy()
    let client: Client | undefined
    for (const other of this.#clients.values()) {
      if (other.waiting && !(client?.waiting && client.waiting.since <= other.waiting.since)) client = other
    }
    if (client?.waiting === undefined) return undefined
    const { frame } = client.waiting
    client.waiting = undefined
    const turn = this.#step(client, frame)
    client.turn = turn.catch(() => undefined)
    try {
      await turn
      return { kind: 'over' }
    } catch (error) {
      return { kind: 'failed', error }
    }
  }

  /** A client has gone. */
  async end(name: string): Promise<void> {
    const client = this.#clients.get(name)
    if (client === undefined) return
    this.#clients.delete(name)
    if (client.waiting) this.#drop(name, client.waiting.frame)
    await client.turn
    await client.serving?.session[Symbol.asyncDispose]()
  }

  /** All have gone. */
  async endAll(): Promise<void> {
    for (const name of this.#clients.keys()) await this.end(name)
  }

  async #step(client: Client, frame: TryRequest): Promise<void> {
    const { id, width, height, planes } = frame
    const running = this.#running!
    const serving = await this.#serve(client, frame)
    if (serving === undefined) return
    const { session } = serving
    session.cutDetection = frame.cutDetection
    if (frame.reset) session.reset('asked')
    const data = bgraOf(frame.rgba)
    const { planes: found, runMs, reset } = await session.step({ data, width, height })
    if (!areFinite(found)) return this.#answeredBroken(client, session, id)
    client.broken = 0
    const { provider, model } = running.engine.state
    const texels = new Uint8Array(narrowToHalf(found).buffer)
    this.#options.answer(client.name, {
      kind: 'matte',
      ...{ id, width, height, planes, texels, runMs },
      reset: reset ?? null,
      provider,
      model,
    })
  }

  /** The session that a frame wants, with nothing in its memory where it is another than before. */
  async #serve(client: Client, frame: TryRequest): Promise<Client['serving']> {
    const { width, height, refiner, planes } = frame
    const key = { width, height, refiner, planes }
    const before = client.serving
    if (before && networkName(before.key) === networkName(key)) return before
    const { engine, networks } = this.#running!
    const isThere = networks.has(key)
    const error = isThere ? undefined : this.#options.objection(key)
    if (error) {
      this.#options.answer(client.name, { kind: 'error', id: frame.id, error })
      return undefined
    }
    const session = new MattingSession(
      // Numbers that are none are looked for here: the provider may go on after a few.
      { ...engine, refiner, planes, cutDetection: frame.cutDetection, checksNumbers: false },
      networks,
    )
    const prepare = (): Promise<void> => session.prepare(width, height)
    await (isThere ? prepare() : this.#options.blocking(prepare))
    session.reset(beginning(before?.key, key))
    client.serving = { session, key }
    await before?.session[Symbol.asyncDispose]()
    return client.serving
  }

  #answeredBroken(client: Client, session: MattingSession, id: number): void {
    session.reset('error')
    client.broken++
    const error = brokenMatte()
    this.#options.answer(client.name, { kind: 'error', id, error: error.toJSON() })
    if (client.broken >= MOST_BROKEN_MATTES) throw error
  }

  #crowded(name: string): Complaint | undefined {
    if (this.#clients.has(name) || this.#clients.size < MOST_CLIENTS) return undefined
    return new MatteboxError(
      'TRY_FULL',
      `${MOST_CLIENTS} pages try the network already.`,
      'Close one of them.',
    ).toJSON()
  }

  #drop(name: string, { id }: TryRequest): void {
    this.#options.answer(name, { kind: 'dropped', id })
  }
}

function newClient(name: string): Client {
  return { name, waiting: undefined, serving: undefined, heard: 0, broken: 0, turn: Promise.resolve() }
}

/** Why the states are empty where another session begins. */
function beginning(before: NetworkKey | undefined, key: NetworkKey): ResetReason {
  if (before === undefined) return 'first'
  return before.width !== key.width || before.height !== key.height ? 'size' : 'restart'
}

function wrongSize({ width, height, rgba }: TryRequest): Complaint | undefined {
  const { min, max, multiple } = LIVE_SIDE
  const isSide = (side: number): boolean => side >= min && side <= max && side % multiple === 0
  if (isSide(width) && isSide(height) && rgba.length === width * height * 4) return undefined
  return new MatteboxError(
    'SHAPE',
    `A frame of ${width}x${height} has ${rgba.length} bytes.`,
    `Sides are multiples of ${multiple} from ${min} to ${max}, and each pixel has four bytes.`,
  ).toJSON()
}

/** RGBA as the network takes it. */
function bgraOf(rgba: Uint8Array): Uint8Array {
  const bgra = new Uint8Array(rgba.length)
  for (let i = 0; i < rgba.length; i += 4) {
    bgra[i] = rgba[i + 2]
    bgra[i + 1] = rgba[i + 1]
    bgra[i + 2] = rgba[i]
    bgra[i + 3] = rgba[i + 3]
  }
  return bgra
}
