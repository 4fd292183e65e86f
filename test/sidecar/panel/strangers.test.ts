/**
 * Row 13 of the reliability table, over the real table of routes and real sockets. Seen red: without the check of the
 * cookie's value, of Host, of Origin, of Sec-Fetch-Site, of X-Mattebox, and with the table's rows before the door.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { LIVE_PATH, TRY_PATH } from '../../../src/api/index.ts'
import type { Route } from '../../../src/sidecar/panel/route.ts'
import { routes } from '../../../src/sidecar/panel/routes/index.ts'
import type { RouteParts } from '../../../src/sidecar/panel/routes/route-parts.ts'
import { Served } from './served.ts'

/** The rows as they are; what they would do is none of this test's: they must not be asked. */
const asked: string[] = []
const ROWS: readonly Route[] = routes({ sidecar: { version: '1.2.3' } } as unknown as RouteParts).map((row) => ({
  ...row,
  handle: () => void asked.push(`${row.method} ${row.path}`),
}))
const rows = ROWS.map((row) => [row.method, row.path.replace(/\{\w+\}/g, '0123456789abcdef')] as const)
const writes = rows.filter(([method]) => method !== 'GET')
const body = { headers: { 'content-type': 'application/json' }, body: '{}' }

let panel: Served
beforeAll(async () => (panel = await Served.open({ routes: ROWS })))
afterAll(() => panel[Symbol.asyncDispose]())
beforeEach(() => (asked.length = 0))

/** What a stranger tries, and what he may be told. */
const tries: readonly (readonly [string, number, () => { headers: Record<string, string>; host?: string }])[] = [
  ['nothing', 401, () => ({ headers: {} })],
  ['nothing but the header of writes', 401, () => ({ headers: { 'x-mattebox': '1' } })],
  ['a wrong secret', 401, () => ({ headers: { authorization: `Bearer ${'0'.repeat(64)}` } })],
  ['the secret under another scheme', 401, () => ({ headers: { authorization: `Basic ${panel.secret.value!}` } })],
  ['a wrong secret beside a good cookie', 401, () => ({ headers: { ...panel.cookie, authorization: 'Bearer x' } })],
  ['a wrong cookie', 401, () => ({ headers: { cookie: `mattebox-${panel.port}=wrong`, 'x-mattebox': '1' } })],
  ['the secret as a cookie', 401, () => ({ headers: { cookie: `mattebox-${panel.port}=${panel.secret.value!}` } })],
  [
    'the cookie of another port',
    401,
    () => ({
      headers: { cookie: `mattebox-1=${panel.secret.cookie(1)!}; mattebox-${panel.port}=${panel.secret.cookie(1)!}` },
    }),
  ],
  ['another Host, with the secret', 403, () => ({ headers: panel.bearer, host: `evil.example:${panel.port}` })],
  [
    'another Host, with the cookie',
    403,
    () => ({ headers: { ...panel.cookie, 'x-mattebox': '1' }, host: 'evil.example' }),
  ],
  ['a Host without the port', 403, () => ({ headers: panel.bearer, host: '127.0.0.1' })],
  [
    'an address of this machine that is not served',
    403,
    () => ({ headers: panel.bearer, host: `127.0.0.2:${panel.port}` }),
  ],
  ['another Origin, with the secret', 403, () => ({ headers: { ...panel.bearer, origin: 'http://evil.example' } })],
  [
    'another port’s Origin, with the cookie',
    403,
    () => ({ headers: { ...panel.cookie, 'x-mattebox': '1', origin: 'http://127.0.0.1:1' } }),
  ],
  ['no page’s Origin', 403, () => ({ headers: { ...panel.cookie, 'x-mattebox': '1', origin: 'null' } })],
  [
    'another page of this machine, with the cookie',
    403,
    () => ({
      headers: { ...panel.cookie, 'x-mattebox': '1', 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'no-cors' },
    }),
  ],
]

