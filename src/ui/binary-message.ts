/** Binary messages of the WebSockets: the length of the header (uint32, little-endian), the header (JSON), the bytes. */

export function encodeMessage(header: object, bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const text = new TextEncoder().encode(JSON.stringify(header))
  const message = new Uint8Array(4 + text.length + bytes.length)
  new DataView(message.buffer).setUint32(0, text.length, true)
  message.set(text, 4)
  message.set(bytes, 4 + text.length)
  return message
}

/** @returns the header, and where the bytes begin */
export function decodeMessage(message: ArrayBuffer): { readonly header: unknown; readonly start: number } {
  const headerBytes = new DataView(message).getUint32(0, true)
  const header: unknown = JSON.parse(new TextDecoder().decode(new Uint8Array(message, 4, headerBytes)))
  return { header, start: 4 + headerBytes }
}
