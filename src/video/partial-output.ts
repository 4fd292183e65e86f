import { createHash } from 'node:crypto'
import { closeSync, mkdirSync, openSync, readdirSync, renameSync, rmSync, statSync, type Stats } from 'node:fs'
import { hostname } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import { MatteboxError } from '../errors/index.ts'
import { isRunning } from '../settings/is-running.ts'

const FRAME_NAME = /^frame-\d{6,}\.png$/
const unfinished = new Set<PartialOutput>()
// The last chance: whatever ends this process in an orderly way leaves nothing half-written behind.
process.on('exit', () => {
  for (const output of unfinished) output.discard()
})
let made = 0

/**
 * An output that is written beside its name and takes its name only when it is whole: `.NAME.partial-MACHINE-PID-N`. What
 * bore the name before stays untouched until then.
 */
export class PartialOutput {
  /** Where to write: a new empty file or folder. */
  readonly path: string
  private readonly target: string

  /**
   * Checks that the output can be made and makes the partial one.
   *
   * @param kind - what it will be. An empty folder may be there already.
   * @param force - replace a file, or a folder that holds nothing but numbered frames
   * @throws {MatteboxError} OUTPUT_EXISTS, OUTPUT_UNWRITABLE
   */
  constructor(
    output: string,
    private readonly kind: 'file' | 'folder',
    force: boolean,
  ) {
    this.target = resolve(output)
    const folder = dirname(this.target)
    if (!(look(folder)?.isDirectory() ?? false)) {
      throw unwritable(`The folder ${folder} does not exist.`, 'Make it first, or name another output.')
    }
    checkTarget(this.target, kind, force)
    removeLeftovers(this.target)
    this.path = `${partialOf(this.target)}${process.pid}-${++made}`
    try {
      if (kind === 'folder') mkdirSync(this.path)
      else closeSync(openSync(this.path, 'wx'))
    } catch (error) {
      throw asOutputError(error, this.target)
    }
    unfinished.add(this)
  }

  /** Gives the whole output its name. */
  commit(): void {
    try {
      if (this.kind === 'file') renameSync(this.path, this.target)
      else this.replaceFolder()
    } catch (error) {
      this.discard()
      throw asOutputError(error, this.target)
    }
    unfinished.delete(this)
  }

  /** Removes what was written. Never fails: an error that led here must not be hidden by one from here. */
  discard(): void {
    unfinished.delete(this)
    try {
      // Tries again where an encoder that is just being killed puts a last frame into the folder.
      rmSync(this.path, { recursive: true, force: true, maxRetries: 5 })
    } catch {
      // The folder was taken away or locked meanwhile.
    }
  }

  private replaceFolder(): void {
    if (look(this.target) === undefined) {
      renameSync(this.path, this.target)
      return
    }
    // A folder that is not empty cannot be renamed over: the old one steps aside, and back if that fails.
    const old = `${this.path}-old`
    renameSync(this.target, old)
    try {
      renameSync(this.path, this.target)
    } catch (error) {
      renameSync(old, this.target)
      throw error
    }
    rmSync(old, { recursive: true, force: true })
  }
}

/** Others may write into a shared folder, whose processes are not seen from here; short, as names have a limit. */
const MACHINE = createHash('sha256').update(hostname()).digest('hex').slice(0, 6)

/** How this machine's partial outputs of a target begin: the process that writes it, and a number, follow. */
export function partialOf(target: string): string {
  return join(dirname(target), `.${basename(target)}.partial-${MACHINE}-`)
}

/** What processes that were killed had written of this output; what a living one has is left to it. */
function removeLeftovers(target: string): void {
  const prefix = basename(partialOf(target))
  for (const name of namesIn(dirname(target))) {
    const pid = name.startsWith(prefix) ? /^(\d+)-\d+$/.exec(name.slice(prefix.length))?.[1] : undefined
    if (pid === undefined || isRunning(Number(pid))) continue
    try {
      rmSync(join(dirname(target), name), { recursive: true, force: true })
    } catch {
      // Somebody else's: it does not stand in the way.
    }
  }
}

/** None where the folder may be written but not read. */
function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

function checkTarget(target: string, kind: 'file' | 'folder', force: boolean): void {
  const there = look(target)
  if (there === undefined) return
  if (kind === 'folder' ? !there.isDirectory() : !there.isFile()) {
    const is = there.isDirectory() ? 'a folder' : there.isFile() ? 'a file' : 'neither a file nor a folder'
    throw new MatteboxError('OUTPUT_EXISTS', `${target} is ${is}.`, 'Name another output.')
  }
  const content = kind === 'folder' ? readdirSync(target) : []
  if (kind === 'folder' && content.length === 0) return
  if (!force) throw new MatteboxError('OUTPUT_EXISTS', `${target} exists.`, 'Add --force to replace it.')
  const foreign = content.find((name) => !FRAME_NAME.test(name))
  if (foreign !== undefined) {
    throw new MatteboxError(
      'OUTPUT_EXISTS',
      `${target} holds other files than frames (${foreign}): it is not replaced.`,
      'Name another folder.',
    )
  }
}

/**
 * What lies at a path, links followed; undefined if nothing does.
 *
 * @throws {MatteboxError} OUTPUT_UNWRITABLE where it is not permitted to look
 */
export function look(path: string): Stats | undefined {
  try {
    return statSync(path)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw asOutputError(error, path)
  }
}

/** The user's view of what the system said when an output was written: the disk, his rights, the name. */
export function asOutputError(error: unknown, target: string): MatteboxError {
  const { code, message } = error as NodeJS.ErrnoException
  const cause = { cause: error }
  if (code === 'ENOSPC' || code === 'EDQUOT') return diskFull(target, cause)
  if (code === 'EFBIG') return tooLarge(target, cause)
  if (code === 'EACCES' || code === 'EPERM') {
    return unwritable(`${target} may not be written: no permission.`, 'Name another folder, or get the right.', cause)
  }
  if (code === 'EROFS') return unwritable(`${target} lies on a read-only disk.`, 'Name another folder.', cause)
  if (code === 'ENAMETOOLONG') return unwritable(`The name ${target} is too long.`, 'Name a shorter one.', cause)
  return unwritable(`${target} cannot be written: ${message}.`, 'Check the folder and the disk.', cause)
}

export function diskFull(target: string, options?: { cause?: unknown }): MatteboxError {
  return unwritable(`The disk is full: ${target} was not written.`, 'Free some space, or name another disk.', options)
}

export function tooLarge(target: string, options?: { cause?: unknown }): MatteboxError {
  return unwritable(
    `${target} grew past the size that this system or disk allows.`,
    'Name another disk, or raise the limit (ulimit -f).',
    options,
  )
}

export function unwritable(message: string, mend: string, options?: { cause?: unknown }): MatteboxError {
  return new MatteboxError('OUTPUT_UNWRITABLE', message, mend, options)
}
