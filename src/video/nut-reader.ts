import type { Readable } from 'node:stream'
import { ByteSource } from './byte-source.ts'
import {
  BYTES_PER_PIXEL,
  crc32,
  FILE_ID,
  FOURCC,
  FRAME_FLAGS,
  LONG_PACKET_BYTES,
  MAX_SIDE,
  NutError,
  STARTCODE_FIRST_BYTE,
  STARTCODES,
  type PixelLayout,
  type Rational,
  type RawVideoStream,
} from './nut-format.ts'

/** Headers are a few hundred bytes; a length beyond this is garbage. */
const MAX_HEADER_BYTES = 65536
interface FrameCode {
  readonly flags: number
  readonly streamId: number
  readonly sizeMul: number
  readonly sizeLsb: number
  readonly ptsDelta: number
  readonly reserved: number
  readonly headerIndex: number
}

/** Where and when a frame was read: its bytes are in the buffer that the caller gave. */
export interface NutFrame {
  readonly data: Uint8Array
  /** In units of the stream's time base. */
  readonly pts: number
}

/**
 * Reads frames from NUT with one stream of raw video, as ffmpeg writes it into a pipe (nut-format.ts names the source
 * of the format). Memory is one frame, whatever comes.
 */
export class NutReader {
  private readonly source: ByteSource
  private readonly codes: (FrameCode | undefined)[] = []
  private elisionHeaders: (Uint8Array | undefined)[] = []
  private timeBases: (Rational | undefined)[] = []
  private timeBaseId = 0
  private msbPtsShift = 0
  private lastPts = 0
  private video: RawVideoStream | undefined

  constructor(
    stream: Readable,
    private readonly layout: PixelLayout,
  ) {
    this.source = new ByteSource(stream)
  }

  /** Bytes that have arrived so far. */
  get received(): number {
    return this.source.received
  }

  /**
   * Reads the headers, once.
   *
   * @returns the stream; undefined if the input ends before its first byte
   * @throws {NutError}
   */
  async open(): Promise<RawVideoStream | undefined> {
    if (this.video !== undefined) return this.video
    const id = Buffer.alloc(FILE_ID.length)
    const got = await this.source.fill(id)
    if (got === 0) return undefined
    if (got < id.length || !id.equals(FILE_ID)) throw new NutError('This is no NUT stream.')
    for (;;) {
      const first = await this.source.byte()
      if (first !== STARTCODE_FIRST_BYTE) throw new NutError('The NUT stream has a frame before its headers.')
      const stream = await this.readPacket()
      if (stream !== undefined) {
        this.video = stream
        return stream
      }
    }
  }

  /**
   * Reads the next frame; headers first, if `open` was not called.
   *
   * @param place - gives the buffer for a frame of so many bytes
   * @returns the frame; undefined at the end
   * @throws {NutError} if the stream ends inside a frame, or a frame has another size than the first
   */
  async read(place: (bytes: number) => Uint8Array): Promise<NutFrame | undefined> {
    if ((await this.open()) === undefined) return undefined
    for (;;) {
      const first = await this.source.byte()
      if (first === undefined) return undefined
      if (first !== STARTCODE_FIRST_BYTE) return this.readFrame(first, place)
      await this.readPacket()
    }
  }

  private async readFrame(code: number, place: (bytes: number) => Uint8Array): Promise<NutFrame> {
    const entry = this.codes[code]
    if (entry === undefined) throw new NutError(`The NUT stream has no frame code ${code}.`)
    const header = new CheckedHeader(this.source, Buffer.of(code))
    let { flags, reserved, headerIndex, sizeLsb: size } = entry
    let pts = this.lastPts + entry.ptsDelta
    if (flags & FRAME_FLAGS.coded) flags ^= await header.varint()
    if (flags & FRAME_FLAGS.invalid) throw new NutError('The NUT stream has an invalid frame.')
    const streamId = flags & FRAME_FLAGS.streamId ? await header.varint() : entry.streamId
    if (streamId !== 0) throw new NutError('The NUT stream has a frame of a second stream.')
    if (flags & FRAME_FLAGS.codedPts) pts = this.fullPts(await header.varint())
    if (flags & FRAME_FLAGS.sizeMsb) size += (await header.varint()) * entry.sizeMul
    if (flags & FRAME_FLAGS.matchTime) await header.varint()
    if (flags & FRAME_FLAGS.headerIndex) headerIndex = await header.varint()
    if (flags & FRAME_FLAGS.reserved) reserved = await header.varint()
    for (let i = 0; i < Math.min(reserved, 256); i++) await header.varint()
    if (flags & FRAME_FLAGS.checksum) await header.check()
    if (flags & FRAME_FLAGS.sideData) throw new NutError('The NUT stream has side data.')

    const { width, height } = this.video!
    const expected = width * height * BYTES_PER_PIXEL[this.layout]
    if (size !== expected) throw new FrameSizeError(`A frame has ${size} bytes, ${width}x${height} has ${expected}.`)
    const data = place(size)
    // A beginning that many frames share stands in the main header and is left out of the frames (small frames only).
    const elided = this.elisionHeaders[size > LONG_PACKET_BYTES ? 0 : headerIndex]
    if (elided === undefined || elided.length > size) throw new NutError('The NUT stream has a frame without its head.')
    data.set(elided)
    const got = await this.source.fill(data.subarray(elided.length))
    if (got < size - elided.length) throw new NutError('The NUT stream ends inside a frame.')
    this.lastPts = pts
    return { data, pts }
  }

