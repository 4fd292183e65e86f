import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { chmod, mkdir, stat, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { MatteboxError } from '../errors/index.ts'
import {
  connectionFault,
  failed,
  hostOf,
  PassingFault,
  stopped,
  tooLittleSpace,
  unwritableFolder,
  wrongByHand,
  wrongFile,
  type Place,
} from './faults.ts'
import { PartFile } from './part-file.ts'
import type { PublicFile } from './public-file.ts'
import { sizeText } from './size-text.ts'

export interface DownloadOptions {
  /** Where the file is kept, and looked for before it is fetched; made if need be, for this user's eyes only. */
  readonly folder: string
  /** Command that a user calls to go on: `mattebox models get NAME`. */
  readonly again: string
  readonly signal?: AbortSignal | undefined
  /** Hears how much has arrived, of `bytes`. */
  readonly onProgress?: ((arrivedBytes: number) => void) | undefined
  /** A server that sends nothing for so long is given up; default 30 s. */
  readonly stallMs?: number | undefined
  /** Pause before the second try, doubled before each further one; default 1 s. */
  readonly pauseMs?: number | undefined
}

const STALL_MS = 30_000
const PAUSE_MS = 1_000
/** Of tries in a row that brought next to nothing. */
const TRIES = 4
/** A try that brought so much was worth it. */
const WORTH_BYTES = 1 << 20

/**
 * Fetches a public file, whole or not at all: its size and sha256 are checked before it stands under its name. What is
 * there already is not fetched again, and what arrived before is gone on with, after a kill too.
 *
 * Across processes no ETag is kept: the pinned sha256 says better whether an old part and a new one belong together. If
 * they do not, the file is fetched once more from its beginning.
 *
 * @returns the file's path
 * @throws {MatteboxError} DOWNLOAD_FAILED, DOWNLOAD_WRONG, DOWNLOAD_BUSY, OUTPUT_UNWRITABLE, INTERRUPTED
 */
export async function download(file: PublicFile, options: DownloadOptions): Promise<string> {
  const { folder, again } = options
  const place: Place = { ...file, folder, again }
  const path = join(folder, file.file)
  if (await isThere(path, place)) return path
  const onDisk = (error: unknown): never => {
    throw error instanceof MatteboxError ? error : unwritableFolder(error as NodeJS.ErrnoException, place)
  }
  await mkdir(folder, { recursive: true, mode: 0o700 }).catch(onDisk)
  await chmod(folder, 0o700).catch(onDisk)
  const part = await PartFile.claim(folder, file).catch(onDisk)
  try {
    await requireSpace(part, place)
    await new Fetching(part, place, options).untilWhole()
    if (part.sha256 !== file.sha256) await anew(part, place, options)
    await part.finish(path).catch(onDisk)
  } finally {
    await part.release()
  }
  return path
}

/** Whether the file lies there, whole; a file of that name that is another one is left to the user. */
async function isThere(path: string, place: Place): Promise<boolean> {
  const found = await stat(path).catch(() => undefined)
  if (!found) return false
  if (!found.isFile()) throw wrongByHand(path, 'it is no regular file.', place)
  if (found.size !== place.bytes) throw wrongByHand(path, `it has ${found.size} bytes, not ${place.bytes}.`, place)
  const hash = createHash('sha256')
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer)
  } catch (error) {
    throw wrongByHand(path, `it cannot be read (${(error as NodeJS.ErrnoException).code}).`, place)
  }
  const sha256 = hash.digest('hex')
  if (sha256 !== place.sha256) throw wrongByHand(path, `its sha256 is ${sha256}.`, place)
  return true
}

async function requireSpace(part: PartFile, place: Place): Promise<void> {
  const { bavail, bsize } = await statfs(place.folder)
  const toCome = place.bytes - part.bytes
  if (bavail * bsize < toCome) throw tooLittleSpace(bavail * bsize, toCome, place)
}

/** The whole has the right length and another hash: an old part may be to blame, and is given up once. */
async function anew(part: PartFile, place: Place, options: DownloadOptions): Promise<void> {
  const wrong = wrongFile(`its sha256 is ${part.sha256}, not ${place.sha256}.`, place)
  await part.empty()
  if (part.resumedBytes === 0) throw wrong
  await new Fetching(part, place, options).untilWhole()
  if (part.sha256 === place.sha256) return
  const stillWrong = wrongFile(`its sha256 is ${part.sha256}, not ${place.sha256}.`, place)
  await part.empty()
  throw stillWrong
}

