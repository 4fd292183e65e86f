import type { TryFrame, TryMatte } from '../../api/index.ts'

/**
 * Binary messages of `/api/try`: the length of the header (uint32, little-endian), the header (JSON, UTF-8), the bytes.
 */

/** @param rgba - [height, width, 4], straight */
export function encodeTryFrame(header: TryFrame, rgba: Uint8Array): Uint8Array<ArrayBuffer> {
  const text = new TextEncoder().encode(JSON.stringify(header))
  const message = new Uint8Array(4 + text.length + rgba.length)
  new DataView(message.buffer).setUint32(0, text.length, true)
  message.set(text, 4)
  message.set(rgba, 4 + text.length)
  return message
}

export interface ReceivedMatte {
  readonly header: TryMatte
  /** float16 bits [planes, height, width]. */
  readonly planes: Uint16Array
}

export function decodeTryMatte(message: ArrayBuffer): ReceivedMatte {
  const headerBytes = new DataView(message).getUint32(0, true)
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(message, 4, headerBytes))) as TryMatte
  // A header of odd length leaves the halves where they cannot be looked at in place.
  return { header, planes: new Uint16Array(message.slice(4 + headerBytes)) }
}
