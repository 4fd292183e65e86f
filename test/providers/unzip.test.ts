import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { unzip } from '../../src/providers/unzip.ts'
import { wheel } from './wheel.ts'

/*
 * Archives that another library made. Red: leave the local header's lengths out of where a member begins, or the comparison
 * with what the catalog says.
 */

let folder: string
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'mattebox-unzip-'))))
afterEach(() => rmSync(folder, { recursive: true }))

const library = Buffer.from(Uint8Array.from({ length: 2_000_000 }, (_, i) => Math.imul(i, i) >>> 9))
const archive = (
  bytes = wheel({ 'a/lib.so': library, 'a/LICENSE': Buffer.from('Do.'), 'other.txt': Buffer.from('x') }),
) => {
  const path = join(folder, 'it.whl')
  writeFileSync(path, bytes)
  return path
}
const member = (from: string, bytes: number) => ({ from, path: join(folder, 'out', from), bytes })

describe('a wheel', () => {
  it('gives the members that are asked for, byte for byte, and no others', async () => {
    await unzip(archive(), [member('a/lib.so', library.length), member('a/LICENSE', 3)])
    expect(readFileSync(join(folder, 'out/a/lib.so')).equals(library)).toBe(true)
    expect(readFileSync(join(folder, 'out/a/LICENSE'), 'utf8')).toBe('Do.')
    expect(statSync(join(folder, 'out/a/lib.so')).mode & 0o777).toBe(0o600)
    expect(existsSync(join(folder, 'out/other.txt'))).toBe(false)
  })

  it('that lacks a member, or has it in another size, is named', async () => {
    for (const wanted of [member('a/missing.so', 3), member('a/LICENSE', 4)]) {
      await expect(unzip(archive(), [wanted])).rejects.toMatchObject({
        code: 'DOWNLOAD_WRONG',
        message: expect.stringContaining(`${wanted.from} is not in it as the catalog says`) as string,
      })
    }
  })

  it('that is damaged is said to be', async () => {
    const bytes = wheel({ 'a/lib.so': library })
    bytes.fill(0xff, 100, 200)
    await expect(unzip(archive(bytes), [member('a/lib.so', library.length)])).rejects.toMatchObject({
      code: 'DOWNLOAD_WRONG',
      message: expect.stringMatching(/a\/lib\.so is damaged \(Z_/) as string,
    })
  })

  it('that is none is said to be none', async () => {
    await expect(unzip(archive(Buffer.from('no archive')), [])).rejects.toThrow('it is no zip archive')
    await expect(unzip(archive(Buffer.alloc(0)), [])).rejects.toThrow('it is no zip archive')
  })
})
