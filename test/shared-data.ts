import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'vitest'

const folder = process.env['MATTEBOX_SHARED'] ?? join(import.meta.dirname, '..', '..', 'shared')

/** Folder with the weights, references and clips that may not be published; undefined in a clone that stands alone. */
export const sharedData: string | undefined = existsSync(join(folder, 'golden')) ? folder : undefined

/** A block of tests that needs the shared data: skipped, with one line that says so, where there is none. */
export function describeWithSharedData(title: string, body: (folder: string) => void): void {
  describe.skipIf(sharedData === undefined)(title, () => {
    if (sharedData === undefined) it('needs the shared data', () => undefined)
    else body(sharedData)
  })
}
