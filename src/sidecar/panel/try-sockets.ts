import { randomUUID } from 'node:crypto'
import { Check } from 'typebox/schema'
import type { WebSocket } from 'ws'
import { TryFrame, type TryFailure, type TryMatte } from '../../api/index.ts'
import type { TryAnswer, TryRequest } from '../contract/inference-process.ts'
import { REPORT_IT, type Log } from '../main/log.ts'
import { fault } from './check-part.ts'
import { decodeMessage, encodeMessage } from './socket-message.ts'
import { UNSENT_MAX } from './sockets.ts'

/** What mattes frames without OBS. */
export interface TryEngine {
  tryFrame(client: string, frame: TryRequest): Promise<TryAnswer>
  endTry(client: string): void
}

/** `/api/try`: a frame comes in, its matte goes out, one at a time for each client. */
export class TrySockets {
  constructor(
    readonly engine: TryEngine,
    readonly localize: (text: string) => string,
    readonly log: Log,
  ) {}

  readonly add = (socket: WebSocket): void => {
    const client = randomUUID()
    let isBusy = false
    socket.on('message', (data: Buffer, isBinary) => {
      const frame = isBinary ? readFrame(data) : wrong('', 'A frame is a binary message, and this was text.')
      if ('kind' in frame) say(socket, JSON.stringify(frame))
      else if (isBusy) say(socket, JSON.stringify({ kind: 'dropped', id: frame.id } satisfies TryFailure))
      else {
        isBusy = true
        void this.#matte(client, frame).then((answer) => {
          isBusy = false
          say(socket, answer)
        })
      }
    })
    socket.on('close', () => this.engine.endTry(client))
  }

  async #matte(client: string, frame: TryRequest): Promise<string | Buffer> {
    try {
      const answer = await this.engine.tryFrame(client, frame)
      if (answer.kind === 'dropped') return JSON.stringify(answer satisfies TryFailure)
      if (answer.kind === 'error') {
        const error = { ...answer.error, mend: this.localize(answer.error.mend) }
        return JSON.stringify({ ...answer, error } satisfies TryFailure)
      }
      const { texels, ...header } = answer
      return encodeMessage(header satisfies TryMatte, texels)
    } catch (error) {
      this.log.error('A frame of the panel failed.', { error: error instanceof Error ? error.stack : String(error) })
      const complaint = {
        code: 'PANEL_FAULT',
        message: 'mattebox made a mistake.',
        mend: REPORT_IT,
      }
      return JSON.stringify({ kind: 'error', id: frame.id, error: complaint } satisfies TryFailure)
    }
  }
}

function say(socket: WebSocket, message: string | Buffer): void {
  // Whoever sends and never reads.
  if (socket.bufferedAmount > UNSENT_MAX) socket.terminate()
  else if (socket.readyState === socket.OPEN) socket.send(message)
}

function readFrame(message: Buffer): TryRequest | TryFailure {
  const parts = decodeMessage(message)
  if (typeof parts === 'string') return wrong('', parts)
  const { header, bytes } = parts
  if (!Check(TryFrame, header)) {
    const { field, found } = fault(TryFrame, header)
    return wrong(field, `${field === '' ? 'Its header' : field} ${found}.`, header)
  }
  // It was checked against it.
  const frame = header
  const wanted = 4 * frame.width * frame.height
  if (bytes.length !== wanted) {
    return wrong(
      '/width',
      `${frame.width}x${frame.height} takes ${wanted} bytes of RGBA, and ${bytes.length} came.`,
      frame,
    )
  }
  return { ...frame, rgba: bytes }
}

function wrong(field: string, found: string, header?: unknown): TryFailure {
  const { id } = (header ?? {}) as { id?: unknown }
  const error = {
    code: 'REQUEST_INVALID',
    message: `A frame of /api/try is malformed. ${found}`,
    mend: 'See docs/api.md, /api/try.',
    field,
  }
  return { kind: 'error', id: typeof id === 'number' && Number.isSafeInteger(id) ? id : null, error }
}
