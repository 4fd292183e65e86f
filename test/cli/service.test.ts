/**
 * The real command; systemctl is a script that notes what it was asked. Seen red: any unit taken for ours, a restart
 * every time, the link of a unit left, the service not enabled, not disabled, and its variables forgotten.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { Stage } from '../obs/stage.ts'
import { compiled } from '../sidecar/inference/compiled.ts'

let command: ReturnType<typeof compiled>
let stage: Stage

beforeAll(() => {
  command = compiled('cli/service.ts', 'cli/report-error.ts')
  const program = `
    import { Command } from 'commander'
    import { registerService } from './service.js'
    import { reportError } from './report-error.js'
    const program = new Command('mattebox')
    registerService(program)
    await program.parseAsync(process.argv).catch((error) => {
      process.exitCode = reportError(error, process.argv.includes('--json'))
    })`
  writeFileSync(join(dirname(command.path), 'program.mjs'), program)
})
afterAll(() => command.remove())
beforeEach(() => (stage = new Stage()))
afterEach(() => stage[Symbol.dispose]())

function service(words: string, env: NodeJS.ProcessEnv = {}) {
  const program = join(dirname(command.path), 'program.mjs')
  const { stdout, stderr, status } = spawnSync(process.execPath, [program, 'service', ...words.split(' ')], {
    encoding: 'utf8',
    env: { ...stage.env('/usr/bin:/bin'), ...env },
  })
  return { stdout, stderr, status }
}
const json = (words: string, env = {}): unknown => JSON.parse(service(`${words} --json`, env).stdout)
const unit = () => join(stage.home, '.config/systemd/user/mattebox.service')
const asked = () => readFileSync(join(stage.folder, 'asked'), 'utf8').trim().split('\n')

/** A user manager that answers: what was enabled is remembered by a link, as systemd does. */
function userManager({ enable = 'true' } = {}): void {
  const wants = '"$HOME/.config/systemd/user/default.target.wants"'
  stage.program(
    'systemctl',
    [
      `shift; echo "$*" >> "${join(stage.folder, 'asked')}"`,
      'case "$1" in',
      `enable) ${enable} && mkdir -p ${wants} && ln -sf ../mattebox.service ${wants}/mattebox.service;;`,
      `disable) rm -f ${wants}/mattebox.service;;`,
      `is-enabled) test -e ${wants}/mattebox.service && echo enabled || { echo disabled; exit 1; };;`,
      `is-active) test -e ${wants}/mattebox.service && echo active || { echo inactive; exit 3; };;`,
      'esac',
    ].join('\n'),
  )
}

/** As systemctl answers in a container, or over ssh without lingering. */
function noUserManager(): void {
  stage.program('systemctl', 'echo "Failed to connect to bus: No medium found" >&2; exit 1')
}

describe('mattebox service', () => {
  it('writes a unit that starts this program by this Node, and enables and starts it', () => {
    userManager()
    const { stdout, stderr, status } = service('install')
    expect({ stderr, status }).toEqual({ stderr: '', status: 0 })
    expect(stdout).toBe(`Wrote ${unit()}\nIt is enabled and active: the sidecar runs while you are logged in.\n`)
    const main = join(dirname(command.path), 'main.js')
    const text = readFileSync(unit(), 'utf8')
    expect(text).toContain(`\nExecStart=${realpathSync(process.execPath)} ${main} start --no-open\n`)
    expect(text).not.toContain('Environment=')
    expect(asked().slice(0, 2)).toEqual(['daemon-reload', 'enable --now mattebox.service'])
    expect(json('status')).toEqual({ unit: unit(), installed: true, enabled: true, active: 'active' })
  })

  it('gives the service the variables that the command was given', () => {
    userManager()
    const home = join(stage.home, 'settings')
    service('install', { MATTEBOX_SOCKET: '/run/mine.sock', XDG_CONFIG_HOME: home })
    const text = readFileSync(join(home, 'systemd/user/mattebox.service'), 'utf8')
    expect(text).toContain(`\nEnvironment=MATTEBOX_SOCKET=/run/mine.sock\nEnvironment=XDG_CONFIG_HOME=${home}\n`)
  })

  it('restarts a service that ran by another unit, and no other', () => {
    userManager()
    service('install')
    service('install')
    expect(asked()).not.toContain('restart mattebox.service')
    service('install', { MATTEBOX_SOCKET: '/run/other.sock' })
    expect(asked()).toContain('restart mattebox.service')
  })

  it('is uninstalled and leaves nothing, and a second time there is nothing to do', () => {
    userManager()
    service('install')
    expect(service('uninstall')).toMatchObject({ status: 0, stdout: `Removed ${unit()}\n` })
    expect(asked()).toContain('disable --now mattebox.service')
    expect(stage.tree()).toEqual(['.config'])
    expect(json('uninstall')).toEqual({ unit: unit(), removed: false })
    expect(json('status')).toMatchObject({ installed: false, enabled: false, active: 'inactive' })
    expect(service('status').status).toBe(1)
  })

  it('without a user manager writes the unit and says what to run, and why', () => {
    noUserManager()
    const { stdout, status } = service('install')
    expect(stdout).toContain('systemctl --user daemon-reload && systemctl --user enable --now mattebox.service\n')
    expect(stdout).toContain('(Failed to connect to bus: No medium found)\n')
    expect(status).toBe(0)
    expect(json('status')).toMatchObject({ installed: true, enabled: null, active: null })
    expect(service('status').stdout).toContain('not known: Failed to connect to bus')
    // Enabled by hand meanwhile.
    const wants = join(dirname(unit()), 'default.target.wants')
    mkdirSync(wants)
    spawnSync('ln', ['-s', '../mattebox.service', wants])
    service('uninstall')
    expect(stage.tree()).toEqual(['.config'])
  })

  it('without systemd says that', () => {
    expect(json('status', { PATH: stage.bin })).toMatchObject({ installed: false, unknown: 'There is no systemctl.' })
  })

  it('says what systemd refused', () => {
    userManager({ enable: '! echo "Failed to enable unit: no" >&2' })
    expect(json('install')).toMatchObject({
      error: {
        code: 'SERVICE_FAILED',
        message: 'systemctl --user enable --now mattebox.service failed: Failed to enable unit: no',
      },
    })
  })

  it('keeps off a unit of that name that it did not write', () => {
    userManager()
    stage.file(unit(), '[Service]\nExecStart=/bin/true\n')
    for (const words of ['install', 'uninstall']) {
      expect(json(words)).toMatchObject({ error: { code: 'SERVICE_FOREIGN' } })
    }
    expect(readFileSync(unit(), 'utf8')).toContain('/bin/true')
    expect(existsSync(join(stage.folder, 'asked'))).toBe(false)
  })
})
