/**
 * How `start` opens the panel, and what it lets be seen of its secrets: row 16 of the reliability table. The real
 * command, and in place of the inference process a stand-in. Seen red: with the address in place of the page as the
 * browser's word, without the journal's exception, with a panel that takes the sidecar down where its port is used, and
 * without `close` of the panel; with the code in what the socket of the one sidecar answers, with a browser's page that
 * cannot be written and no catch, and with that page in the Snap's own folder; with the secret printed.
 */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer, get } from 'node:http'
import { connect } from 'node:net'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import type { SidecarState } from '../../src/sidecar/main/sidecar.ts'
import { abstractSockets } from '../sidecar/main/abstract-sockets.ts'
import { until } from '../sidecar/main/told.ts'
import { ended } from './cli.ts'
import { Home, StartCommand } from './started.ts'

let command: StartCommand
beforeAll(() => (command = new StartCommand()))
afterAll(() => command.remove())

const ADDRESS = /http:\/\/([\d.]+):(\d+)\/\?code=([\w-]+)/

function addressIn(text: string): { readonly address: string; readonly code: string } {
  const [address, , , code] = ADDRESS.exec(text)!
  return { address, code }
}

function ask(
  address: string,
  headers: Record<string, string> = {},
): Promise<{ status: number; cookie: string; text: string }> {
  return new Promise((resolve, reject) => {
    get(address, { headers, agent: false }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (piece: string) => (text += piece))
      response.on('end', () => {
        const cookie = response.headers['set-cookie']?.[0].split(';')[0] ?? ''
        resolve({ status: response.statusCode ?? 0, cookie, text })
      })
    }).on('error', reject)
  })
}

/** The words of every process that can be seen. */
function processList(): string {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
      } catch {
        return ''
      }
    })
    .join('\n')
}

