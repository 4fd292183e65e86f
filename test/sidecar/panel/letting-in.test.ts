/**
 * How browsers and scripts are let in, and locked out again: row 16 of the reliability table, as far as the server
 * goes. Seen red: with codes that live on after their use, of either kind, without their end, with HEAD that uses them
 * up, with the secret read once, and with WebSockets that outlive it.
 */
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { LIVE_PATH, TRY_PATH } from '../../../src/api/index.ts'
import { codeFromSecret, CodesFromSecret } from '../../../src/sidecar/panel/codes-from-secret.ts'
import { isSame, PanelSecret } from '../../../src/sidecar/panel/panel-secret.ts'
import { SingleUseCodes } from '../../../src/sidecar/panel/single-use-codes.ts'
import { Served } from './served.ts'

const cookieOf = (header: string[] | undefined): string => header?.[0].split(';')[0] ?? ''

describe('a code', () => {
  it('lets one browser in: a page that sets the cookie and goes on by itself', async () => {
    await using panel = await Served.open()
    const code = panel.server.newCode()
    const reply = await panel.ask('GET', `/?code=${code}`)
    expect(reply.status).toBe(200)
    expect(reply.headers['set-cookie']).toEqual([
      `mattebox-${panel.port}=${panel.secret.cookie(panel.port)!}; Max-Age=31536000; Path=/; HttpOnly; SameSite=Strict`,
    ])
    expect([reply.headers['cache-control'], reply.headers['referrer-policy']]).toEqual(['no-store', 'no-referrer'])
    expect(reply.text).toContain('<script src="/enter.js"')
    expect((await panel.ask('GET', '/enter.js')).text).toContain("location.replace('/'")
    const cookie = cookieOf(reply.headers['set-cookie'])
    const page = await panel.ask('GET', '/', { headers: { cookie } })
    expect([page.status, page.text]).toEqual([200, '<!doctype html><title>the panel</title>'])
    // The cookie's year begins anew.
    expect(cookieOf(page.headers['set-cookie'])).toBe(cookie)
    const again = await panel.ask('GET', `/?code=${code}`)
    expect([again.status, again.headers['set-cookie']]).toEqual([401, undefined])
    expect(again.text).toContain('has been used')
  })

  it('is used up by no glance, and by no other name', async () => {
    await using panel = await Served.open()
    const code = panel.server.newCode()
    expect((await panel.ask('HEAD', `/?code=${code}`)).status).toBe(401)
    expect((await panel.ask('POST', `/?code=${code}`)).status).toBe(401)
    expect((await panel.ask('GET', `/?code=${code}`, { host: `evil.example:${panel.port}` })).status).toBe(403)
    expect((await panel.ask('GET', `/?code=${code}&code=${code}`)).status).toBe(401)
    expect((await panel.ask('GET', `/api/state?code=${code}`)).status).toBe(401)
    expect(panel.server.isAlive(code)).toBe(true)
    expect((await panel.ask('GET', `/?code=${code}`)).status).toBe(200)
  })

  it('that is old troubles no browser that is known', async () => {
    await using panel = await Served.open()
    expect((await panel.ask('GET', '/?code=used', { headers: panel.cookie })).status).toBe(200)
  })

  it('dies with its use, after ten minutes, and where a hundred newer ones are', () => {
    let now = 0
    const codes = new SingleUseCodes(() => now)
    const [used, old, young] = [codes.issue(), codes.issue(), codes.issue()]
    expect(new Set([used, old, young]).size).toBe(3)
    expect([codes.redeem(used), codes.redeem(used), codes.redeem('made up')]).toEqual([true, false, false])
    now = 10 * 60 * 1000 - 1
    expect(codes.redeem(young)).toBe(true)
    now++
    expect([codes.isAlive(old), codes.redeem(old)]).toEqual([false, false])
    const first = codes.issue()
    const others = Array.from({ length: 100 }, () => codes.issue())
    expect([codes.redeem(first), codes.redeem(others[0])]).toEqual([false, true])
  })

  it('is made by whoever has the secret, for this one panel', async () => {
    await using panel = await Served.open()
    const secret = panel.secret.value!
    const code = codeFromSecret(secret, panel.server.id)
    const another = code.slice(0, -1) + (code.endsWith('A') ? 'Q' : 'A')
    const forged = [codeFromSecret('0'.repeat(64), panel.server.id), codeFromSecret(secret, 'another'), another]
    for (const wrong of forged) expect((await panel.ask('GET', `/?code=${wrong}`)).status).toBe(401)
    expect((await panel.ask('GET', `/?code=${code}`)).status).toBe(200)
    expect((await panel.ask('GET', `/?code=${code}`)).status).toBe(401)
    const old = codeFromSecret(secret, panel.server.id)
    await panel.secret.rotate()
    expect((await panel.ask('GET', `/?code=${old}`)).status).toBe(401)
  })

  it('that was made from the secret dies after ten minutes too, whoever keeps it', () => {
    let now = 0
    const codes = new CodesFromSecret('one', () => now)
    const [early, late, used] = Array.from({ length: 3 }, () => codeFromSecret('secret', 'one', now))
    now = 10 * 60 * 1000 - 1
    expect([early, used, used].map((code) => codes.redeem('secret', code))).toEqual([true, true, false])
    now++
    expect([late, used].map((code) => codes.redeem('secret', code))).toEqual([false, false])
  })

  it('is in no log and no answer', async () => {
    await using panel = await Served.open()
    const code = panel.server.newCode()
    const replies = [
      await panel.ask('GET', `/?code=${code}`),
      await panel.ask('GET', `/?code=${code}`),
      await panel.ask('GET', `/nothing?code=${code}`, { headers: panel.bearer }),
      await panel.ask('GET', '/', { headers: panel.cookie }),
    ]
    const said = JSON.stringify([replies, panel.logged])
    expect(said).not.toContain(code)
    expect(said).not.toContain(panel.secret.value!)
  })
})

