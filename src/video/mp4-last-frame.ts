import { closeSync, fstatSync, openSync, readSync, writeSync } from 'node:fs'

/** A box of an MP4 file in memory: `at` is where its content begins. */
interface Box {
  readonly type: string
  readonly at: number
  readonly end: number
}

/** Where a header box of version 0 keeps its duration, and its time scale if it has one (ISO 14496-12, 8.2 to 8.4). */
const DURATION_AT = { mvhd: 16, tkhd: 20, mdhd: 16 } as const
const TIME_SCALE_AT = 12

/**
 * Gives the last picture of an MP4 file the length of the one before. Older ffmpeg writes it with a length of zero, and
 * the edit list then ends before it: players leave it out. Does nothing to a file in which it has a length.
 */
export function lengthenLastFrame(path: string): void {
  const file = openSync(path, 'r+')
  try {
    const movie = readMovie(file)
    if (movie === undefined || !lengthen(movie.content)) return
    writeSync(file, movie.content, 0, movie.content.length, movie.at)
  } finally {
    closeSync(file)
  }
}

/** The content of the box `moov`, and where in the file it begins; undefined where there is none. */
function readMovie(file: number): { content: Buffer; at: number } | undefined {
  const { size } = fstatSync(file)
  const head = Buffer.alloc(16)
  for (let at = 0; at + 8 <= size;) {
    head.fill(0)
    readSync(file, head, 0, 16, at)
    const short = head.readUInt32BE(0)
    const length = short === 1 ? Number(head.readBigUInt64BE(8)) : short === 0 ? size - at : short
    if (head.toString('latin1', 4, 8) === 'moov' && short > 1) {
      const content = Buffer.alloc(length - 8)
      readSync(file, content, 0, content.length, at + 8)
      return { content, at: at + 8 }
    }
    if (length < 8) return undefined
    at += length
  }
  return undefined
}

function lengthen(moov: Buffer): boolean {
  const whole: Box = { type: 'moov', at: 0, end: moov.length }
  const movie = child(moov, whole, 'mvhd')
  const track = children(moov, whole).find((box) => {
    const handler = box.type === 'trak' ? child(moov, box, 'mdia', 'hdlr') : undefined
    return handler !== undefined && moov.toString('latin1', handler.at + 8, handler.at + 12) === 'vide'
  })
  if (movie === undefined || track === undefined) return false
  const header = child(moov, track, 'tkhd')
  const media = child(moov, track, 'mdia', 'mdhd')
  const lengths = child(moov, track, 'mdia', 'minf', 'stbl', 'stts')
  if (header === undefined || media === undefined || lengths === undefined) return false
  // Version 1 has wide fields: only for lengths that ffmpeg does not write here.
  if ([movie, header, media].some((box) => moov[box.at] !== 0)) return false

  // Pairs of a count of pictures and their length; the last picture has a pair of its own if its length is zero.
  const pairs = moov.readUInt32BE(lengths.at + 4)
  const last = lengths.at + 8 + 8 * (pairs - 1)
  if (pairs < 1 || moov.readUInt32BE(last + 4) !== 0) return false
  const [movieScale, mediaScale] = [
    moov.readUInt32BE(movie.at + TIME_SCALE_AT),
    moov.readUInt32BE(media.at + TIME_SCALE_AT),
  ]
  const length = pairs > 1 ? moov.readUInt32BE(last - 4) : Math.round(mediaScale / 25)
  const inMovie = Math.ceil((length * movieScale) / mediaScale)
  const add = (at: number, more: number): void => void moov.writeUInt32BE(moov.readUInt32BE(at) + more, at)
  moov.writeUInt32BE(length, last + 4)
  add(media.at + DURATION_AT.mdhd, length)
  add(header.at + DURATION_AT.tkhd, inMovie)
  const edits = child(moov, track, 'edts', 'elst')
  if (edits !== undefined && moov[edits.at] === 0)
    add(edits.at + 8 + 12 * (moov.readUInt32BE(edits.at + 4) - 1), inMovie)
  const ends = moov.readUInt32BE(header.at + DURATION_AT.tkhd)
  moov.writeUInt32BE(Math.max(ends, moov.readUInt32BE(movie.at + DURATION_AT.mvhd)), movie.at + DURATION_AT.mvhd)
  return true
}

function child(moov: Buffer, parent: Box, ...path: readonly string[]): Box | undefined {
  let box: Box | undefined = parent
  for (const type of path) box = box && children(moov, box).find((inner) => inner.type === type)
  return box
}

function children(moov: Buffer, { at, end }: Box): Box[] {
  const boxes: Box[] = []
  for (let begin = at; begin + 8 <= end;) {
    const length = moov.readUInt32BE(begin)
    if (length < 8 || begin + length > end) break
    boxes.push({ type: moov.toString('latin1', begin + 4, begin + 8), at: begin + 8, end: begin + length })
    begin += length
  }
  return boxes
}
