import { mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openLog } from '../../../src/sidecar/main/log.ts'

// Seen red: without a handler for the file's errors, "loses lines …" throws.

let folder: string
let path: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mattebox-log-'))
  path = join(folder, 'mattebox.log')
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const lines = () =>
  readFileSync(path, 'utf8')
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Record<string, unknown>)

describe('the log', () => {
  it('is a JSON object a line: when, how grave, what, and what belongs to it', async () => {
    const log = await openLog('info', folder)
    log.warn('The filter is gone.', { filter: 'a1', count: 3 })
    expect(lines()).toEqual([
      { level: 'warn', time: expect.any(String) as string, filter: 'a1', count: 3, msg: 'The filter is gone.' },
    ])
    expect(new Date(lines()[0]['time'] as string).getTime()).toBeGreaterThan(Date.now() - 60_000)
  })

  it('keeps what is grave enough', async () => {
    const log = await openLog('warn', folder)
    for (const level of ['debug', 'info', 'warn', 'error'] as const) log[level](level)
    expect(lines().map(({ msg }) => msg)).toEqual(['warn', 'error'])
  })

  it('is for its user alone, and goes on where the last one ended', async () => {
    writeFileSync(path, '{"msg":"before"}\n', { mode: 0o644 })
    ;(await openLog('info', folder)).info('after')
    expect(lines().map(({ msg }) => msg)).toEqual(['before', 'after'])
    expect(statSync(path).mode & 0o777).toBe(0o600)
  })

  it('begins anew at a start once it is larger than 5 MiB; the old one stays beside it', async () => {
    writeFileSync(path, 'x'.repeat(5 * 1024 * 1024 + 1))
    writeFileSync(`${path}.1`, 'the one before')
    ;(await openLog('info', folder)).info('new')
    expect(lines()).toHaveLength(1)
    expect(statSync(`${path}.1`).size).toBe(5 * 1024 * 1024 + 1)
  })

  it('says why it cannot be written', async () => {
    const file = join(folder, 'a-file')
    writeFileSync(file, '')
    await expect(openLog('info', file)).rejects.toMatchObject({ code: 'STATE_FOLDER' })
  })

  it('loses lines on a full disk, and nothing else', async () => {
    symlinkSync('/dev/full', path)
    const log = await openLog('info', folder)
    for (let i = 0; i < 100; i++) log.error('lost', { i })
  })
})
