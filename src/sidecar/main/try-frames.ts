import type { Complaint } from '../../errors/index.ts'
import type { TryAnswer, TryRequest } from '../contract/inference-process.ts'
import type { InferenceChild } from './inference-child.ts'

interface Waiting {
  readonly child: InferenceChild
  readonly id: number
  readonly answer: (answer: TryAnswer) => void
  readonly givesUp: NodeJS.Timeout
}

/** The process may be building a network, and hears nothing meanwhile. */
const LONGEST_WAIT_MS = 5_000

/** Frames of clients that wait for their answer, one a client: each gets one, whatever becomes of the process. */
export class TryFrames {
  readonly #waiting = new Map<string, Waiting>()

  /** Sends a frame on; where the client's last one is not answered yet, this one is dropped. */
  send(child: InferenceChild, client: string, frame: TryRequest): Promise<TryAnswer> {
    const { id } = frame
    if (this.#waiting.has(client)) return Promise.resolve({ kind: 'dropped', id })
    return new Promise((resolve) => {
      const givesUp = setTimeout(() => this.end(client), LONGEST_WAIT_MS)
      this.#waiting.set(client, { child, id, answer: resolve, givesUp })
      child.send({ kind: 'tryFrame', client, frame })
    })
  }

  answered(child: InferenceChild, client: string, answer: TryAnswer): void {
    const waiting = this.#waiting.get(client)
    // One that was given up may be answered late.
    if (waiting?.child === child && waiting.id === answer.id) this.#settle(client, waiting, answer)
  }

  /** A process has gone, or is about to: its frames are dropped, or there is a reason to tell. */
  lost(child: InferenceChild, error?: Complaint): void {
    for (const [client, waiting] of this.#waiting) {
      if (waiting.child !== child) continue
      const { id } = waiting
      this.#settle(client, waiting, error ? { kind: 'error', id, error } : { kind: 'dropped', id })
    }
  }

  /** Drops what the client waits for. */
  end(client: string): void {
    const waiting = this.#waiting.get(client)
    if (waiting) this.#settle(client, waiting, { kind: 'dropped', id: waiting.id })
  }

  #settle(client: string, { answer, givesUp }: Waiting, found: TryAnswer): void {
    clearTimeout(givesUp)
    this.#waiting.delete(client)
    answer(found)
  }
}
