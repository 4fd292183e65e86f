import { open } from 'node:fs/promises'

const SIGNATURE = '\x89PNG\r\n\x1a\n'
const LOOKED_AT_BYTES = 65536
/** They say nothing of how the picture is to be read. */
const WORDS = ['tEXt', 'zTXt', 'iTXt', 'tIME']

/**
 * What a PNG says of its picture before the pixels: size, depth, colours, turn, and whatever else, but for texts and the
 * date (PNG specification, chapter 5: a length, a name, the content and a checksum a chunk). Pictures of which it is equal
 * are read alike.
 *
 * @returns undefined for other files, for animations, for headers over 64 KiB, and for what cannot be opened
 */
export async function pngHeader(path: string): Promise<string | undefined> {
  const file = await open(path).catch(() => undefined)
  if (file === undefined) return undefined
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(LOOKED_AT_BYTES), 0, LOOKED_AT_BYTES, 0)
    return headerOf(buffer.subarray(0, bytesRead))
  } finally {
    await file.close()
  }
}

function headerOf(bytes: Buffer): string | undefined {
  if (bytes.toString('latin1', 0, SIGNATURE.length) !== SIGNATURE) return undefined
  const chunks: string[] = []
  for (let at = SIGNATURE.length; at + 8 <= bytes.length;) {
    const name = bytes.toString('latin1', at + 4, at + 8)
    const end = at + 12 + bytes.readUInt32BE(at)
    if (name === 'IDAT') return chunks.join('')
    if (name === 'acTL' || end > bytes.length) return undefined
    if (!WORDS.includes(name)) chunks.push(bytes.toString('latin1', at, end))
    at = end
  }
  return undefined
}
