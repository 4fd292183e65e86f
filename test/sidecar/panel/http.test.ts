/**
 * What the server does around the rows. Seen red: without the sort of addresses, the check of bodies, `inflate: false`,
 * and the error handler.
 */
import { once } from 'node:events'
import { createServer } from 'node:http'
import { connect } from 'node:net'
import { Type } from 'typebox'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { MatteboxError } from '../../../src/errors/index.ts'
import { PanelServer } from '../../../src/sidecar/panel/panel-server.ts'
import { Answer, route, type Route } from '../../../src/sidecar/panel/route.ts'
import { until } from '../main/told.ts'
import { Served, type Reply } from './served.ts'

const Body = Type.Object(
  {
    ratio: Type.Union([Type.Literal(0), Type.Number({ minimum: 0.05 })]),
    points: Type.Optional(Type.Array(Type.Object({ x: Type.Number() }))),
    view: Type.Optional(Type.Enum(['result', 'alpha'])),
  },
  { additionalProperties: false },
)
const row = { tag: 'T', summary: 'S.' }
/** Ends of the uploads that wait for them. */
const held: (() => void)[] = []
const ROWS: readonly Route[] = [
  route({
    ...row,
    method: 'PUT',
    path: '/api/things/{name}',
    schemas: { params: Type.Object({ name: Type.String() }) },
    handle: ({ params }) => params,
  }),
  route({ ...row, method: 'POST', path: '/api/things/import', schemas: {}, handle: () => ({ imported: true }) }),
  route({
    ...row,
    method: 'GET',
    path: '/api/numbers/{n}',
    schemas: {
      params: Type.Object({ n: Type.Integer() }),
      query: Type.Object({ on: Type.Optional(Type.Boolean()) }, { additionalProperties: false }),
    },
    handle: ({ params, query }) => ({ ...params, ...query }),
  }),
  route({ ...row, method: 'PATCH', path: '/api/body', schemas: { body: Body }, handle: ({ body }) => body }),
  route({ ...row, method: 'GET', path: '/api/body', schemas: {}, handle: () => ({ at: 'body' }) }),
  route({ ...row, method: 'GET', path: '/api/nothing', schemas: {}, handle: () => undefined }),
  route({
    ...row,
    method: 'GET',
    path: '/api/text',
    schemas: {},
    handle: () => new Answer(202, 'a text', 'text/plain; version=0.0.4'),
  }),
  route({
    ...row,
    method: 'GET',
    path: '/api/missing',
    schemas: {},
    handle: () => {
      throw new MatteboxError('MODEL_UNKNOWN', 'None.', 'Try `mattebox models`.')
    },
  }),
  route({
    ...row,
    method: 'GET',
    path: '/api/fault',
    schemas: {},
    handle: () => Promise.reject(new Error('the inside of things')),
  }),
  route({
    ...row,
    method: 'POST',
    path: '/api/upload',
    schemas: { body: 'stream' },
    handle: async ({ request }) => {
      let bytes = 0
      if (request.headers['x-hold']) await new Promise<void>((resolve) => held.push(resolve))
      for await (const piece of request) bytes += (piece as Buffer).length
      return { bytes }
    },
  }),
]

let panel: Served
beforeAll(
  async () =>
    (panel = await Served.open({
      routes: ROWS,
      localize: (text) => text.replace('`mattebox', '`npx mattebox'),
      times: { headersTimeout: 300, requestTimeout: 600, connectionsCheckingInterval: 50 },
    })),
)
afterAll(() => panel[Symbol.asyncDispose]())

