import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { stateFolder } from '../main/folders.ts'
import { replaceFile } from '../main/replace-file.ts'
import { ownSecret, readSecretNow, unusable } from '../main/secret-file.ts'

/**
 * The panel's secret, kept over restarts in a file for this user's eyes. Scripts send it; browsers hold a cookie made
 * from it. It is read again wherever it is compared, so that a new one counts at once in a sidecar that runs.
 */
export class PanelSecret {
  private constructor(readonly path: string) {}

  /**
   * Finds the secret; makes one where there is none, or what lies there is none.
   *
   * @throws {MatteboxError} STATE_FOLDER
   */
  static async open(folder: string = stateFolder()): Promise<PanelSecret> {
    const secret = new PanelSecret(join(folder, 'panel-secret'))
    await secret.restore()
    return secret
  }

  /** Makes a new one where it is gone or damaged. @throws {MatteboxError} STATE_FOLDER */
  async restore(): Promise<void> {
    await ownSecret(this.path, () => rm(this.path, { force: true }))
  }

  /**
   * Puts a new secret in its place: whoever was let in is a stranger again.
   *
   * @throws {MatteboxError} STATE_FOLDER
   */
  async rotate(): Promise<void> {
    await replaceFile(this.path, `${randomBytes(32).toString('hex')}\n`).catch((error: unknown) => {
      throw unusable(this.path, error)
    })
  }

  /** Undefined while the file is gone or damaged: nobody is let in then. */
  get value(): string | undefined {
    return readSecretNow(this.path)
  }

  /** What a browser's cookie holds for the panel at this port; undefined as above. */
  cookie(port: number): string | undefined {
    const { value } = this
    return value === undefined
      ? undefined
      : createHmac('sha256', value).update(`panel cookie ${port}`).digest('base64url')
  }
}

/** Whether two texts are the same, in a time that does not depend on where they differ. */
export function isSame(one: string, other: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(one), digest(other))
}
