import { chmod, copyFile, lstat, mkdir, open, readdir, readFile, rename, rm, rmdir, writeFile } from 'node:fs/promises'
import { basename, dirname, join, relative, sep } from 'node:path'
import { MatteboxError } from '../errors/index.ts'
import { inspectPlugin } from './plugin-manifest.ts'

/** Beside the plugin's files: how many of the folders above it did not exist before. */
const RECORD = 'installed.json'

/**
 * Puts a plugin into an OBS, whole or not at all: copied beside its final name, to the disk, then renamed. The old one
 * stays until the new one is complete, and comes back if it cannot take the place. Nothing is written into a file
 * that a running OBS has mapped.
 *
 * @param source - folder of a whole plugin
 * @param target - `plugins/mattebox` of an OBS; folders above it are made
 * @param own - texts by their names, for this user's eyes, that lie beside the plugin's files
 * @returns whether another one was there
 * @throws {MatteboxError} OBS_PLUGIN_FOREIGN, OUTPUT_UNWRITABLE
 */
export async function putPlugin(
  source: string,
  target: string,
  own: Readonly<Record<string, string>> = {},
): Promise<{ readonly replaced: boolean }> {
  await sweep(target)
  const { state } = await inspectPlugin(target)
  if (state === 'foreign') throw foreign(target)
  const replaced = state !== 'none'
  const parent = dirname(target)
  const [part, old] = [besides(target, 'part'), besides(target, 'old')]
  let foldersMade = replaced ? await foldersMadeFor(target) : 0
  try {
    const first = await mkdir(parent, { recursive: true })
    if (first !== undefined) foldersMade = relative(dirname(first), parent).split(sep).length
    await copyFolder(source, part)
    for (const [name, text] of Object.entries(own)) {
      await writeFile(join(part, name), text)
      await chmod(join(part, name), 0o600)
    }
    await writeFile(join(part, RECORD), `${JSON.stringify({ foldersMade })}\n`)
    if (replaced) await rename(target, old)
    try {
      await rename(part, target)
    } catch (error) {
      if (replaced) await rename(old, target)
      throw error
    }
  } catch (error) {
    await rm(part, { recursive: true, force: true }).catch(() => undefined)
    if (!replaced) await removeEmptyFolders(parent, foldersMade)
    throw unwritable(target, error as NodeJS.ErrnoException)
  }
  // A running OBS keeps what it has mapped.
  await rm(old, { recursive: true, force: true }).catch(() => undefined)
  return { replaced }
}

/**
 * Takes the plugin out of an OBS, and the empty folders that were made for it.
 *
 * @returns whether one was there
 * @throws {MatteboxError} OBS_PLUGIN_FOREIGN, OUTPUT_UNWRITABLE
 */
export async function removePlugin(target: string): Promise<boolean> {
  await sweep(target)
  const { state } = await inspectPlugin(target)
  if (state === 'none') return false
  if (state === 'foreign') throw foreign(target)
  try {
    const foldersMade = await foldersMadeFor(target)
    const gone = besides(target, 'gone')
    // At once for an OBS that starts now.
    await rename(target, gone)
    await rm(gone, { recursive: true })
    await removeEmptyFolders(dirname(target), foldersMade)
    return true
  } catch (error) {
    throw unwritable(target, error as NodeJS.ErrnoException)
  }
}

/** A name in the same folder that OBS finds no plugin under. */
function besides(target: string, kind: 'part' | 'old' | 'gone'): string {
  return join(dirname(target), `.${basename(target)}.${process.pid}.${kind}`)
}

/**
 * Removes what a process that was killed left half done. Killed between its two renames, it left the old plugin aside
 * and no new one: that comes back.
 */
async function sweep(target: string): Promise<void> {
  const folder = dirname(target)
  for (const name of await readdir(folder).catch(() => [])) {
    const left = /^\.mattebox\.(\d+)\.(part|old|gone)$/.exec(name)
    if (!left || isAlive(Number(left[1]))) continue
    const path = join(folder, name)
    const missing = (await lstat(target).catch(() => null)) === null
    if (left[2] === 'old' && missing) await rename(path, target).catch(() => undefined)
    else await rm(path, { recursive: true, force: true }).catch(() => undefined)
  }
}

function isAlive(pid: number): boolean {
  if (pid === process.pid) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** Plain files and folders only, owned and writable by this user whatever the source's modes (a read-only store). */
async function copyFolder(source: string, target: string): Promise<void> {
  await mkdir(target)
  for (const entry of await readdir(source, { withFileTypes: true })) {
    const [from, to] = [join(source, entry.name), join(target, entry.name)]
    if (entry.isDirectory()) await copyFolder(from, to)
    else if (entry.isFile() && entry.name !== RECORD) await copyWholeFile(from, to)
  }
}

async function copyWholeFile(from: string, to: string): Promise<void> {
  await copyFile(from, to)
  await chmod(to, 0o644)
  const file = await open(to, 'r+')
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}

async function foldersMadeFor(target: string): Promise<number> {
  try {
    const { foldersMade } = JSON.parse(await readFile(join(target, RECORD), 'utf8')) as { foldersMade: unknown }
    return typeof foldersMade === 'number' && foldersMade > 0 && foldersMade < 8 ? foldersMade : 0
  } catch {
    return 0
  }
}

async function removeEmptyFolders(folder: string, count: number): Promise<void> {
  for (let n = 0; n < count; n++) {
    // One that is in use by now stays, and so do those above it.
    if (
      !(await rmdir(folder).then(
        () => true,
        () => false,
      ))
    )
      return
    folder = dirname(folder)
  }
}

function foreign(target: string): MatteboxError {
  return new MatteboxError(
    'OBS_PLUGIN_FOREIGN',
    `${target} is not mattebox’s: it holds neither its manifest.json nor bin/64bit/mattebox.so.`,
    'Move it elsewhere, or delete it if nobody needs it.',
  )
}

const MENDS: Readonly<Record<string, string>> = {
  ENOSPC: 'Free some space on the disk.',
  EROFS: 'Make that folder writable, or set XDG_CONFIG_HOME, for OBS too.',
}

function unwritable(target: string, error: NodeJS.ErrnoException): MatteboxError {
  return new MatteboxError(
    'OUTPUT_UNWRITABLE',
    `${target} cannot be changed: ${error.code ?? error.message}.`,
    MENDS[error.code ?? ''] ?? `Give yourself write permission for ${dirname(target)} and what is in it.`,
    { cause: error },
  )
}
