/** Seen red: `%` and `$` left as they are, and Node's path never left to env(1): systemd refused it. */
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { unitText } from '../../src/service/index.ts'

const plain = { node: '/usr/bin/node', program: '/opt/mattebox/dist/cli/main.js', environment: {} }
const line = (name: string, text: string) => text.split('\n').find((candidate) => candidate.startsWith(`${name}=`))

const folder = mkdtempSync(join(tmpdir(), 'mattebox-unit-'))
afterAll(() => rmSync(folder, { recursive: true }))
const verifies = spawnSync('systemd-analyze', ['--version']).status === 0
if (!verifies) console.warn('Units are not verified by systemd: systemd-analyze is not here.')

/** What systemd complains of; it also looks whether the program is there and may be run. */
function verify(text: string): string {
  const file = join(folder, 'mattebox.service')
  writeFileSync(file, text)
  const runtime = join(folder, 'run')
  mkdirSync(runtime, { recursive: true, mode: 0o700 })
  const env = { ...process.env, XDG_RUNTIME_DIR: runtime, HOME: folder }
  const { stderr, status } = spawnSync('systemd-analyze', ['verify', '--user', '--man=no', file], {
    encoding: 'utf8',
    env,
  })
  // Units of the distribution have faults of their own.
  const ours = stderr.split('\n').filter((said) => said.includes('mattebox'))
  return ours.join('\n') || (status === 0 ? '' : `status ${status ?? 'none'}`)
}

describe('the unit', () => {
  it('starts the sidecar without a browser, and again after a failure but not after wrong use', () => {
    const text = unitText(plain)
    expect(line('ExecStart', text)).toBe('ExecStart=/usr/bin/node /opt/mattebox/dist/cli/main.js start --no-open')
    expect(text).toContain('\nType=simple\n')
    expect(text).toContain('\nRestart=on-failure\nRestartSec=2\nRestartPreventExitStatus=2\n')
    expect(text).toContain('\nWantedBy=default.target\n')
  })

  it('shuts away neither devices nor the home: the GPU and the socket are there', () => {
    expect(unitText(plain)).toContain('\nNoNewPrivileges=yes\n')
    expect(unitText(plain)).not.toMatch(/PrivateDevices|ProtectHome|PrivateTmp|MemoryDenyWriteExecute|DevicePolicy/)
  })

  it('quotes blanks, quotes, specifiers and variables in the program’s path', () => {
    const execStart = (program: string) => line('ExecStart', unitText({ ...plain, program }))
    expect(execStart('/my apps/main.js')).toBe('ExecStart=/usr/bin/node "/my apps/main.js" start --no-open')
    expect(execStart('/100%/$HOME/main.js')).toBe('ExecStart=/usr/bin/node /100%%/$$HOME/main.js start --no-open')
    expect(execStart('/a"b\\c\nd')).toBe('ExecStart=/usr/bin/node "/a\\"b\\\\c\\x0ad" start --no-open')
  })

  it('has env(1) start a Node whose path systemd would not take', () => {
    const execStart = (node: string) => line('ExecStart', unitText({ ...plain, node, program: '/m.js' }))
    expect(execStart('/home/100% me/node')).toBe('ExecStart="/home/100%% me/node" /m.js start --no-open')
    expect(execStart("/home/o'neill/node")).toBe('ExecStart=/usr/bin/env "/home/o\'neill/node" /m.js start --no-open')
    expect(execStart('/opt/$x/node')).toBe('ExecStart=/usr/bin/env /opt/$$x/node /m.js start --no-open')
  })

  it('carries variables as they are', () => {
    const text = unitText({ ...plain, environment: { MATTEBOX_SOCKET: '/run/$me/100% "x".sock' } })
    expect(line('Environment', text)).toBe('Environment="MATTEBOX_SOCKET=/run/$me/100%% \\"x\\".sock"')
  })

  it.skipIf(!verifies)('is right in the eyes of systemd, whatever the paths are', () => {
    expect(verify(unitText({ ...plain, node: process.execPath }))).toBe('')
    for (const name of ['with blank', '100%h', "o'neill", 'quo"te', 'dol$HOME', 'back\\slash']) {
      const node = join(folder, name, 'node')
      cpSync('/bin/true', node)
      const unit = unitText({ node, program: join(folder, name, 'main.js'), environment: { A: name } })
      expect(verify(unit), name).toBe('')
    }
    // It would have said so.
    expect(verify(unitText(plain).replace('Restart=on-failure', 'Restart=sometimes'))).toContain('restart specifier')
    expect(verify(unitText({ ...plain, node: join(folder, 'nowhere/node') }))).toContain('not executable')
  })
})
