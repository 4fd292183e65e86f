/**
 * What the reader and the writer of NUT share: NUT is the small container that carries raw frames with exact times
 * through ffmpeg's pipes. Source: "NUT Open Container Format", version 3 and 4, Michael Niedermayer and others.
 */

export const FILE_ID = Buffer.from('nut/multimedia container\0', 'latin1')

/** Every packet but a frame begins with eight bytes; the first is 'N', which no frame's first byte may be. */
export const STARTCODES = {
  main: 0x4e4d7a561f5f04adn,
  stream: 0x4e5311405bf2f9dbn,
  syncpoint: 0x4e4be4adeeca4569n,
  index: 0x4e58dd672f23e64en,
  info: 0x4e49ab68b596ba78n,
} as const
export const STARTCODE_FIRST_BYTE = 0x4e

/** Flags of a frame, in the frame code table and, changed by `coded`, in the frame itself. */
export const FRAME_FLAGS = {
  key: 1,
  endOfRelevance: 2,
  codedPts: 8,
  streamId: 16,
  sizeMsb: 32,
  checksum: 64,
  reserved: 128,
  sideData: 256,
  headerIndex: 1024,
  matchTime: 2048,
  coded: 4096,
  invalid: 8192,
} as const

/** Pixels a side of the largest picture: a buffer for a frame must not have any size that garbage names. */
export const MAX_SIDE = 16384

/** Packets longer than this carry a checksum of their header. */
export const LONG_PACKET_BYTES = 4096

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 24
  for (let bit = 0; bit < 8; bit++) crc = crc & 0x80000000 ? (crc << 1) ^ 0x04c11db7 : crc << 1
  return crc >>> 0
})

/** NUT's checksum: CRC-32 with polynomial 0x04C11DB7, most significant bit first, begun and ended without inversion. */
export function crc32(bytes: Uint8Array, crc = 0): number {
  for (const byte of bytes) crc = ((crc << 8) ^ CRC_TABLE[(crc >>> 24) ^ byte]) >>> 0
  return crc
}

/** A fraction: a frame rate in frames a second, or a unit of time in seconds. */
export interface Rational {
  readonly num: number
  readonly den: number
}

/** How the pixels of a raw stream lie in memory: rows from the top, without padding. */
export type PixelLayout = 'bgra' | 'bgr0' | 'gray'

export const BYTES_PER_PIXEL: Readonly<Record<PixelLayout, number>> = { bgra: 4, bgr0: 4, gray: 1 }

/** The four characters under which ffmpeg writes and finds these layouts. */
export const FOURCC: Readonly<Record<PixelLayout, string>> = { bgra: 'BGRA', bgr0: 'BGR\0', gray: 'Y800' }

/** One stream of raw frames. */
export interface RawVideoStream {
  readonly width: number
  readonly height: number
  readonly layout: PixelLayout
  /** Unit of the frames' times in seconds. */
  readonly timeBase: Rational
  /** Width to height of one pixel; undefined for square ones. */
  readonly pixelAspect?: Rational | undefined
}

/** A stream is not NUT, is cut off, or holds something else than one stream of raw frames. */
export class NutError extends Error {
  override readonly name = 'NutError'
}