  /** A time from its lowest bits, next to the last one, or from itself plus `1 << msbPtsShift`. */
  private fullPts(coded: number): number {
    const range = 2 ** this.msbPtsShift
    if (coded >= range) return coded - range
    const lowest = this.lastPts - Math.floor((range - 1) / 2)
    return lowest + ((((coded - lowest) % range) + range) % range)
  }

  /** Reads or passes over a packet whose first byte is read; answers the stream if it is a stream's header. */
  private async readPacket(): Promise<RawVideoStream | undefined> {
    const begin = Buffer.alloc(8)
    begin[0] = STARTCODE_FIRST_BYTE
    await this.mustFill(begin.subarray(1))
    const startcode = begin.readBigUInt64BE()
    if (!(Object.values(STARTCODES) as bigint[]).includes(startcode)) throw new NutError('The NUT stream is damaged.')
    const header = new CheckedHeader(this.source, begin)
    const forward = await header.varint()
    if (forward > LONG_PACKET_BYTES) await header.check()
    if (startcode === STARTCODES.index || startcode === STARTCODES.info) {
      if ((await this.source.skip(forward)) < forward) throw new NutError('The NUT stream ends inside a packet.')
      return undefined
    }
    if (forward < 4 || forward > MAX_HEADER_BYTES)
      throw new NutError(`The NUT stream has a header of ${forward} bytes.`)
    const packet = Buffer.alloc(forward)
    await this.mustFill(packet)
    const payload = packet.subarray(0, -4)
    if (crc32(payload) !== packet.readUInt32BE(forward - 4)) throw new NutError('A NUT header has a wrong checksum.')
    const fields = new Fields(payload)
    if (startcode === STARTCODES.stream) return this.readStream(fields)
    if (startcode === STARTCODES.main) this.readMain(fields)
    else this.readSyncpoint(fields)
    return undefined
  }

  private readMain(fields: Fields): void {
    const version = fields.varint()
    if (version < 2 || version > 4) throw new NutError(`The NUT stream has version ${version}.`)
    if (version > 3) fields.varint() // minor version
    const streams = fields.varint()
    if (streams !== 1) throw new NutError(`The NUT stream has ${streams} streams, not one.`)
    fields.varint() // max_distance
    const timeBases = fields.varint()
    if (timeBases < 1 || timeBases > 16) throw new NutError(`The NUT stream has ${timeBases} time bases.`)
    this.timeBases = Array.from({ length: timeBases }, () => {
      const timeBase = { num: fields.varint(), den: fields.varint() }
      if (timeBase.num === 0 || timeBase.den === 0) throw new NutError('A NUT time base is 0.')
      return timeBase
    })
    this.readFrameCodes(fields)
    const elisionHeaders = fields.varint()
    this.elisionHeaders = [new Uint8Array(0)] // number 0 is always the empty one
    for (let i = 0; i < elisionHeaders; i++) this.elisionHeaders.push(Uint8Array.from(fields.bytes()))
  }

  /** Unpacks the table that gives each first byte of a frame its meaning; entries come as runs. */
  private readFrameCodes(fields: Fields): void {
    let [ptsDelta, sizeMul, streamId, headerIndex] = [0, 1, 0, 0]
    this.codes.length = 0
    while (this.codes.length < 256) {
      const flags = fields.varint()
      const given = fields.varint()
      if (given > 0) ptsDelta = fields.signed()
      if (given > 1) sizeMul = fields.varint()
      if (given > 2) streamId = fields.varint()
      const sizeLsb = given > 3 ? fields.varint() : 0
      const reserved = given > 4 ? fields.varint() : 0
      const count = given > 5 ? fields.varint() : sizeMul - sizeLsb
      if (given > 6) fields.signed() // match_time_delta
      if (given > 7) headerIndex = fields.varint()
      for (let i = 8; i < given; i++) fields.varint()
      if (count <= 0 || count > 256) throw new NutError('The NUT stream has a broken table of frame codes.')
      for (let i = 0; i < count && this.codes.length < 256;) {
        if (this.codes.length === STARTCODE_FIRST_BYTE) this.codes.push(undefined)
        else this.codes.push({ flags, streamId, sizeMul, sizeLsb: sizeLsb + i++, ptsDelta, reserved, headerIndex })
      }
    }
  }

