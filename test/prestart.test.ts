import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

const PRESTART = join(import.meta.dirname, '..', 'prestart.mjs')
const [BEFORE, BUILT, AFTER] = [1000, 2000, 3000]

let clone: string
beforeEach(() => {
  clone = mkdtempSync(join(tmpdir(), 'mattebox-clone-'))
  const build = "node -e \"fs.writeFileSync('was-built', '')\""
  put('package.json', BEFORE, JSON.stringify({ scripts: { build } }))
  for (const [path, at] of [
    ['src/cli/main.ts', BEFORE],
    ['src/cli', BEFORE],
    ['src', BEFORE],
    ['dist/ui/index.html', BUILT],
  ] as const) {
    put(path, at)
  }
})
afterEach(() => rmSync(clone, { recursive: true }))

/** Changes a file, or a folder that is there, at a time. */
function put(path: string, at: number, text = ''): void {
  const whole = join(clone, path)
  mkdirSync(join(whole, '..'), { recursive: true })
  if (!existsSync(whole)) writeFileSync(whole, text)
  utimesSync(whole, at, at)
}

function builds(): boolean {
  execFileSync(process.execPath, [PRESTART], { cwd: clone, stdio: 'ignore' })
  return existsSync(join(clone, 'was-built'))
}

// Seen red: with a look only at whether dist/ui/index.html is there.
describe('npm start', { timeout: 60_000 }, () => {
  it('builds nothing where what is built is newer than its source', () => {
    expect(builds()).toBe(false)
  })

  it('builds what was never built', () => {
    rmSync(join(clone, 'dist'), { recursive: true })
    expect(builds()).toBe(true)
  })

  it('builds anew after a file of the source has changed', () => {
    put('src/cli/main.ts', AFTER)
    expect(builds()).toBe(true)
  })

  it('builds anew after a file of the source has gone', () => {
    rmSync(join(clone, 'src/cli/main.ts'))
    utimesSync(join(clone, 'src/cli'), AFTER, AFTER)
    expect(builds()).toBe(true)
  })
})
