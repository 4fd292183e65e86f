/** Binary messages of the WebSockets: the length of the header (uint32, little-endian), the header (JSON), the bytes. */

const HEADER_MAX = 4096

export function encodeMessage(header: object, ...bytes: readonly Uint8Array[]): Buffer {
  const text = Buffer.from(JSON.stringify(header))
  const length = Buffer.alloc(4)
  length.writeUInt32LE(text.length)
  return Buffer.concat([length, text, ...bytes])
}

/** The parts of a message; or what is wrong with it. The header is not checked beyond being JSON. */
export function decodeMessage(message: Buffer): { readonly header: unknown; readonly bytes: Buffer } | string {
  if (message.length < 4) return 'It is shorter than the length of a header.'
  const length = message.readUInt32LE()
  if (length > HEADER_MAX || 4 + length > message.length) return `Its header is said to take ${length} bytes.`
  try {
    const header: unknown = JSON.parse(message.toString('utf8', 4, 4 + length))
    return { header, bytes: message.subarray(4 + length) }
  } catch {
    return 'Its header is not JSON.'
  }
}