const ask = (method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Reply> =>
  panel.ask(method, path, {
    headers: { ...panel.bearer, ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
    ...(body !== undefined && {
      body: typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body),
    }),
  })
const error = ({ text }: Reply) =>
  (JSON.parse(text) as { error: { code: string; message: string; field?: string } }).error

describe('the rows of the table', () => {
  it('get their parts read as the schemas say', async () => {
    expect(JSON.parse((await ask('GET', '/api/numbers/12?on=true')).text)).toEqual({ n: 12, on: true })
    expect(JSON.parse((await ask('PUT', '/api/things/a%20b%2Fc')).text)).toEqual({ name: 'a b/c' })
    expect(JSON.parse((await ask('PATCH', '/api/body', { ratio: 0 })).text)).toEqual({ ratio: 0 })
  })

  it('answer what they want to', async () => {
    expect(await ask('GET', '/api/nothing')).toMatchObject({ status: 204, text: '' })
    const text = await ask('GET', '/api/text')
    expect(text).toMatchObject({ status: 202, text: 'a text' })
    expect(text.headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8')
    expect((await ask('GET', '/api/body')).headers['cache-control']).toBe('no-store')
  })

  it('are found by the whole name before a part of it', async () => {
    expect(JSON.parse((await ask('POST', '/api/things/import')).text)).toEqual({ imported: true })
  })

  it.each([
    ['PATCH', '/api/body', {}, 422, '/ratio', 'is missing'],
    ['PATCH', '/api/body', { ratio: -1 }, 422, '/ratio', 'must be 0, or must be >= 0.05'],
    ['PATCH', '/api/body', { ratio: 0, other: 1 }, 422, '/other', 'is not known'],
    ['PATCH', '/api/body', { ratio: 0, points: [{ x: 1 }, { x: 'a' }] }, 422, '/points/1/x', 'must be number'],
    ['PATCH', '/api/body', { ratio: 0, points: [{}] }, 422, '/points/0/x', 'is missing'],
    ['PATCH', '/api/body', { ratio: 0, view: 'room' }, 422, '/view', 'must be one of result, alpha'],
    ['PATCH', '/api/body', [], 422, '', 'must be object'],
    ['PATCH', '/api/body', 'null', 422, '', 'must be object'],
    ['PATCH', '/api/body', '{"ratio":', 400, '', 'not JSON'],
    ['GET', '/api/numbers/x', undefined, 400, '/n', 'must be integer'],
    ['GET', '/api/numbers/1?on=maybe', undefined, 400, '/on', 'must be boolean'],
    ['GET', '/api/numbers/1?on=true&on=false', undefined, 400, '/on', 'must be boolean'],
    ['GET', '/api/numbers/1?off=1', undefined, 400, '/off', 'is not known'],
    ['GET', '/api/numbers/%E0%A4%A', undefined, 400, '', 'address has a %'],
  ])('%s %s with %j: %i, and %j', async (method, path, body, status, field, found) => {
    const reply = await ask(method, path, body)
    expect([reply.status, error(reply).code, error(reply).field]).toEqual([status, 'REQUEST_INVALID', field])
    expect(error(reply).message).toContain(found)
  })

  it('never say a value back that was wrong', async () => {
    expect((await ask('PATCH', '/api/body', { ratio: 'a password' })).text).not.toContain('password')
  })

  it('say which methods there are', async () => {
    const reply = await ask('DELETE', '/api/body')
    expect([reply.status, reply.headers.allow]).toEqual([405, 'PATCH, GET, HEAD'])
    expect((await ask('OPTIONS', '/api/body')).status).toBe(405)
    expect((await ask('HEAD', '/api/body')).status).toBe(200)
  })

  it.each([
    [{ 'content-type': 'text/plain' }, '{"ratio":0}', 'of another type'],
    [{ 'content-type': 'application/x-www-form-urlencoded' }, 'ratio=0', 'of another type'],
    [{ 'content-type': 'application/json; charset=latin1' }, '{"ratio":0}', 'charset'],
    [{ 'content-type': 'application/json', 'content-encoding': 'gzip' }, '{"ratio":0}', 'compressed'],
  ])('take JSON only, and say what else it is: %j', async (headers, body, found) => {
    const reply = await ask('PATCH', '/api/body', body, headers)
    expect(reply.status).toBe(415)
    expect(error(reply).message).toContain(found)
  })

  it('take JSON that says its charset', async () => {
    const headers = { 'content-type': 'application/json; charset=utf-8' }
    expect((await ask('PATCH', '/api/body', '{"ratio":0}', headers)).status).toBe(200)
  })

  it('take 1 MiB of it, whether it says its length or not', async () => {
    const large = `{"ratio":0,"x":"${'x'.repeat(1024 * 1024)}"}`
    expect((await ask('PATCH', '/api/body', large)).status).toBe(413)
    expect((await ask('PATCH', '/api/body', large, { 'transfer-encoding': 'chunked' })).status).toBe(413)
    expect((await ask('PATCH', '/api/body', ' '.repeat(1024 * 1024 - 11) + '{"ratio":0}')).status).toBe(200)
  })

  it('answer an error of ours with its status, and a fault without its insides', async () => {
    expect(await ask('GET', '/api/missing')).toMatchObject({
      status: 404,
      text: '{"error":{"code":"MODEL_UNKNOWN","message":"None.","mend":"Try `npx mattebox models`."}}',
    })
    const fault = await ask('GET', '/api/fault')
    expect([fault.status, error(fault).code]).toEqual([500, 'PANEL_FAULT'])
    expect(fault.text).not.toMatch(/inside|\.ts|\bat /)
    expect(JSON.stringify(panel.logged)).toContain('the inside of things')
  })

  it('are all that there is', async () => {
    for (const path of [
      '/api/else',
      '/api',
      '/API/body',
      '/api/body/',
      '/index.html',
      '/assets/../index.html',
      '/assets/%2e%2e/index.html',
      '/assets/',
    ]) {
      expect([path, (await ask('GET', path)).status]).toEqual([path, 404])
    }
  })
})

describe('uploads', () => {
  it('are handed on as they come', async () => {
    expect(JSON.parse((await ask('POST', '/api/upload', Buffer.alloc(3_000_000))).text)).toEqual({ bytes: 3_000_000 })
  })

  it('of more than 64 MiB are refused before they come', async () => {
    const reply = await ask('POST', '/api/upload', undefined, { 'content-length': String(64 * 1024 * 1024 + 1) }).catch(
      (e: unknown) => e,
    )
    expect(reply).toMatchObject({ status: 413 })
  })

  it('are two at a time', async () => {
    const running = [0, 1].map(() => ask('POST', '/api/upload', Buffer.alloc(10), { 'x-hold': '1' }))
    await until(() => held.length === 2, 'two uploads')
    expect((await ask('POST', '/api/upload', Buffer.alloc(10))).status).toBe(429)
    for (const end of held) end()
    await Promise.all(running)
    expect((await ask('POST', '/api/upload', Buffer.alloc(10))).status).toBe(200)
  })
})

describe('the page', () => {
  it('is kept by nobody, and what it loads for ever, compressed', async () => {
    const page = await ask('GET', '/')
    expect([page.text, page.headers['cache-control']]).toEqual(['<!doctype html><title>the panel</title>', 'no-store'])
    const script = await ask('GET', '/assets/index-abc123.js', undefined, { 'accept-encoding': 'gzip' })
    expect(script.headers['cache-control']).toBe('private, max-age=31536000, immutable')
    expect([script.headers['content-encoding'], script.headers['content-type']]).toEqual([
      'gzip',
      'text/javascript; charset=utf-8',
    ])
    expect(script.text.length).toBeLessThan(500)
  })

  it('loads nothing from elsewhere, and sits in no other page', async () => {
    for (const reply of [
      await ask('GET', '/'),
      await panel.ask('GET', '/api/state'),
      await ask('GET', '/assets/index-abc123.js'),
    ]) {
      expect(reply.headers['content-security-policy']).toBe(
        `default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; connect-src 'self' ws://${panel.host}; frame-ancestors 'none'; base-uri 'none'; form-action 'none'`,
      )
      expect(reply.headers).toMatchObject({
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
        'cross-origin-opener-policy': 'same-origin',
        'cross-origin-resource-policy': 'same-origin',
      })
      expect(reply.headers['permissions-policy']).toContain('camera=(self)')
      expect(reply.headers['x-powered-by']).toBeUndefined()
    }
  })

  it('says what to do where it is not built', async () => {
    await using unbuilt = await Served.open({ ui: '/nowhere' })
    expect((await unbuilt.ask('GET', '/', { headers: unbuilt.bearer })).text).toContain('npm run build')
  })

  it('tells a stranger how to get in, as a page or as JSON', async () => {
    const page = await panel.ask('GET', '/', { headers: { accept: 'text/html,*/*' } })
    expect([page.status, page.headers['content-type']]).toEqual([401, 'text/html; charset=utf-8'])
    expect(page.text).toContain('mattebox start')
    expect(error(await panel.ask('GET', '/')).code).toBe('PANEL_STRANGER')
  })

  it('says to anybody that it is there, and nothing more', async () => {
    const alive = await panel.ask('GET', '/alive')
    expect([alive.status, alive.text, alive.headers['cross-origin-resource-policy']]).toEqual([204, '', 'cross-origin'])
  })
})

describe('connections', () => {
  const raw = async (text: string): Promise<string> => {
    const connection = connect(panel.port, '127.0.0.1')
    let answer = ''
    connection.on('data', (piece) => (answer += piece.toString()))
    connection.on('error', () => undefined)
    connection.write(text)
    await once(connection, 'close')
    return answer
  }

  it('that send a letter at a time are let go of', async () => {
    expect(await raw('GET /api/state HTTP/1.1\r\nHost: ')).toMatch(/^HTTP\/1.1 408/)
    expect(
      await raw(
        `PATCH /api/body HTTP/1.1\r\nHost: ${panel.host}\r\nAuthorization: ${panel.bearer['authorization']}\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{`,
      ),
    ).toMatch(/^HTTP\/1.1 408/)
  })

  it('that send what is no request, or a head without end, are answered and closed', async () => {
    expect(await raw('hello\r\n\r\n')).toMatch(/^HTTP\/1.1 400/)
    expect(await raw(`GET / HTTP/1.1\r\nX: ${'x'.repeat(20_000)}`)).toMatch(/^HTTP\/1.1 431/)
  })

  it('past 256 are answered 503, and let in again when others have gone', async () => {
    const idle = Array.from({ length: 256 }, () => connect(panel.port, '127.0.0.1'))
    await Promise.all(idle.map((connection) => once(connection, 'connect')))
    expect(await raw('')).toMatch(/^HTTP\/1.1 503[^]*PANEL_FULL/)
    await Promise.all(idle.map((connection) => once(connection.destroy(), 'close')))
    await expect.poll(async () => (await ask('GET', '/api/body')).status, { timeout: 5000 }).toBe(200)
  })
})

describe('where it cannot listen', () => {
  const open = (port: number, listen = '127.0.0.1') =>
    PanelServer.open({
      sidecar: panel.sidecar,
      states: panel.states,
      routes: [],
      port,
      listen,
      secret: panel.secret,
      log: panel.log,
    })

  it('it names the port and how to choose another', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    const { port } = other.address() as { port: number }
    await expect(open(port)).rejects.toMatchObject({
      code: 'PANEL_PORT',
      message: expect.stringContaining(`port ${port}`) as string,
      mend: expect.stringContaining('--port') as string,
    })
    other.close()
  })

  it('it says so of an address that is none, or not this machine’s', async () => {
    await expect(open(0, 'kitchen')).rejects.toMatchObject({ code: 'PANEL_PORT' })
    await expect(open(0, '192.0.2.1')).rejects.toMatchObject({ code: 'PANEL_PORT' })
  })
})

it('serves another address beside this machine, by its name, where it is told to', async () => {
  // Another address of this machine stands for one of its network.
  await using exposed = await Served.open({ listen: '127.0.0.2' })
  for (const host of [`127.0.0.2:${exposed.port}`, exposed.host]) {
    expect((await exposed.ask('GET', '/', { headers: exposed.bearer, host })).status).toBe(200)
  }
  expect((await exposed.ask('GET', '/', { headers: exposed.bearer, host: `127.0.0.3:${exposed.port}` })).status).toBe(
    403,
  )
})
