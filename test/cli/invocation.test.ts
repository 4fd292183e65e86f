import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { invocation, localizeCommands } from '../../src/cli/invocation.ts'

const clone = join(import.meta.dirname, '..', '..')

describe('the command that a message prints works where the user is', () => {
  let home: string
  let root: string
  const main = (): string => join(root, 'dist', 'cli', 'main.js')

  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'mattebox-invocation-'))
    root = join(home, 'mattebox')
    mkdirSync(join(root, 'dist', 'cli'), { recursive: true })
    writeFileSync(main(), '')
  })
  afterEach(() => rmSync(home, { recursive: true }))

  it('in the clone: npx', () => {
    expect(invocation(root, '', root)).toBe('npx mattebox')
    expect(invocation(join(root, 'dist'), '', root)).toBe('npx mattebox')
  })

  // Seen red: the build wrote its files anew, and npx was not permitted to run them.
  it.skipIf(process.platform === 'win32')('and what npx runs there may be run, after every build', () => {
    const version = execFileSync('npx', ['--no-install', 'mattebox', '--version'], { cwd: clone, encoding: 'utf8' })
    expect(version).toMatch(/^\d+\.\d+\.\d+/)
  })

  it('in a project that depends on it: npx', () => {
    const project = join(home, 'project')
    mkdirSync(join(project, 'node_modules', '.bin'), { recursive: true })
    symlinkSync(main(), join(project, 'node_modules', '.bin', 'mattebox'))
    expect(invocation(project, '', root)).toBe('npx mattebox')
  })

  it('installed globally: its name', () => {
    const bin = join(home, 'bin')
    mkdirSync(bin)
    symlinkSync(main(), join(bin, 'mattebox'))
    expect(invocation(home, `/usr/bin:${bin}`, root)).toBe('mattebox')
  })

  it('not by what npx alone has put on the PATH', () => {
    const bin = join(root, 'node_modules', '.bin')
    mkdirSync(bin, { recursive: true })
    symlinkSync(main(), join(bin, 'mattebox'))
    expect(invocation(root, bin, root)).toBe('npx mattebox')
  })

  it('anywhere else: node and the program’s path', () => {
    expect(invocation(home, '', root)).toBe('node mattebox/dist/cli/main.js')
    expect(invocation('/', '', root)).toBe(`node ${main().slice(1)}`)
  })

  it('stands in the place of every command in backticks', () => {
    expect(localizeCommands('See `mattebox doctor` or mattebox’s page.', 'npx mattebox')).toBe(
      'See `npx mattebox doctor` or mattebox’s page.',
    )
  })
})
