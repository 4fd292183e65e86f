import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { basename, delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import type { CatalogLibrary } from '../models/catalog.ts'

/** Directories where distributions keep the program; few users have them on their PATH. */
const SBIN = ['/sbin', '/usr/sbin']

/** Names of the libraries that the dynamic loader finds by itself: in its cache, and where LD_LIBRARY_PATH points. */
export async function systemLibraries(
  names: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): Promise<ReadonlySet<string>> {
  const path = [env['PATH'] ?? '', ...SBIN].join(delimiter)
  const { stdout } = await promisify(execFile)('ldconfig', ['-p'], { env: { ...env, PATH: path, LC_ALL: 'C' } }).catch(
    () => ({ stdout: '' }),
  )
  const cached = new Set(Array.from(stdout.matchAll(/^\s+(\S+) \(.*x86-64.*\) => /gm), ([, name]) => name))
  const folders = (env['LD_LIBRARY_PATH'] ?? '').split(delimiter).filter((folder) => folder !== '')
  return new Set(names.filter((name) => cached.has(name) || folders.some((folder) => existsSync(join(folder, name)))))
}

/** Whether all libraries of an archive are there without it; one without such libraries is never spared. */
export function isSpared({ members }: CatalogLibrary, found: ReadonlySet<string>): boolean {
  const names = libraryNames({ members })
  return names.length > 0 && names.every((name) => found.has(name))
}

/** Libraries that the dynamic loader has to find, by their names. */
export function libraryNames({ members }: Pick<CatalogLibrary, 'members'>): string[] {
  return members
    .map(({ to }) => to)
    .filter((to) => to.startsWith('lib/'))
    .map((to) => basename(to))
}
