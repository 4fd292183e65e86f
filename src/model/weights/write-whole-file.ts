import { open, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { MatteboxError } from '../../errors/index.ts'
import { printable } from './faults.ts'

/**
 * Writes a file whole or not at all: beside its final name, to the disk, then renamed.
 *
 * @param options.force - take the place of a file that is there
 * @throws {MatteboxError} OUTPUT_EXISTS, OUTPUT_UNWRITABLE
 */
export async function writeWholeFile(path: string, bytes: Uint8Array, options: { force: boolean }): Promise<void> {
  const there = await stat(path).catch(() => undefined)
  if (there?.isDirectory()) throw unwritable(path, new Error('a folder is there'))
  if (there && !options.force) {
    throw new MatteboxError(
      'OUTPUT_EXISTS',
      `${printable(path)} exists already.`,
      'Give another name, or --force to replace it.',
    )
  }
  const part = join(dirname(path), `.${basename(path)}.${process.pid}.part`)
  try {
    const file = await open(part, 'w')
    try {
      await file.writeFile(bytes)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(part, path)
  } catch (error) {
    await rm(part, { force: true }).catch(() => undefined)
    throw unwritable(path, error as NodeJS.ErrnoException)
  }
}

const MENDS: Readonly<Record<string, string>> = {
  ENOENT: 'Create the folder first, or give another one.',
  ENOSPC: 'Free some space on the disk.',
  EACCES: 'Give a folder that you may write to.',
  EPERM: 'Give a folder that you may write to.',
  EROFS: 'Give a folder that is not mounted read-only.',
}

/** An error of the file system while writing `path`, as the user should see it. */
export function unwritable(path: string, error: NodeJS.ErrnoException): MatteboxError {
  return new MatteboxError(
    'OUTPUT_UNWRITABLE',
    `${printable(path)} cannot be written: ${error.code ?? error.message}.`,
    MENDS[error.code ?? ''] ?? 'Give another place for the output.',
    { cause: error },
  )
}
