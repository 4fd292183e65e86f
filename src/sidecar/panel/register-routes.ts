import type { Express, Request, RequestHandler, Response } from 'express'
import express from 'express'
import { MODEL_BYTES_MAX } from '../../settings/model-limits.ts'
import { checkBody, checkTexts } from './check-part.ts'
import { Refusal } from './refusal.ts'
import { Answer, type Route } from './route.ts'

const JSON_MAX_BYTES = 1024 * 1024
const UPLOADS_AT_A_TIME = 2

const METHODS = { GET: 'get', POST: 'post', PUT: 'put', PATCH: 'patch', DELETE: 'delete' } as const

/** Registers the table's rows; other methods at their addresses are told which there are. */
export function registerRoutes(app: Express, routes: readonly Route[]): void {
  const readJson = express.json({ limit: JSON_MAX_BYTES, strict: false, inflate: false, verify: requireBytes })
  const upload = limitUploads()
  const paths = new Map<string, Route[]>()
  for (const row of routes) paths.set(row.path, [...(paths.get(row.path) ?? []), row])
  for (const [path, rows] of Array.from(paths).sort(([one], [other]) => literalFirst(one, other))) {
    const at = app.route(path.replace(/\{(\w+)\}/g, ':$1'))
    for (const row of rows) {
      const { body } = row.schemas
      const reads = body === undefined ? [] : body === 'stream' ? [upload] : [requireJson, readJson]
      at[METHODS[row.method]](...reads, handle(row))
    }
    at.all(wrongMethod(rows))
  }
}

/** `/presets/import` goes before `/presets/{name}`, wherever the table has them. */
function literalFirst(one: string, other: string): number {
  const key = (path: string): string => path.replace(/\{\w+\}/g, '\uffff')
  return key(one) < key(other) ? -1 : 1
}

function handle(row: Route): RequestHandler {
  const { params, query, body } = row.schemas
  return async (request, response) => {
    const call = {
      params: params && checkTexts(params, request.params, 'address'),
      query: query && checkTexts(query, request.query, 'query'),
      body: body === undefined || body === 'stream' ? undefined : checkBody(body, request.body),
      request,
    }
    // The parts are what the row's schemas say: they were checked against them.
    answer(response, await row.handle(call as Parameters<typeof row.handle>[0]))
  }
}

function answer(response: Response, found: unknown): void {
  const { status, body, type } = found instanceof Answer ? found : new Answer(found === undefined ? 204 : 200, found)
  response.status(status)
  if (body === undefined) response.end()
  else if (type === undefined) response.json(body)
  else response.type(type).send(body)
}

function wrongMethod(rows: readonly Route[]): RequestHandler {
  const allowed = rows.flatMap(({ method }) => (method === 'GET' ? ['GET', 'HEAD'] : [method])).join(', ')
  return () => {
    const headers = { Allow: allowed }
    const message = 'This address does not take that method.'
    throw new Refusal(405, 'REQUEST_METHOD', message, `It takes ${allowed}.`, { headers })
  }
}

const requireJson: RequestHandler = (request, _, next) => {
  if (bodyBytes(request) > JSON_MAX_BYTES) throw tooLarge('1 MiB')
  if (!request.is('application/json')) {
    const mend = 'Send JSON, with the header `Content-Type: application/json`.'
    throw new Refusal(415, 'REQUEST_TYPE', 'The request’s body is missing or of another type.', mend)
  }
  next()
}

/** The parser takes nothing for an empty object: a slip that would be answered as a change. */
function requireBytes(_request: unknown, _response: unknown, bytes: Buffer): void {
  if (bytes.length > 0) return
  throw new Refusal(400, 'REQUEST_INVALID', 'The request’s body is empty.', 'Send JSON.', { field: '' })
}

/** Bodies that a row reads itself, a few at a time. One that does not say its length is the row's to count. */
function limitUploads(): RequestHandler {
  let running = 0
  return (request, response, next) => {
    if (bodyBytes(request) > MODEL_BYTES_MAX) throw tooLarge(`${MODEL_BYTES_MAX / 2 ** 20} MiB`)
    if (running >= UPLOADS_AT_A_TIME) {
      const headers = { 'Retry-After': '5' }
      throw new Refusal(429, 'REQUEST_MANY', 'Other uploads run.', 'Try again when they are done.', { headers })
    }
    running++
    response.on('close', () => running--)
    next()
  }
}

/** As the request says; 0 where it does not. */
function bodyBytes(request: Request): number {
  return Number(request.headers['content-length'] ?? 0)
}

export function tooLarge(limit: string): Refusal {
  return new Refusal(413, 'REQUEST_LARGE', `The request’s body is larger than ${limit}.`, 'Send less.')
}