describe('the secret', () => {
  it('is kept, for this user’s eyes, and the cookie with it', async () => {
    await using panel = await Served.open()
    const { path, value } = panel.secret
    expect([statSync(path).mode & 0o777, statSync(join(panel.folder, 'state')).mode & 0o777]).toEqual([0o600, 0o700])
    expect(readFileSync(path, 'utf8')).toBe(`${value!}\n`)
    const { port, cookie } = panel
    await panel.server.close()
    await panel.start({ port, secret: await PanelSecret.open(join(panel.folder, 'state')) })
    expect((await panel.ask('GET', '/', { headers: cookie })).status).toBe(200)
  })

  it('that is renewed makes strangers of all, at once', async () => {
    await using panel = await Served.open()
    const { cookie, bearer } = panel
    const code = panel.server.newCode()
    const sockets = [await panel.socket(LIVE_PATH), await panel.socket(TRY_PATH)]
    const ends = sockets.map((socket) => once(socket, 'close'))
    // As `mattebox token --rotate` does it, in a process of its own.
    await (await PanelSecret.open(join(panel.folder, 'state'))).rotate()
    expect((await panel.ask('GET', '/', { headers: cookie })).status).toBe(401)
    expect((await panel.ask('GET', '/', { headers: bearer })).status).toBe(401)
    expect((await panel.ask('GET', `/?code=${code}`)).status).toBe(401)
    expect((await panel.knock(LIVE_PATH, bearer)) as object).toMatchObject({ status: 401 })
    expect((await Promise.all(ends)).map(([status]) => status as number)).toEqual([1008, 1008])
    expect((await panel.ask('GET', '/', { headers: panel.bearer })).status).toBe(200)
    expect((await panel.ask('GET', `/?code=${panel.server.newCode()}`)).status).toBe(200)
    expect(statSync(panel.secret.path).mode & 0o777).toBe(0o600)
    expect(readdirSync(join(panel.folder, 'state'))).toEqual(['panel-secret'])
  })

  it.each([
    ['is gone', (path: string) => rmSync(path)],
    ['is damaged', (path: string) => writeFileSync(path, 'half a sec')],
    ['is empty', (path: string) => writeFileSync(path, '')],
    ['is a pipe', (path: string) => (rmSync(path), void spawnSync('mkfifo', [path]))],
  ])('that %s lets nobody in, until there is one again', async (_, harm) => {
    await using panel = await Served.open()
    const { cookie, bearer } = panel
    const code = panel.server.newCode()
    harm(panel.secret.path)
    for (const headers of [cookie, bearer, {}, { authorization: 'Bearer ' }, { authorization: 'Bearer undefined' }]) {
      expect((await panel.ask('GET', '/', { headers })).status).toBe(401)
    }
    expect((await panel.ask('GET', `/?code=${code}`)).status).toBe(401)
    await PanelSecret.open(join(panel.folder, 'state'))
    expect((await panel.ask('GET', '/', { headers: panel.bearer })).status).toBe(200)
    expect((await panel.ask('GET', '/', { headers: cookie })).status).toBe(401)
  })

  it.each([
    ['half a one', (path: string) => writeFileSync(path, 'a'.repeat(32))],
    ['a link to nowhere', (path: string) => symlinkSync('/nowhere/at/all', path)],
    ['a link to another file', (path: string) => symlinkSync('/etc/hostname', path)],
  ])('is made anew where there is %s', async (_, leave) => {
    await using panel = await Served.open()
    const folder = join(panel.folder, 'other')
    mkdirSync(folder)
    chmodSync(folder, 0o755)
    leave(join(folder, 'panel-secret'))
    const { value, path } = await PanelSecret.open(folder)
    expect(value).toMatch(/^[0-9a-f]{64}$/)
    expect([statSync(path).mode & 0o777, statSync(folder).mode & 0o777]).toEqual([0o600, 0o700])
  })

  it('is the same for all that make it at the same time', async () => {
    await using panel = await Served.open()
    const folder = join(panel.folder, 'race')
    const secrets = await Promise.all(Array.from({ length: 20 }, () => PanelSecret.open(folder)))
    expect(new Set(secrets.map(({ value }) => value)).size).toBe(1)
    expect(readdirSync(folder)).toEqual(['panel-secret'])
  })

  it('makes another cookie for another port', async () => {
    await using panel = await Served.open()
    expect(panel.secret.cookie(1)).not.toBe(panel.secret.cookie(2))
    expect(panel.secret.cookie(1)).toMatch(/^[\w-]{43}$/)
  })

  it('says what is wrong with its folder', async () => {
    await using panel = await Served.open()
    const folder = join(panel.folder, 'ui', 'index.html')
    await expect(PanelSecret.open(folder)).rejects.toMatchObject({ code: 'STATE_FOLDER' })
  })
})

it('compares texts of every length', () => {
  expect([isSame('', ''), isSame('a', 'a'), isSame('a', 'ab'), isSame('a', 'b'), isSame('', 'a')]).toEqual([
    true,
    true,
    false,
    false,
    false,
  ])
})
