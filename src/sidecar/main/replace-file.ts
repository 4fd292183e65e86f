import { open, readdir, realpath, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { isRunning } from '../../settings/is-running.ts'
import { makePrivateFolder } from './folders.ts'

/**
 * Writes a file for this user's eyes, whole or not at all: beside its place, to the disk, then renamed. A kill at any
 * moment leaves the old file or the new one. Rejects with the file system's own error.
 */
export async function replaceFile(path: string, text: string): Promise<void> {
  await makePrivateFolder(dirname(path))
  // Whoever keeps his settings elsewhere, behind a link, keeps the link.
  const target = await realpath(path).catch(() => path)
  const part = partOf(target, process.pid)
  try {
    const file = await open(part, 'w', 0o600)
    try {
      await file.writeFile(text)
      // Else a power cut could leave the new name on an empty file.
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(part, target)
  } catch (error) {
    await rm(part, { force: true }).catch(() => undefined)
    throw error
  }
  await syncFolder(dirname(target))
}

/** The new name is on the disk too; not every file system can say so. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r').catch(() => undefined)
  await folder?.sync().catch(() => undefined)
  await folder?.close()
}

function partOf(path: string, pid: number | string): string {
  return join(dirname(path), `.${basename(path)}.${pid}.part`)
}

/** Parts of writers that were killed; what a living one has is left to it. */
export async function removeLeftovers(path: string): Promise<void> {
  const target = await realpath(path).catch(() => path)
  const names = await readdir(dirname(target)).catch(() => [])
  for (const name of names) {
    const pid = /\.(\d+)\.part$/.exec(name)?.[1]
    if (pid === undefined || name !== basename(partOf(target, pid)) || isRunning(Number(pid))) continue
    await rm(partOf(target, pid), { force: true }).catch(() => undefined)
  }
}
