import { createWriteStream } from 'node:fs'
import { mkdir, open, type FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'
import { Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createInflateRaw } from 'node:zlib'
import { MatteboxError } from '../errors/index.ts'

/*
 * Reads single files out of a zip archive (PKWARE's APPNOTE 6.3, sections 4.3.7, 4.3.12, 4.3.16) whose sha256 has been
 * checked: so much of the format as Python's wheels need. No zip64, no encryption, no several disks.
 */

const END_SIGNATURE = 0x06054b50
const ENTRY_SIGNATURE = 0x02014b50
const END_BYTES = 22
const COMMENT_MAX = 0xffff

interface Entry {
  readonly method: number
  readonly compressedBytes: number
  readonly bytes: number
  readonly headerAt: number
}

export interface Member {
  /** Its path in the archive. */
  readonly from: string
  /** Where it goes. */
  readonly path: string
  readonly bytes: number
}

/**
 * Writes members of an archive where they belong, in constant memory.
 *
 * @throws {MatteboxError} DOWNLOAD_WRONG if one is not there, or not as it should be; else rejects with the file system's
 *   error
 */
export async function unzip(archive: string, members: readonly Member[], signal?: AbortSignal): Promise<void> {
  const file = await open(archive)
  try {
    const entries = await directory(file, archive)
    for (const member of members) {
      const entry = entries.get(member.from)
      if (entry?.bytes !== member.bytes) throw wrong(archive, `${member.from} is not in it as the catalog says`)
      await extract(file, archive, entry, member, signal)
    }
  } finally {
    await file.close()
  }
}

async function directory(file: FileHandle, archive: string): Promise<Map<string, Entry>> {
  const { size } = await file.stat()
  const tail = await bytesAt(file, Math.max(0, size - END_BYTES - COMMENT_MAX), Math.min(size, END_BYTES + COMMENT_MAX))
  const end = tail.lastIndexOf(Buffer.from([0x50, 0x4b, 0x05, 0x06]))
  if (end < 0 || tail.readUInt32LE(end) !== END_SIGNATURE) throw wrong(archive, 'it is no zip archive')
  const count = tail.readUInt16LE(end + 10)
  const bytes = await bytesAt(file, tail.readUInt32LE(end + 16), tail.readUInt32LE(end + 12))
  const entries = new Map<string, Entry>()
  for (let at = 0, i = 0; i < count; i++) {
    if (bytes.readUInt32LE(at) !== ENTRY_SIGNATURE) throw wrong(archive, 'its directory is damaged')
    const nameBytes = bytes.readUInt16LE(at + 28)
    entries.set(bytes.toString('utf8', at + 46, at + 46 + nameBytes), {
      method: bytes.readUInt16LE(at + 10),
      compressedBytes: bytes.readUInt32LE(at + 20),
      bytes: bytes.readUInt32LE(at + 24),
      headerAt: bytes.readUInt32LE(at + 42),
    })
    at += 46 + nameBytes + bytes.readUInt16LE(at + 30) + bytes.readUInt16LE(at + 32)
  }
  return entries
}

async function extract(
  file: FileHandle,
  archive: string,
  { method, compressedBytes, bytes, headerAt }: Entry,
  { from, path }: Member,
  signal: AbortSignal | undefined,
): Promise<void> {
  if (method !== 0 && method !== 8) throw wrong(archive, `${from} is packed in a way that is not known (${method})`)
  // The local header repeats the name, and has an extra field of its own length.
  const header = await bytesAt(file, headerAt, 30)
  const start = headerAt + 30 + header.readUInt16LE(26) + header.readUInt16LE(28)
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const packed = file.createReadStream({
    start,
    end: start + compressedBytes - 1,
    autoClose: false,
    highWaterMark: 1 << 20,
  })
  let written = 0
  const count = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      written += chunk.length
      done(null, chunk)
    },
  })
  const unpack = method === 8 ? [createInflateRaw({ chunkSize: 1 << 18 })] : []
  await pipeline(
    [packed, ...unpack, count, createWriteStream(path, { mode: 0o600, flags: 'wx' })],
    signal ? { signal } : {},
  ).catch((error: unknown) => {
    const { code } = error as NodeJS.ErrnoException
    // zlib's own codes; the others are the file system's.
    throw code?.startsWith('Z_') ? wrong(archive, `${from} is damaged (${code})`) : error
  })
  if (written !== bytes) throw wrong(archive, `${from} has ${written} bytes, not ${bytes}`)
}

async function bytesAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, position)
  return buffer.subarray(0, bytesRead)
}

function wrong(archive: string, fault: string): MatteboxError {
  return new MatteboxError(
    'DOWNLOAD_WRONG',
    `${archive} is not as it should be: ${fault}.`,
    'Delete it, and try again.',
  )
}
