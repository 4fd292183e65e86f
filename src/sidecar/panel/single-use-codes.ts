import { createHash, randomBytes } from 'node:crypto'

/** A code dies with its use, and after this time. */
export const CODE_LIFE_MS = 10 * 60 * 1000
/** Whoever asks for more makes the oldest ones void. */
const CODES_MAX = 100

/** Codes that let a browser in once. Only their hashes are kept, so that comparing them takes no time that tells. */
export class SingleUseCodes {
  /** When each dies, by its hash; the oldest first. */
  readonly #lives = new Map<string, number>()

  constructor(readonly now: () => number = () => performance.now()) {}

  issue(): string {
    const code = randomBytes(18).toString('base64url')
    this.#lives.set(hash(code), this.now() + CODE_LIFE_MS)
    for (const [oldest] of this.#lives) {
      if (this.#lives.size <= CODES_MAX) break
      this.#lives.delete(oldest)
    }
    return code
  }

  isAlive(code: string): boolean {
    const end = this.#lives.get(hash(code))
    return end !== undefined && this.now() < end
  }

  /** Uses a code up; whether it was good. */
  redeem(code: string): boolean {
    const good = this.isAlive(code)
    this.#lives.delete(hash(code))
    return good
  }

  /** Makes all of them void. */
  clear(): void {
    this.#lives.clear()
  }
}

function hash(code: string): string {
  return createHash('sha256').update(code).digest('base64')
}
