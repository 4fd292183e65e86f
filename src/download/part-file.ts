import { createHash, type Hash } from 'node:crypto'
import { constants } from 'node:fs'
import { open, readdir, rename, rm, stat, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { MatteboxError } from '../errors/index.ts'
import { isRunning } from '../settings/is-running.ts'
import type { PublicFile } from './public-file.ts'

/** Parts that this process works on: their names bear its id, and so do those of a killed one that had the same. */
const ours = new Set<string>()

/**
 * What has arrived of a file, beside its place. At rest it is called `FILE.HASH.part`, while a process works on it
 * `FILE.HASH.PID.part`: whoever renames it has it, and what a killed process had can be taken over. The hash in the name
 * is the beginning of the file's: what has arrived of another version is never continued.
 */
export class PartFile {
  readonly #resting: string
  readonly #path: string
  readonly #handle: FileHandle
  #hash: Hash
  #bytes: number
  /** How much of it came from an earlier download. */
  readonly resumedBytes: number

  private constructor(resting: string, path: string, handle: FileHandle, hash: Hash, bytes: number) {
    this.#resting = resting
    this.#path = path
    this.#handle = handle
    this.#hash = hash
    this.#bytes = bytes
    this.resumedBytes = bytes
  }

  /**
   * Takes the file's part, or makes one.
   *
   * @throws {MatteboxError} DOWNLOAD_BUSY where a living process works on it; else rejects with the file system's error
   */
  static async claim(folder: string, { file, sha256 }: PublicFile): Promise<PartFile> {
    const stem = `${file}.${sha256.slice(0, 12)}`
    const path = join(folder, `${stem}.${process.pid}.part`)
    if (ours.has(path)) throw busy(file, path, process.pid)
    ours.add(path)
    try {
      for (const found of await leftParts(folder, file, stem)) {
        // Another process may have taken it meanwhile: then there is one less to go on with.
        await rename(found, path).catch((error: unknown) => {
          if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
        })
      }
      const handle = await open(path, constants.O_RDWR | constants.O_CREAT, 0o600)
      const hash = createHash('sha256')
      let bytes = 0
      for await (const chunk of handle.createReadStream({ autoClose: false, highWaterMark: 1 << 20 })) {
        hash.update(chunk as Buffer)
        bytes += (chunk as Buffer).length
      }
      return new PartFile(join(folder, `${stem}.part`), path, handle, hash, bytes)
    } catch (error) {
      ours.delete(path)
      throw error
    }
  }

  /** How much has arrived. */
  get bytes(): number {
    return this.#bytes
  }

  /** Of what has arrived. */
  get sha256(): string {
    return this.#hash.copy().digest('hex')
  }

  async add(chunk: Uint8Array): Promise<void> {
    let written = 0
    // A nearly full disk may take some of it.
    while (written < chunk.length) {
      const { bytesWritten } = await this.#handle.write(chunk, written, chunk.length - written, this.#bytes + written)
      written += bytesWritten
    }
    this.#hash.update(chunk)
    this.#bytes += chunk.length
  }

  /** Forgets what has arrived. */
  async empty(): Promise<void> {
    await this.#handle.truncate(0)
    this.#hash = createHash('sha256')
    this.#bytes = 0
  }

  /** It is whole: to the disk, and to its place. */
  async finish(path: string): Promise<void> {
    await this.#handle.sync()
    await this.#handle.close()
    await rename(this.#path, path)
    ours.delete(this.#path)
  }

  /** Leaves it for a later download; an empty one is removed. */
  async release(): Promise<void> {
    if (!ours.has(this.#path)) return
    // What fell short while writing, on a full disk, was not counted.
    await this.#handle.truncate(this.#bytes).catch(() => undefined)
    await this.#handle.close().catch(() => undefined)
    const left = this.#bytes > 0 ? rename(this.#path, this.#resting) : rm(this.#path, { force: true })
    await left.catch(() => undefined)
    ours.delete(this.#path)
  }
}

/**
 * The parts of this file that nobody works on, the largest last, those of its other versions removed.
 *
 * @throws {MatteboxError} DOWNLOAD_BUSY
 */
async function leftParts(folder: string, file: string, stem: string): Promise<string[]> {
  const found: { path: string; bytes: number }[] = []
  for (const name of await readdir(folder)) {
    if (!name.startsWith(`${file}.`)) continue
    const match = /^([0-9a-f]{12})(?:\.(\d+))?\.part$/.exec(name.slice(file.length + 1))
    if (!match) continue
    const hash = match[1]
    const pid = match.at(2)
    const path = join(folder, name)
    // One of our own id was left by a process before us: those that we work on are known.
    const isHeld = pid !== undefined && Number(pid) !== process.pid && isRunning(Number(pid))
    const isThis = `${file}.${hash}` === stem
    if (isHeld && isThis) throw busy(file, path, Number(pid))
    if (isHeld) continue
    if (!isThis) await rm(path, { force: true })
    else found.push({ path, bytes: (await stat(path).catch(() => undefined))?.size ?? 0 })
  }
  return found.sort((one, other) => one.bytes - other.bytes).map(({ path }) => path)
}

function busy(file: string, part: string, pid: number): MatteboxError {
  return new MatteboxError(
    'DOWNLOAD_BUSY',
    `${file} is being fetched already, by process ${pid}.`,
    `Wait for it. If that process is not mattebox, delete ${part}.`,
  )
}
