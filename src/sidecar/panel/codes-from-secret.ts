import { createHmac, randomBytes } from 'node:crypto'
import { isSame } from './panel-secret.ts'
import { CODE_LIFE_MS } from './single-use-codes.ts'

/** A nonce, the end of its life in milliseconds since 1970, and the proof that whoever made it had the secret. */
const CODE = /^([\w-]{16})([0-9a-f]{12})([\w-]{43})$/

/**
 * A code that another process of this user's makes by itself, from the secret in his file: it need ask nobody for one,
 * and sends the secret nowhere. It is good for the one panel that bears this id, which every panel makes anew.
 */
export function codeFromSecret(secret: string, panelId: string, now: number = Date.now()): string {
  const head = randomBytes(12).toString('base64url') + (now + CODE_LIFE_MS).toString(16).padStart(12, '0')
  return head + proof(secret, panelId, head)
}

/** Codes that were made so; each is good once. */
export class CodesFromSecret {
  /** When each that was used would have died. */
  readonly #used = new Map<string, number>()

  constructor(
    readonly panelId: string,
    readonly now: () => number = Date.now,
  ) {}

  /** Uses a code up; whether it was good. */
  redeem(secret: string, code: string): boolean {
    const found = CODE.exec(code)
    if (!found) return false
    const [, nonce, endHex, shown] = found
    if (!isSame(shown, proof(secret, this.panelId, nonce + endHex))) return false
    for (const [old, end] of this.#used) if (end <= this.now()) this.#used.delete(old)
    const end = Number.parseInt(endHex, 16)
    if (end <= this.now() || this.#used.has(nonce)) return false
    this.#used.set(nonce, end)
    return true
  }
}

function proof(secret: string, panelId: string, head: string): string {
  return createHmac('sha256', secret).update(`panel code ${panelId} ${head}`).digest('base64url')
}
