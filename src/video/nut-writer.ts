import type { Writable } from 'node:stream'
import {
  BYTES_PER_PIXEL,
  crc32,
  FILE_ID,
  FOURCC,
  FRAME_FLAGS,
  LONG_PACKET_BYTES,
  STARTCODES,
  type RawVideoStream,
} from './nut-format.ts'

const MAX_DISTANCE_BYTES = 65536 // the most that the format allows between two syncpoints

/**
 * Writes frames as NUT with one stream of raw video: a syncpoint and a frame with its full time and a checksum each,
 * so that every frame stands alone (nut-format.ts names the source of the format).
 */
export class NutWriter {
  private begun = false

  constructor(
    private readonly output: Writable,
    private readonly stream: RawVideoStream,
  ) {}

  /**
   * Writes one frame. Resolves once its bytes are handed over: `data` may be changed then.
   *
   * @param data - height · width pixels in the stream's layout
   * @param pts - time in units of the time base, 0 or more
   * @throws {RangeError} if `data` has another size or `pts` is no whole number of 0 or more
   */
  write(data: Uint8Array, pts: number): Promise<void> {
    const { width, height, layout } = this.stream
    const bytes = width * height * BYTES_PER_PIXEL[layout]
    if (data.length !== bytes)
      throw new RangeError(`A frame of ${width}x${height} has ${bytes} bytes, not ${data.length}.`)
    if (!Number.isSafeInteger(pts) || pts < 0) throw new RangeError(`${pts} is no time of a frame.`)
    const syncpoint = packet(STARTCODES.syncpoint, Buffer.concat([varint(pts), varint(0)]))
    const header = Buffer.concat([Buffer.of(0), varint(pts + 1), varint(data.length)])
    const parts = [syncpoint, header, uint32(crc32(header))]
    if (!this.begun) parts.unshift(FILE_ID, mainHeader(this.stream), streamHeader(this.stream))
    this.begun = true
    return new Promise((resolve, reject) => {
      this.output.cork()
      this.output.write(Buffer.concat(parts))
      this.output.write(data, (error) => {
        if (error) reject(error)
        else resolve()
      })
      this.output.uncork()
    })
  }
}

/**
 * The main header. Its frame code table has one entry, for all codes: a key frame with its time, its size and a
 * checksum. (The count of 255 leaves out code 'N'.)
 */
function mainHeader({ timeBase }: RawVideoStream): Buffer {
  const flags = FRAME_FLAGS.key | FRAME_FLAGS.codedPts | FRAME_FLAGS.sizeMsb | FRAME_FLAGS.checksum
  const version = 3
  const [streams, timeBases, fieldsGiven] = [1, 1, 6]
  const [ptsDelta, sizeMul, streamId, sizeLsb, reserved, count] = [0, 1, 0, 0, 0, 255]
  const noElisionHeaders = 0
  return packet(
    STARTCODES.main,
    Buffer.concat(
      [
        ...[version, streams, MAX_DISTANCE_BYTES, timeBases, timeBase.num, timeBase.den, flags, fieldsGiven],
        ...[ptsDelta, sizeMul, streamId, sizeLsb, reserved, count, noElisionHeaders],
      ].map(varint),
    ),
  )
}

function streamHeader({ width, height, layout, pixelAspect }: RawVideoStream): Buffer {
  const fourcc = Buffer.from(FOURCC[layout], 'latin1')
  const [streamId, videoClass, timeBaseId, decodeDelay, streamFlags, codecDataBytes] = [0, 0, 0, 0, 0, 0]
  // Times are always written whole: a frame's coded time is at least 1 << msbPtsShift (`pts + 1` above).
  const msbPtsShift = 0
  const maxPtsDistance = 2 ** 30
  const { num: sampleWidth, den: sampleHeight } = pixelAspect ?? { num: 1, den: 1 }
  const colourspace = 0
  return packet(
    STARTCODES.stream,
    Buffer.concat([
      ...[streamId, videoClass, fourcc.length].map(varint),
      fourcc,
      ...[timeBaseId, msbPtsShift, maxPtsDistance, decodeDelay, streamFlags, codecDataBytes].map(varint),
      ...[width, height, sampleWidth, sampleHeight, colourspace].map(varint),
    ]),
  )
}

function packet(startcode: bigint, payload: Buffer): Buffer {
  const begin = Buffer.alloc(8)
  begin.writeBigUInt64BE(startcode)
  const forward = payload.length + 4
  const header = Buffer.concat([begin, varint(forward)])
  const headerChecksum = forward > LONG_PACKET_BYTES ? [uint32(crc32(header))] : []
  return Buffer.concat([header, ...headerChecksum, payload, uint32(crc32(payload))])
}

/** NUT's variable-length number: groups of 7 bits, the highest first, all but the last with the top bit set. */
function varint(value: number): Buffer {
  const groups = [value % 128]
  for (let rest = Math.floor(value / 128); rest > 0; rest = Math.floor(rest / 128)) groups.unshift((rest % 128) | 128)
  return Buffer.from(groups)
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}
