import { MatteboxError, type Complaint } from '../../../errors/index.ts'
import type { NativeChannel } from './addon.ts'
import { breach, endOf, late } from './channel-error.ts'
import type { Hello, Size } from './messages.ts'
import { parseHello } from './parse-message.ts'
import { LIMITS, MESSAGES } from './wire.ts'

/** Decides about a filter that said a good hello: a complaint refuses it, and is told to it. */
export type Admit = (hello: Hello) => Complaint | undefined | Promise<Complaint | undefined>

export interface Outcome {
  readonly welcomed: (hello: Hello, size: Size) => void
  /** It was told why, if it still listens. */
  readonly refused: (complaint: Complaint) => void
  /** It hung up by itself, or the handshake was abandoned. */
  readonly gone: () => void
}

export interface Handshake {
  /** Ends it without a word; does nothing once it is over. */
  abandon(): void
}

/**
 * Receives and checks a filter's hello and its memory, and welcomes or refuses it. One of the outcomes is called, once.
 *
 * @param sidecar - this side's version, for the welcome
 */
export function shakeHands(native: NativeChannel, sidecar: string, admit: Admit, outcome: Outcome): Handshake {
  let over = false
  const finish = (then: () => void): void => {
    if (over) return
    over = true
    clearTimeout(timer)
    then()
  }
  const refuse = (complaint: Complaint): void =>
    finish(() => {
      const { code, message, mend } = complaint
      native.send(MESSAGES.refused, JSON.stringify({ code, message, mend }))
      native.close()
      outcome.refused(complaint)
    })

  // What came in time may still be unread where this thread was busy: the loop reads between timers and immediates.
  const timer = setTimeout(() => setImmediate(() => refuse(late())), LIMITS.handshakeMs)

  let hello: Hello | undefined
  const receive = async (type: number, text: string, hasMemory: boolean): Promise<void> => {
    if (hello !== undefined) throw breach('a message before it was welcomed')
    if (type !== MESSAGES.hello) throw breach('a message before its hello')
    hello = parseHello(text)
    if (!hasMemory) throw breach('a hello without memory')
    const memory = native.adopt()
    if (typeof memory === 'string') throw breach(`memory that cannot be used: ${memory}`)
    const admitted = hello
    const complaint = await admit(admitted)
    if (complaint !== undefined) return refuse(complaint)
    finish(() => {
      native.send(MESSAGES.welcome, JSON.stringify({ wire: LIMITS.wireVersion, sidecar }))
      outcome.welcomed(admitted, memory)
    })
  }

  native.handle({
    frames: () => undefined,
    message: (...message) => {
      receive(...message).catch((error: unknown) => {
        if (!(error instanceof MatteboxError)) throw error
        refuse(error)
      })
    },
    closed: (code, fault) =>
      finish(() => {
        const breached = endOf(code, fault)
        if (breached) outcome.refused(breached)
        else outcome.gone()
      }),
  })

  return {
    abandon: () =>
      finish(() => {
        native.close()
        outcome.gone()
      }),
  }
}
