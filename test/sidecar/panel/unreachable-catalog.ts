import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const OURS = join(import.meta.dirname, '..', '..', '..', 'models', 'catalog.json')

/** The catalog, with addresses that lead nowhere: what a test begins to fetch never comes. For MATTEBOX_CATALOG. */
export function unreachableCatalog(folder: string): string {
  const path = join(folder, 'catalog.json')
  writeFileSync(
    path,
    readFileSync(OURS, 'utf8').replaceAll(
      /https:\/\/(github\.com|files\.pythonhosted\.org)/g,
      'https://nowhere.invalid',
    ),
  )
  return path
}