describe.concurrent('mattebox start', () => {
  it('prints an address that lets one browser in, and a second start another one', async () => {
    const home = new Home(command)
    const { child, end } = home.start()
    await home.shows('Panel: ')
    const first = addressIn(home.stdout)
    expect(first.address).toContain(`http://127.0.0.1:${home.port}/`)
    const entered = await ask(first.address)
    expect(entered.status).toBe(200)
    expect((await ask(first.address)).status).toBe(401)
    expect((await ask(`http://127.0.0.1:${home.port}/`, { cookie: entered.cookie })).text).toContain('npm run build')

    const second = await home.start('--no-open').end
    expect(second.code).toBe(1)
    const other = addressIn(second.stderr)
    expect(other.code).not.toBe(first.code)
    expect((await ask(other.address)).cookie).toBe(entered.cookie)

    const token = (await home.token()).stdout.trim()
    expect(token).toMatch(/^[0-9a-f]{64}$/)
    expect(statSync(join(home.state, 'panel-secret')).mode & 0o777).toBe(0o600)
    const state = await ask(`http://127.0.0.1:${home.port}/api/state`, { authorization: `Bearer ${token}` })
    expect(JSON.parse(state.text)).toMatchObject({ engine: { model: 'mine' }, isExposed: false })

    const socket = new WebSocket(`ws://127.0.0.1:${home.port}/api/live`, {
      headers: { authorization: `Bearer ${token}` },
    })
    const [told] = (await once(socket, 'message')) as [Buffer]
    const closed = once(socket, 'close')
    child.kill('SIGTERM')
    expect((await closed)[0]).toBe(1001)
    const { code, stdout, stderr } = await end
    expect([code, stderr]).toEqual([0, ''])
    // Wherever somebody else could look.
    for (const text of [home.log, processList(), state.text, told.toString()]) {
      for (const secret of [first.code, other.code, token, entered.cookie.split('=')[1]])
        expect(text).not.toContain(secret)
    }
    expect(stdout).not.toContain(token)
  })

  it.skipIf(process.platform !== 'linux')('tells nobody a code who asks the socket that other users see', async () => {
    const home = new Home(command)
    const { child, end } = home.start('--no-open')
    await home.shows('Panel: ')
    const { address } = addressIn(home.stdout)
    const [name] = abstractSockets(child.pid!)
    const told = new Set<string>()
    for (let n = 0; n < 110; n++) told.add(await text(connect(name)))
    expect(Array.from(told)).toEqual([expect.stringContaining(`http://127.0.0.1:${home.port}/"`)])
    const [[proof, said]] = Array.from(told, (answer) => answer.split(' '))
    const { panel } = JSON.parse(said) as { panel: { address: string; id: string } }
    for (const given of [panel.id, proof, name])
      expect(await ask(`${panel.address}?code=${encodeURIComponent(given)}`)).toMatchObject({ status: 401 })
    for (const secret of ['instance', 'panel-secret'])
      expect(name + proof + said).not.toContain(readFileSync(join(home.state, secret), 'utf8').trim())
    // And the user's own code is as good as it was.
    expect((await ask(address)).status).toBe(200)
    child.kill('SIGTERM')
    await end
  })

  it('keeps browsers over a restart, and --rotate locks them out of one that runs', async () => {
    const home = new Home(command)
    const first = home.start()
    await home.shows('Panel: ')
    const { cookie } = await ask(addressIn(home.stdout).address)
    first.child.kill('SIGINT')
    await first.end
    home.stdout = ''
    const second = home.start()
    await home.shows('Panel: ')
    const page = `http://127.0.0.1:${home.port}/`
    expect((await ask(page, { cookie })).status).toBe(200)
    const before = (await home.token()).stdout.trim()
    expect((await ask(page, { authorization: `Bearer ${before}` })).status).toBe(200)
    const { token, rotated } = JSON.parse((await home.token('--rotate', '--json')).stdout) as {
      token: string
      rotated: boolean
    }
    expect(rotated).toBe(true)
    expect((await ask(page, { cookie })).status).toBe(401)
    expect((await ask(page, { authorization: `Bearer ${before}` })).status).toBe(401)
    expect((await ask(page, { authorization: `Bearer ${token}` })).status).toBe(200)
    second.child.kill('SIGTERM')
    expect((await second.end).code).toBe(0)
  })

  it('serves the filters without a panel where another program uses the port, and says so', async () => {
    const home = new Home(command)
    const other = createServer().listen(home.port, '127.0.0.1')
    await once(other, 'listening')
    const lines = home.start()
    await home.shows(`Panel: none. Another program uses port ${home.port}`)
    await home.shows(`start --port ${home.port + 1}`)
    await home.shows('Engine: CUDA')
    lines.child.kill('SIGTERM')
    expect((await lines.end).code).toBe(0)
    const json = home.start('--json')
    await home.shows('PANEL_PORT')
    json.child.kill('SIGTERM')
    const { stdout } = await json.end
    const last = JSON.parse(stdout.trim().split('\n').at(-1)!) as SidecarState & { panel: unknown }
    expect(last).toMatchObject({ engine: { state: 'ready' }, error: { code: 'PANEL_PORT' }, panel: { address: null } })
    other.close()
  })

  it('prints no code as JSON, and none into systemd’s journal', async () => {
    const home = new Home(command)
    const json = home.start('--json')
    await home.shows(`"address":"http://127.0.0.1:${home.port}/"`)
    expect(home.stdout).not.toContain('code=')
    // A second start whose words go there too.
    const inJournal = (...args: string[]) => {
      const line = 'exec 3>&1; export JOURNAL_STREAM=$(stat -L -c %d:%i /proc/self/fd/3); exec "$0" "$@"'
      const child = spawn('sh', ['-c', line, process.execPath, ...args], {
        env: home.env,
        stdio: ['ignore', 'pipe', 'pipe'],
      })
      command.started.push(child)
      return { child, end: ended(child) }
    }
    const second = await inJournal(...home.args).end
    expect(second.stderr).toContain(`panel: http://127.0.0.1:${home.port}/;`)
    expect(second.stderr).not.toContain('code=')
    json.child.kill('SIGTERM')
    await json.end
    const service = inJournal(...home.args, '--no-open')
    let text = ''
    service.child.stdout.on('data', (piece: Buffer) => (text += piece.toString()))
    await until(() => text.includes(`Panel: http://127.0.0.1:${home.port}/\n`), 'the panel', 20_000)
    service.child.kill('SIGTERM')
    expect((await service.end).stdout).not.toContain('code=')
  })

  it.skipIf(spawnSync('script', ['--version']).error !== undefined)(
    'opens the browser where there is one, with a page that leads there: no code in the process list',
    async () => {
      const home = new Home(command)
      const bin = join(home.folder, 'bin')
      const opened = join(home.folder, 'opened')
      mkdirSync(bin)
      // It keeps its words, and what it was given to read.
      writeFileSync(join(bin, 'xdg-open'), `#!/bin/sh\necho "$@" > "${opened}.words"\ncat "$1" > "${opened}"\n`)
      chmodSync(join(bin, 'xdg-open'), 0o755)
      const board = async (env: NodeJS.ProcessEnv, ...options: string[]) => {
        const line = `exec ${[process.execPath, ...home.args, ...options].map((word) => `'${word}'`).join(' ')}`
        const child = spawn('script', ['-qefc', line, '/dev/null'], {
          env: { ...home.env, PATH: `${bin}:${process.env['PATH']!}`, ...env },
          stdio: ['pipe', 'pipe', 'inherit'],
        })
        command.started.push(child)
        const end = ended(child)
        let text = ''
        child.stdout.on('data', (piece: Buffer) => (text += piece.toString()))
        await until(() => ADDRESS.test(text), 'an address', 20_000)
        return { text: () => text, quit: () => (child.stdin.write('\u0003'), end) }
      }
      for (const [env, ...options] of [
        [{}],
        [{ DISPLAY: ':9', SSH_CONNECTION: 'x' }],
        [{ DISPLAY: ':9' }, '--no-open'],
      ] as const) {
        const none = await board(env, ...options)
        await none.quit()
        expect(existsSync(opened)).toBe(false)
      }
      const shown = await board({ DISPLAY: ':9' })
      await until(() => existsSync(opened) && readFileSync(opened, 'utf8') !== '', 'a browser')
      const words = readFileSync(`${opened}.words`, 'utf8').trim()
      expect(words).toBe(join(home.state, 'open-panel.html'))
      expect(statSync(words).mode & 0o777).toBe(0o600)
      const { address, code } = addressIn(readFileSync(opened, 'utf8'))
      expect(processList()).not.toContain(code)
      expect((await ask(address)).status).toBe(200)
      // The board's own code is another one; once it is used the board shows the address alone.
      const own = addressIn(shown.text())
      expect(own.code).not.toBe(code)
      expect((await ask(own.address)).status).toBe(200)
      const before = shown.text().length
      await until(() => shown.text().slice(before).includes(`Panel: http://127.0.0.1:${home.port}/\u001b`), 'no code')
      expect((await shown.quit()).code).toBe(0)
      expect(existsSync(words)).toBe(false)

      // A browser that is a Snap reads in its own folder, which stays as it is.
      const common = join(home.folder, 'snap', 'firefox', 'common')
      mkdirSync(common, { recursive: true })
      chmodSync(common, 0o755)
      writeFileSync(join(bin, 'xdg-settings'), '#!/bin/sh\necho firefox_firefox.desktop\n')
      chmodSync(join(bin, 'xdg-settings'), 0o755)
      rmSync(opened)
      const inSnap = await board({ DISPLAY: ':9' })
      await until(() => existsSync(opened) && readFileSync(opened, 'utf8') !== '', 'a browser')
      expect(readFileSync(`${opened}.words`, 'utf8').trim()).toBe(join(common, 'mattebox', 'open-panel.html'))
      expect(statSync(common).mode & 0o777).toBe(0o755)
      await inSnap.quit()

      // A page that cannot be written is said; matting goes on.
      rmSync(join(common, 'mattebox'), { recursive: true })
      writeFileSync(join(common, 'mattebox'), 'no folder')
      const without = await board({ DISPLAY: ':9' })
      await until(() => without.text().includes('cannot be opened in a browser'), 'what failed', 20_000)
      expect(home.log).toContain('cannot be opened in a browser')
      expect((await without.quit()).code).toBe(0)
    },
  )

  const outside = Object.values(networkInterfaces())
    .flatMap((found) => found ?? [])
    .find(({ family, internal }) => family === 'IPv4' && !internal)?.address

  it.skipIf(outside === undefined)(
    'serves a network where it is told to, with a warning and a picture of the address',
    async () => {
      const home = new Home(command)
      const { child, end } = home.start('--listen', outside!)
      await home.shows('unencrypted')
      expect(home.stdout).toContain(`also http://${outside!}:${home.port}/`)
      expect(home.stdout).toMatch(/[▀▄█]{10}/)
      const token = (await home.token()).stdout.trim()
      const headers = { authorization: `Bearer ${token}` }
      const state = await ask(`http://${outside!}:${home.port}/api/state`, headers)
      expect(JSON.parse(state.text)).toMatchObject({ isExposed: true })
      expect((await ask(`http://127.0.0.1:${home.port}/api/state`, headers)).status).toBe(200)
      child.kill('SIGTERM')
      await end
    },
  )

  it('serves this machine where the other address is none of its own, and says so', async () => {
    const home = new Home(command)
    const { child, end } = home.start('--listen', '192.0.2.1')
    await home.shows('192.0.2.1')
    await home.shows('Panel: http://127.0.0.1')
    child.kill('SIGTERM')
    expect((await end).stdout).toContain('cannot listen at 192.0.2.1')
  })

  it('takes no name for an address', async () => {
    const { code, stderr } = await new Home(command).start('--listen', 'kitchen').end
    expect([code, stderr]).toEqual([2, expect.stringContaining('--listen is kitchen.')])
  })
})

describe.concurrent('mattebox token', () => {
  it('prints the secret, the same each time, and makes it where there is none', async () => {
    const home = new Home(command)
    const first = await home.token()
    expect(first).toMatchObject({ code: 0, stderr: '', stdout: expect.stringMatching(/^[0-9a-f]{64}\n$/) as string })
    expect((await home.token()).stdout).toBe(first.stdout)
    expect(JSON.parse((await home.token('--json')).stdout)).toEqual({ token: first.stdout.trim(), rotated: false })
    const renewed = await home.token('--rotate')
    expect(renewed.stdout).not.toBe(first.stdout)
    expect((await home.token()).stdout).toBe(renewed.stdout)
    expect([statSync(home.state).mode & 0o777, statSync(join(home.state, 'panel-secret')).mode & 0o777]).toEqual([
      0o700, 0o600,
    ])
  })

  it('says where it cannot', async () => {
    const home = new Home(command)
    mkdirSync(join(home.state, 'panel-secret', 'a-folder'), { recursive: true })
    const { code, stderr } = await home.token()
    expect([code, stderr]).toEqual([1, expect.stringContaining('panel-secret cannot be used')])
  })
})