  private readStream(fields: Fields): RawVideoStream {
    fields.varint() // stream_id
    const videoClass = 0
    if (fields.varint() !== videoClass) throw new NutError('The NUT stream is no video.')
    const fourcc = fields.bytes().toString('latin1')
    if (fourcc !== FOURCC[this.layout]) throw new NutError(`The NUT stream holds ${fourcc}, not ${this.layout}.`)
    this.timeBaseId = fields.varint()
    const timeBase = this.timeBases[this.timeBaseId]
    if (timeBase === undefined) throw new NutError('The NUT stream has no time base.')
    this.msbPtsShift = fields.varint()
    if (this.msbPtsShift > 16) throw new NutError('The NUT stream has broken times.')
    for (let i = 0; i < 3; i++) fields.varint() // max_pts_distance, decode_delay, stream_flags
    fields.bytes() // codec_specific_data
    const [width, height] = [fields.varint(), fields.varint()]
    if (width < 1 || height < 1 || width > MAX_SIDE || height > MAX_SIDE) {
      throw new NutError(`The NUT stream has pictures of ${width}x${height}.`)
    }
    return { width, height, layout: this.layout, timeBase }
  }

  private readSyncpoint(fields: Fields): void {
    const time = fields.varint()
    const base = this.timeBases[time % this.timeBases.length]
    const own = this.timeBases[this.timeBaseId]
    if (base === undefined || own === undefined) throw new NutError('The NUT stream has a syncpoint out of place.')
    const ticks = Math.floor(time / this.timeBases.length)
    this.lastPts = base === own ? ticks : Math.floor((ticks * base.num * own.den) / (base.den * own.num))
  }

  private async mustFill(target: Uint8Array): Promise<void> {
    if ((await this.source.fill(target)) < target.length) throw new NutError('The NUT stream ends inside a packet.')
  }
}

/** The pictures of a stream change their size midway. */
export class FrameSizeError extends NutError {}

/** A header that is read byte by byte, with the checksum over all of it. */
class CheckedHeader {
  private crc: number

  constructor(
    private readonly source: ByteSource,
    readBefore: Uint8Array,
  ) {
    this.crc = crc32(readBefore)
  }

  async varint(): Promise<number> {
    let value = 0
    for (;;) {
      const byte = await this.source.byte()
      if (byte === undefined) throw new NutError('The NUT stream ends inside a header.')
      this.crc = crc32(Buffer.of(byte), this.crc)
      value = addGroup(value, byte)
      if (byte < 128) return value
    }
  }

  /** Reads the checksum and compares. */
  async check(): Promise<void> {
    const bytes = Buffer.alloc(4)
    await this.source.fill(bytes)
    if (bytes.readUInt32BE() !== this.crc) throw new NutError('A NUT header has a wrong checksum.')
  }
}

/** The fields of a packet that is whole in memory. */
class Fields {
  private at = 0

  constructor(private readonly packet: Buffer) {}

  varint(): number {
    let value = 0
    for (;;) {
      const byte = this.packet.at(this.at++)
      if (byte === undefined) throw new NutError('A NUT header is too short.')
      value = addGroup(value, byte)
      if (byte < 128) return value
    }
  }

  /** A signed number: 0, 1, -1, 2, -2 ... are stored as 0, 1, 2, 3, 4 ... */
  signed(): number {
    const stored = this.varint()
    return stored % 2 === 1 ? (stored + 1) / 2 : -stored / 2
  }

  /** A string of bytes after its length. */
  bytes(): Buffer {
    const length = this.varint()
    if (length > this.packet.length - this.at) throw new NutError('A NUT header is too short.')
    this.at += length
    return this.packet.subarray(this.at - length, this.at)
  }
}

function addGroup(value: number, byte: number): number {
  const next = value * 128 + (byte & 127)
  if (next > Number.MAX_SAFE_INTEGER) throw new NutError('The NUT stream has a number that is too large.')
  return next
}
