import { randomBytes } from 'node:crypto'
import { lstatSync, readFileSync, type Stats } from 'node:fs'
import { link, lstat, open, readFile, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { MatteboxError } from '../../errors/index.ts'
import { makePrivateFolder } from './folders.ts'

/** A secret of this user's, in a file that others may not read: 32 random bytes, as hexadecimal digits in one line. */
const SECRET = /^[0-9a-f]{64}\n$/

/**
 * The secret at that path; made where there is none.
 *
 * @param clearAway - makes room where what lies there is no secret
 * @throws {MatteboxError} STATE_FOLDER
 */
export async function ownSecret(path: string, clearAway: () => Promise<unknown>): Promise<string> {
  try {
    await makePrivateFolder(dirname(path))
    for (;;) {
      const found = await readSecret(path)
      if (typeof found === 'string') return found
      if (found.damaged) await clearAway()
      await create(path)
    }
  } catch (error) {
    throw error instanceof MatteboxError ? error : unusable(path, error)
  }
}

export async function readSecret(path: string): Promise<string | { readonly damaged: boolean }> {
  const found = await lstat(path).catch(absent)
  if (!found) return { damaged: false }
  if (!mayBeSecret(found)) return { damaged: true }
  const text = await readFile(path, 'utf8').catch(absent)
  if (text === undefined) return { damaged: false }
  return SECRET.test(text) ? text.trim() : { damaged: true }
}

/** The secret at that path, without waiting; undefined where there is none, or something else. */
export function readSecretNow(path: string): string | undefined {
  try {
    if (!mayBeSecret(lstatSync(path))) return undefined
    const text = readFileSync(path, 'utf8')
    return SECRET.test(text) ? text.trim() : undefined
  } catch {
    return undefined
  }
}

/** A pipe there would block whoever reads it. */
function mayBeSecret(found: Stats): boolean {
  return found.isFile() && found.size <= 1024
}

function absent(error: unknown): undefined {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
}

/** Puts a new secret there, whole; whoever comes second finds the first one's. */
async function create(path: string): Promise<void> {
  const part = `${path}.${randomBytes(8).toString('hex')}.part`
  try {
    const file = await open(part, 'wx', 0o600)
    try {
      await file.writeFile(`${randomBytes(32).toString('hex')}\n`)
      await file.sync()
    } finally {
      await file.close()
    }
    // Unlike a rename, a link takes nobody's place.
    await link(part, path).catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    })
  } finally {
    await rm(part, { force: true })
  }
}

export function unusable(path: string, error: unknown): MatteboxError {
  const { code = String(error) } = error as NodeJS.ErrnoException
  const mend = code === 'ENOSPC' ? 'Free some space on the disk.' : 'Give yourself permission to write there.'
  return new MatteboxError('STATE_FOLDER', `${path} cannot be used (${code}).`, mend, { cause: error })
}
