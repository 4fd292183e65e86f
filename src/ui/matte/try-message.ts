import type { TryFrame, TryMatte } from '../../api/index.ts'
import { decodeMessage, encodeMessage } from '../binary-message.ts'

/** Binary messages of `/api/try`. */

/** @param rgba - [height, width, 4], straight */
export function encodeTryFrame(header: TryFrame, rgba: Uint8Array): Uint8Array<ArrayBuffer> {
  return encodeMessage(header, rgba)
}

export interface ReceivedMatte {
  readonly header: TryMatte
  /** float16 bits [planes, height, width]. */
  readonly planes: Uint16Array
}

export function decodeTryMatte(message: ArrayBuffer): ReceivedMatte {
  const { header, start } = decodeMessage(message)
  // A header of odd length leaves the halves where they cannot be looked at in place.
  return { header: header as TryMatte, planes: new Uint16Array(message.slice(start)) }
}