/** The tries that bring a file, each going on where the one before ended. */
class Fetching {
  /** Of what the last answer was a part; unknown before the first one. */
  #etag: string | undefined

  constructor(
    private readonly part: PartFile,
    private readonly place: Place,
    private readonly options: DownloadOptions,
  ) {}

  async untilWhole(): Promise<void> {
    const { part, place, options } = this
    const { pauseMs = PAUSE_MS, signal } = options
    if (part.bytes > place.bytes) await part.empty()
    options.onProgress?.(part.bytes)
    for (let vain = 0; part.bytes < place.bytes;) {
      const before = part.bytes
      try {
        if (signal?.aborted) throw stopped(part.bytes, place)
        await this.#try()
      } catch (error) {
        // `fetch` and `sleep` end so, whatever they were about.
        if (signal?.aborted) throw stopped(part.bytes, place)
        if (!(error instanceof PassingFault)) throw error
        vain = part.bytes - before >= WORTH_BYTES ? 1 : vain + 1
        if (vain >= TRIES) throw failed(error.message, place, { cause: error })
        await sleep(pauseMs * 2 ** (vain - 1), undefined, signal && { signal }).catch(() => undefined)
      }
    }
  }

  async #try(): Promise<void> {
    const { part, place, options } = this
    const { signal, stallMs = STALL_MS } = options
    const stall = new AbortController()
    let timer = setTimeout(() => stall.abort(), stallMs)
    const alive = (): void => {
      clearTimeout(timer)
      timer = setTimeout(() => stall.abort(), stallMs)
    }
    try {
      const answer = await this.#ask(AbortSignal.any([stall.signal, ...(signal ? [signal] : [])]))
      await this.#begin(answer)
      for await (const chunk of (answer.body ?? []) as AsyncIterable<Uint8Array>) {
        alive()
        if (part.bytes + chunk.length > place.bytes) {
          await part.empty()
          throw wrongFile(`more than ${place.bytes} bytes came.`, place)
        }
        await part.add(chunk).catch((error: unknown) => {
          throw unwritableFolder(error as NodeJS.ErrnoException, place)
        })
        options.onProgress?.(part.bytes)
      }
    } catch (error) {
      if (error instanceof MatteboxError || error instanceof PassingFault) throw error
      if (stall.signal.aborted) throw new PassingFault(`${hostOf(place)} sent nothing for ${stallMs / 1000} s.`)
      throw connectionFault(error, place)
    } finally {
      clearTimeout(timer)
      // Whatever has not been read is not wanted.
      stall.abort()
    }
    if (part.bytes < place.bytes) {
      const arrived = `${sizeText(part.bytes)} of ${sizeText(place.bytes)}`
      throw new PassingFault(`the connection to ${hostOf(place)} ended after ${arrived}.`)
    }
  }

  #ask(signal: AbortSignal): Promise<Response> {
    const { part, place } = this
    // A compressed answer could not be gone on with, and its length would say nothing.
    const headers: Record<string, string> = { 'accept-encoding': 'identity' }
    if (part.bytes > 0) {
      headers['range'] = `bytes=${part.bytes}-`
      if (this.#etag !== undefined) headers['if-range'] = this.#etag
    }
    return fetch(place.address, { headers, signal })
  }

  /** Looks at an answer's head, and brings the part to where its body begins. */
  async #begin({ status, headers }: Response): Promise<void> {
    const { part, place } = this
    if (status === 206) {
      const [, from, total] = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(headers.get('content-range') ?? '') ?? []
      if (Number(from) !== part.bytes || (total !== '*' && Number(total) !== place.bytes)) {
        await part.empty()
        const said = headers.get('content-range') ?? 'nothing'
        throw new PassingFault(`${hostOf(place)} answers with another part than was asked for (${said}).`)
      }
    } else if (status === 200) {
      // The whole: the server knows no parts, or has another file than before.
      await part.empty()
      const length = headers.get('content-length')
      if (length !== null && Number(length) !== place.bytes) {
        throw wrongFile(`it has ${length} bytes, not ${place.bytes}.`, place)
      }
    } else if (status === 416) {
      await part.empty()
      throw new PassingFault(`${hostOf(place)} has no such part of the file.`)
    } else if (status === 408 || status === 429 || status >= 500) {
      throw new PassingFault(`${hostOf(place)} answers ${status}.`)
    } else {
      throw failed(`${hostOf(place)} answers ${status}: the file may have moved.`, place)
    }
    const etag = headers.get('etag')
    // A weak one does not say that the bytes are the same.
    this.#etag = etag?.startsWith('"') ? etag : undefined
  }
}
