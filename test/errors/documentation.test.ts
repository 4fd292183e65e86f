import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { ERROR_CODES, MatteboxError } from '../../src/errors/index.ts'

const page = readFileSync(new URL('../../docs/errors.md', import.meta.url), 'utf8')
/** Rows of the page's table: code, exit code, meaning. */
const rows = [...page.matchAll(/^\| `([A-Z_]+)` +\| (\d+) +\| (.+?) +\|$/gm)].map(([, code, exit, meaning]) => ({
  code,
  exit: Number(exit),
  meaning,
}))

describe('docs/errors.md', () => {
  it('lists every error code with its exit code and meaning, and no other', () => {
    expect(rows).toEqual(Object.entries(ERROR_CODES).map(([code, { exit, meaning }]) => ({ code, exit, meaning })))
  })
})

describe('an error', () => {
  it('carries code, message and mend, and nothing else into JSON', () => {
    const error = new MatteboxError('USAGE', 'found', 'do', { cause: new Error('why') })
    expect(JSON.parse(JSON.stringify(error))).toEqual({ code: 'USAGE', message: 'found', mend: 'do' })
    expect(error.exitCode).toBe(2)
  })
})
