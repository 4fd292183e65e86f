import {
  EventSubscription,
  OBSWebSocket,
  OBSWebSocketError,
  RequestBatchExecutionType,
  type OBSEventTypes,
  type OBSRequestTypes,
  type OBSResponseTypes,
} from 'obs-websocket-js'
import { MatteboxError } from '../errors/index.ts'

/** Numbers of obs-websocket's protocol, by its names. */
export const STATUS = { NotReady: 207, ResourceNotFound: 600, ResourceAlreadyExists: 601, InvalidFilterKind: 607 }

const AUTHENTICATION_FAILED = 4009
/** Requests in a message: OBS answers others in between. */
const BATCH_MAX = 50

const SUBSCRIPTIONS =
  EventSubscription.General |
  EventSubscription.Config |
  EventSubscription.Scenes |
  EventSubscription.Inputs |
  EventSubscription.Filters |
  EventSubscription.SceneItems

/** The only way out of a connection whose other side is stopped: the polite one waits half a minute for an answer. */
class Client extends OBSWebSocket {
  terminate(): void {
    const socket = this.socket as unknown as { terminate(): void } | undefined
    socket?.terminate()
  }
}

/** One connection to an OBS on this machine. Nothing that it is asked takes longer than `answerMs`. */
export class ObsSocket {
  /** When the connection ended, with the reason. */
  readonly ended: Promise<MatteboxError>
  #reason: MatteboxError | undefined
  readonly #waiting = new Set<(reason: MatteboxError) => void>()

  private constructor(
    private readonly client: Client,
    readonly address: string,
    private readonly answerMs: number,
  ) {
    this.ended = new Promise((resolve) => {
      client.once('ConnectionClosed', () => {
        this.#reason ??= away(address)
        for (const reject of this.#waiting) reject(this.#reason)
        resolve(this.#reason)
      })
    })
  }

  /**
   * @param stop - gives up at once
   * @throws {MatteboxError} OBS_AWAY, OBS_PASSWORD, OBS_SILENT, OBS_REFUSED
   */
  static async open(
    port: number,
    password: string | undefined,
    { answerMs, stop }: { answerMs: number; stop?: AbortSignal },
  ): Promise<ObsSocket> {
    const client = new Client()
    const address = addressOf(port)
    const late = new AbortController()
    const timer = setTimeout(() => late.abort(), answerMs)
    const giveUp = (): void => client.terminate()
    for (const signal of [late.signal, stop]) signal?.addEventListener('abort', giveUp)
    try {
      await client.connect(address, password, { eventSubscriptions: SUBSCRIPTIONS })
      return new ObsSocket(client, address, answerMs)
    } catch (error) {
      throw late.signal.aborted ? silent(address) : whyNot(error, address)
    } finally {
      clearTimeout(timer)
      stop?.removeEventListener('abort', giveUp)
    }
  }

  on<Name extends keyof OBSEventTypes>(name: Name, listener: () => void): void {
    // The types of eventemitter3 do not see through a generic name.
    this.client.on(name as 'ExitStarted', listener)
  }

  /**
   * @throws {OBSWebSocketError} what OBS has against it
   * @throws {MatteboxError} OBS_AWAY, OBS_SILENT: the connection is over
   */
  call<Name extends keyof OBSRequestTypes>(name: Name, data?: OBSRequestTypes[Name]): Promise<OBSResponseTypes[Name]> {
    return this.#inTime(() => this.client.call(name, data))
  }

  /**
   * The same request for many things, in few messages.
   *
   * @returns an answer for each; null where OBS refused
   * @throws {MatteboxError} OBS_AWAY, OBS_SILENT: the connection is over
   */
  async callEach<Name extends keyof OBSRequestTypes>(
    name: Name,
    data: readonly OBSRequestTypes[Name][],
  ): Promise<(OBSResponseTypes[Name] | null)[]> {
    const answers: (OBSResponseTypes[Name] | null)[] = []
    for (let n = 0; n < data.length; n += BATCH_MAX) {
      const requests = data.slice(n, n + BATCH_MAX).map((requestData) => ({ requestType: name, requestData }))
      const options = { executionType: RequestBatchExecutionType.SerialRealtime }
      const results = await this.#inTime(() => this.client.callBatch(requests as never, options))
      for (const { requestStatus, responseData } of results)
        answers.push(requestStatus.result ? (responseData as OBSResponseTypes[Name]) : null)
    }
    return answers
  }

  close(): void {
    this.client.terminate()
  }

  /** The library's own promises stay open for ever where the connection ends or nobody answers. */
  #inTime<T>(ask: () => Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.#reason) return reject(this.#reason)
      const end = (): void => {
        clearTimeout(timer)
        this.#waiting.delete(fail)
      }
      const fail = (reason: Error): void => {
        end()
        reject(reason)
      }
      const timer = setTimeout(() => {
        this.#reason = silent(this.address)
        this.client.terminate()
      }, this.answerMs)
      this.#waiting.add(fail)
      ask().then((answer) => {
        end()
        resolve(answer)
      }, fail)
    })
  }
}

export function addressOf(port: number): string {
  return `ws://127.0.0.1:${port}`
}

export function away(address: string): MatteboxError {
  return new MatteboxError('OBS_AWAY', `No OBS Studio answers at ${address}.`, 'Start OBS Studio.')
}

function silent(address: string): MatteboxError {
  return new MatteboxError(
    'OBS_SILENT',
    `OBS Studio at ${address} does not answer.`,
    'Wait until it does; if it stays so, end and restart OBS Studio.',
  )
}

function whyNot(error: unknown, address: string): MatteboxError {
  if (error instanceof MatteboxError) return error
  const { code, message } = error as OBSWebSocketError
  if (code === AUTHENTICATION_FAILED) return passwordWanted(address)
  if (/ECONNREFUSED|ECONNRESET|hang up/.test(message)) return away(address)
  if (code === -1) {
    const found = `What listens at ${address} is not the WebSocket server of OBS Studio (${message}).`
    return new MatteboxError('OBS_AWAY', found, 'Say on which port OBS listens: Tools → WebSocket Server Settings.')
  }
  return refused(error)
}

export function passwordWanted(address: string): MatteboxError {
  return new MatteboxError(
    'OBS_PASSWORD',
    `OBS Studio at ${address} wants a password that is not known here.`,
    'In OBS: Tools → WebSocket Server Settings → Show Connect Info; give the password that stands there.',
  )
}

/** What OBS has against a request, in its own words. */
export function refused(error: unknown): MatteboxError {
  if (error instanceof MatteboxError) return error
  const { message } = error as Error
  const number = error instanceof OBSWebSocketError ? ` (${error.code})` : ''
  const found = `OBS Studio refused${number}${message === '' ? '' : ': '}${message}.`.replace(/\.\.$/, '.')
  return new MatteboxError('OBS_REFUSED', found, 'Look into OBS, then try again.', { cause: error })
}

/** Whether OBS answered a request with this status. */
export function hasStatus(error: unknown, status: number): boolean {
  return error instanceof OBSWebSocketError && error.code === status
}
