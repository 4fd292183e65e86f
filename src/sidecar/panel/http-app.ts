import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import compression from 'compression'
import express, { type Express, type NextFunction, type Request, type RequestHandler, type Response } from 'express'
import type { Failure } from '../../api/index.ts'
import type { Log } from '../main/log.ts'
import type { Door } from './door.ts'
import { isBrokenOff, refusalOf } from './failure-status.ts'
import { ENTER_PATH, ENTER_SCRIPT, ENTERED, strangerPage, UNBUILT } from './plain-page.ts'
import { Refusal } from './refusal.ts'
import { registerRoutes } from './register-routes.ts'
import type { Route } from './route.ts'

const FOR_EVER = 'private, max-age=31536000, immutable'

interface HttpAppOptions {
  readonly routes: readonly Route[]
  readonly door: Door
  /** Folder of the built page. */
  readonly ui: string
  /** Puts the invocation that works where the user is into the commands of a mend. */
  readonly localize: (text: string) => string
  readonly log: Log
}

/** Everything that the panel answers over HTTP: its page, and the rows of the one flat table. */
export function createHttpApp({ routes, door, ui, localize, log }: HttpAppOptions): Express {
  const app = express()
  app.disable('x-powered-by').disable('etag').enable('case sensitive routing').enable('strict routing')
  app.use(safeHeaders)
  // The page in OBS's dock, which is none of ours, asks whether the panel is there: that, and nothing, is answered.
  app.get(
    '/alive',
    (_, response) => void response.set('Cross-Origin-Resource-Policy', 'cross-origin').status(204).end(),
  )
  app.use((request, _, next) => {
    door.requireOwnPage(request)
    next()
  })
  app.get(ENTER_PATH, (_, response) => void response.type('text/javascript').send(ENTER_SCRIPT))
  app.get('/', letInByCode(door))
  app.use((request, _, next) => {
    door.admit(request)
    next()
  })
  app.use(compression())
  app.get('/', ownPage(door, ui))
  app.use('/assets', express.static(join(ui, 'assets'), { index: false, redirect: false, setHeaders: keepForEver }))
  registerRoutes(app, routes)
  app.use(() => {
    throw new Refusal(404, 'REQUEST_UNKNOWN', 'There is nothing at this address.', 'See /api/openapi.json.')
  })
  app.use(answerFailure(log, localize))
  return app
}

/** What the page may load, and who may hold it: nothing and nobody but itself. */
const safeHeaders: RequestHandler = (request, response, next) => {
  const { host = '' } = request.headers
  response.set({
    'Content-Security-Policy': [
      "default-src 'none'",
      "script-src 'self'",
      "style-src 'self'",
      "font-src 'self'",
      "img-src 'self' blob: data:",
      "media-src 'self' blob:",
      // Older browsers do not count the own WebSocket as 'self'. The name was not checked yet.
      `connect-src 'self'${/^[\w.:[\]-]+$/.test(host) ? ` ws://${host}` : ''}`,
      "frame-ancestors 'none'",
      "base-uri 'none'",
      "form-action 'none'",
    ].join('; '),
    'X-Content-Type-Options': 'nosniff',
    'X-Frame-Options': 'DENY',
    'Referrer-Policy': 'no-referrer',
    'Cross-Origin-Opener-Policy': 'same-origin',
    'Cross-Origin-Resource-Policy': 'same-origin',
    'Permissions-Policy': 'camera=(self), microphone=(), geolocation=(), display-capture=(), usb=(), serial=()',
    'Cache-Control': 'no-store',
  })
  next()
}

/** `/?code=…`: 200 and a page that goes on to the panel. A redirect would lose the cookie that it sets. */
function letInByCode(door: Door): RequestHandler {
  return (request, response, next) => {
    const { code } = request.query
    // Whoever only looks (HEAD) uses nothing up.
    const isGood = request.method === 'GET' && typeof code === 'string' && door.redeem(code)
    const { setCookie } = door
    if (isGood && setCookie !== undefined) response.set('Set-Cookie', setCookie).type('html').send(ENTERED)
    else if (code === undefined) next()
    else if (door.shown(request) === 'cookie') response.type('html').send(ENTERED)
    else response.status(401).type('html').send(strangerPage(true))
  }
}

function ownPage(door: Door, ui: string): RequestHandler {
  return async (request, response) => {
    const html = await readFile(join(ui, 'index.html'), 'utf8').catch(() => UNBUILT)
    const { setCookie } = door
    // Its year begins anew.
    if (setCookie !== undefined && door.shown(request) === 'cookie') response.set('Set-Cookie', setCookie)
    response.type('html').send(html)
  }
}

/** Names of assets hold a hash of what is in them. */
function keepForEver(response: Response): void {
  response.set('Cache-Control', FOR_EVER)
}

/** Answers what was thrown: whatever the asker can mend says how; a fault of ours says nothing of our insides. */
function answerFailure(log: Log, localize: HttpAppOptions['localize']) {
  // Express knows by the number of parameters that this one takes errors.
  return (error: unknown, request: Request, response: Response, next: NextFunction): void => {
    if (isBrokenOff(error, request)) return void response.destroy()
    const refusal = refusalOf(error)
    if (refusal.status === 500) log.error('A request to the panel failed.', { error: textOf(error), ...said(request) })
    if (response.headersSent) return next(error)
    response.status(refusal.status).set(refusal.more.headers ?? {})
    const isPage = refusal.status === 401 && request.path !== '/metrics' && !request.path.startsWith('/api/')
    // Whoever takes anything (curl) gets JSON.
    if (isPage && request.accepts(['json', 'html']) === 'html') response.type('html').send(strangerPage(false))
    else {
      const { error: told } = refusal.failure
      response.json({ error: { ...told, mend: localize(told.mend) } } satisfies Failure)
    }
  }
}

/** The address without its query, where a code may be. */
function said({ method, path }: Request): Readonly<Record<string, unknown>> {
  return { method, path }
}

function textOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
