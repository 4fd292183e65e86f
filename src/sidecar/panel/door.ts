import { randomBytes } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { ownHosts } from './hosts.ts'
import { CodesFromSecret } from './codes-from-secret.ts'
import { isSame, type PanelSecret } from './panel-secret.ts'
import { Refusal } from './refusal.ts'
import { SingleUseCodes } from './single-use-codes.ts'

const YEAR_S = 365 * 24 * 60 * 60
const HOW_TO_ENTER =
  'In a browser: `mattebox start` prints a fresh address, also while one runs. In a script: send the header ' +
  '`Authorization: Bearer` with what `mattebox token` prints.'

/**
 * Decides who is let in. Browsers hold a cookie, scripts send the secret; both must ask for us by a name of ours, and no
 * page of others may ask at all. A cookie alone changes nothing: it is the same for every port of this machine, and a
 * browser sends it by itself.
 */
export class Door {
  /** Of this panel, however often one is opened at its port: for whoever makes a code from the secret. */
  readonly id = randomBytes(16).toString('hex')
  readonly #codes = new SingleUseCodes()
  readonly #codesFromSecret = new CodesFromSecret(this.id)
  /** The secret that the codes go with. */
  #secret: string | undefined

  constructor(
    readonly secret: PanelSecret,
    readonly port: number,
    readonly listen: string,
  ) {}

  /** For a browser: good for one use within ten minutes, or until the secret is renewed. */
  get codes(): SingleUseCodes {
    const { value } = this.secret
    if (value !== this.#secret) this.#codes.clear()
    this.#secret = value
    return this.#codes
  }

  /** Uses a code up, of either kind; whether it was good. */
  redeem(code: string): boolean {
    const { value } = this.secret
    return this.codes.redeem(code) || (value !== undefined && this.#codesFromSecret.redeem(value, code))
  }

  /** @throws {Refusal} 403 where another name or another page's address was used */
  requireOwnPage(request: IncomingMessage): void {
    const { host, origin } = request.headers
    const hosts = ownHosts(this.port, this.listen)
    if (host === undefined || !hosts.has(host)) {
      throw foreign('The panel was asked under a name that is not its own.', `Use http://127.0.0.1:${this.port}/`)
    }
    // Two names of ours are two pages to a browser, and the cookie of one is none of the other.
    if (origin !== undefined && origin !== `http://${host}`) {
      throw foreign('A page of others asked the panel.', 'Scripts ask without an Origin header.')
    }
  }

  /** What was shown: a cookie of ours, or the secret; undefined: neither, or a wrong one. */
  shown(request: IncomingMessage): 'cookie' | 'bearer' | undefined {
    const { authorization, cookie = '' } = request.headers
    if (authorization !== undefined) {
      const given = /^bearer +(\S+) *$/i.exec(authorization)?.[1]
      const { value } = this.secret
      return given !== undefined && value !== undefined && isSame(given, value) ? 'bearer' : undefined
    }
    const wanted = this.secret.cookie(this.port)
    if (wanted === undefined) return undefined
    const pairs = cookie.split(';').map((pair) => pair.trim())
    const given = pairs.filter((pair) => pair.startsWith(`${this.#cookieName}=`))
    return given.some((pair) => isSame(pair, `${this.#cookieName}=${wanted}`)) ? 'cookie' : undefined
  }

  /** @throws {Refusal} 401 to strangers, 403 to pages of others and to writes that a link or form could make */
  admit(request: IncomingMessage): void {
    const shown = this.shown(request)
    if (shown === undefined) throw stranger()
    if (shown === 'bearer') return
    const reads = request.method === 'GET' || request.method === 'HEAD'
    const { 'sec-fetch-site': site = 'none', 'sec-fetch-mode': mode } = request.headers
    // Other ports of this machine are other pages of the same site: the cookie goes with what they ask. They may link
    // to the panel, and nothing else.
    if (site !== 'same-origin' && site !== 'none' && !(reads && mode === 'navigate')) {
      throw foreign('A page of others asked the panel.', 'Open the panel itself.')
    }
    if (!reads && request.headers['x-mattebox'] === undefined) {
      throw foreign('The request changes something and bears no header X-Mattebox.', 'Send `X-Mattebox: 1` with it.')
    }
  }

  /** @throws {Refusal} 401, 403 */
  admitSocket(request: IncomingMessage): void {
    const shown = this.shown(request)
    if (shown === undefined) throw stranger()
    const hasOrigin = request.headers.origin !== undefined
    if (shown === 'cookie' && !hasOrigin) {
      throw foreign('A WebSocket with the panel’s cookie names no Origin.', 'Scripts send the secret instead.')
    }
    if (shown === 'bearer' && hasOrigin) {
      throw foreign('A WebSocket with the panel’s secret names an Origin.', 'Scripts connect without an Origin header.')
    }
  }

  /** The header that gives a browser its cookie; undefined while there is no secret. */
  get setCookie(): string | undefined {
    const value = this.secret.cookie(this.port)
    return value && `${this.#cookieName}=${value}; Max-Age=${YEAR_S}; Path=/; HttpOnly; SameSite=Strict`
  }

  get #cookieName(): string {
    return `mattebox-${this.port}`
  }
}

function stranger(): Refusal {
  const headers = { 'WWW-Authenticate': 'Bearer realm="mattebox"' }
  return new Refusal(401, 'PANEL_STRANGER', 'mattebox does not know who asks.', HOW_TO_ENTER, { headers })
}

function foreign(message: string, mend: string): Refusal {
  return new Refusal(403, 'PANEL_FOREIGN', message, mend)
}