describe('the panel answers no stranger', () => {
  it.each(tries)('who shows %s: %i at every row', async (_, status, shown) => {
    for (const [method, path] of [...rows, ['GET', '/'], ['HEAD', '/'], ['GET', '/assets/index-abc123.js']] as const) {
      const { headers, host = panel.host } = shown()
      const reply = await panel.ask(method, path, { ...body, headers: { ...body.headers, ...headers }, host })
      expect([method, path, reply.status]).toEqual([method, path, status])
      expect(reply.headers['set-cookie']).toBeUndefined()
      expect(reply.headers['access-control-allow-origin']).toBeUndefined()
    }
    expect(asked).toEqual([])
  })

  it('who asks for what is not there learns no more than for what is', async () => {
    const found = await panel.ask('GET', '/api/state')
    const missing = await panel.ask('GET', '/api/nothing')
    expect([missing.status, missing.text]).toEqual([401, found.text])
  })

  it('who has the cookie changes nothing without the header that no link or form can send', async () => {
    for (const [method, path] of writes) {
      const reply = await panel.ask(method, path, { ...body, headers: { ...body.headers, ...panel.cookie } })
      expect([path, reply.status]).toEqual([path, 403])
    }
    expect(asked).toEqual([])
  })

  it('and who has shown who he is gets past the door, at every row', async () => {
    for (const [method, path] of rows) {
      for (const headers of [panel.bearer, { ...panel.cookie, 'x-mattebox': '1', origin: `http://${panel.host}` }]) {
        const { status } = await panel.ask(method, path, { ...body, headers: { ...body.headers, ...headers } })
        // What a row says of an empty body is its own affair.
        expect([204, 400, 422]).toContain(status)
      }
    }
    expect(asked.length).toBeGreaterThan(rows.length / 2)
  })

  it('by the other name of this machine too', async () => {
    const { status } = await panel.ask('GET', '/api/state', { headers: panel.bearer, host: `localhost:${panel.port}` })
    expect(status).toBe(204)
  })

  it('sees a link from another page, and follows it where the cookie came along', async () => {
    const headers = { ...panel.cookie, 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'navigate' }
    expect((await panel.ask('GET', '/', { headers })).status).toBe(200)
  })
})

describe.each([LIVE_PATH, TRY_PATH])('%s answers no stranger', (path) => {
  const own = (): string => `http://${panel.host}`
  const knocks: readonly (readonly [string, number | 'open', () => Record<string, string>])[] = [
    ['nothing', 401, () => ({})],
    ['an Origin of its own alone', 401, () => ({ origin: own() })],
    ['a wrong secret', 401, () => ({ authorization: 'Bearer x' })],
    ['the cookie without an Origin', 403, () => panel.cookie],
    ['the cookie with another Origin', 403, () => ({ ...panel.cookie, origin: 'http://127.0.0.1:1' })],
    [
      'the cookie with the Origin of its other name',
      403,
      () => ({ ...panel.cookie, origin: `http://localhost:${panel.port}` }),
    ],
    ['the secret with an Origin', 403, () => ({ ...panel.bearer, origin: own() })],
    ['the secret and another Host', 403, () => ({ ...panel.bearer, host: `evil.example:${panel.port}` })],
    ['the cookie and another Host', 403, () => ({ ...panel.cookie, origin: own(), host: 'evil.example' })],
    ['the cookie with its own Origin', 'open', () => ({ ...panel.cookie, origin: own() })],
    ['the secret without an Origin', 'open', () => panel.bearer],
  ]
  it.each(knocks)('who shows %s: %s', async (_, expected, headers) => {
    const knocked = await panel.knock(path, headers())
    expect('socket' in knocked ? 'open' : knocked.status).toBe(expected)
    if ('text' in knocked)
      expect(JSON.parse(knocked.text)).toMatchObject({ error: { code: expect.stringMatching(/^PANEL_/) as string } })
  })
})

it('opens no other WebSocket', async () => {
  expect(await panel.knock('/api/else', panel.bearer)).toMatchObject({ status: 404 })
  expect(await panel.knock('/api/else', {})).toMatchObject({ status: 401 })
})
