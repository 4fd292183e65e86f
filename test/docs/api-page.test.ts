import { execFile } from 'node:child_process'
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it, vi } from 'vitest'
import { encodeModelFile } from '../../src/model/weights/index.ts'
import { randomWeights } from '../model/random-weights.ts'
import { openFilled } from '../sidecar/panel/panel-stage.ts'
import { unreachableCatalog } from '../sidecar/panel/unreachable-catalog.ts'
import { apiPage } from './api-page.ts'

/**
 * `npm run docs:api` runs this file and writes the page anew. Seen red: with a summary changed and the page left as it was;
 * with `-X` left out of the examples, every write answers 405.
 */

const run = promisify(execFile)
const PAGE = join(import.meta.dirname, '..', '..', 'docs', 'api.md')
const model = encodeModelFile(randomWeights(1), 'fp16', {
  licence: 'MIT',
  source: 'chance',
  sourceSha256: '0'.repeat(64),
})

const text = () => readFileSync(PAGE, 'utf8')
/** The examples after the one that sets the shell up. */
const examples = () => Array.from(text().matchAll(/^```sh\n([\s\S]*?)```$/gm), ([, code]) => code).slice(1)

describe('docs/api.md', () => {
  it('is what the table of routes says', async () => {
    await using stage = await openFilled()
    await expect(await apiPage(stage.rows)).toMatchFileSnapshot(PAGE)
  })

  it('has an example for each row, and one that finds a filter by name', async () => {
    await using stage = await openFilled()
    expect(examples()).toHaveLength(stage.rows.length + 1)
  })

  it('shows examples that work, run by a shell with curl', async () => {
    const setUp = /^```sh\n([\s\S]*?)```$/m.exec(text())![1]
    const failed: string[] = []
    // The model that an example fetches comes from nowhere.
    const folder = mkdtempSync(join(tmpdir(), 'mattebox-catalog-'))
    vi.stubEnv('MATTEBOX_CATALOG', unreachableCatalog(folder))
    // As the user does: one after the other, each where everything is there.
    for (const example of examples()) {
      await using stage = await openFilled()
      writeFileSync(join(stage.folder, 'my-model.onnx'), model)
      if (example.includes('-X DELETE') && example.includes('/api/models/')) {
        await stage.ask('POST', '/api/models?name=my-model', Buffer.from(model), {
          'content-type': 'application/octet-stream',
        })
      }
      // In place of the command that prints the secret, and of the usual port.
      writeFileSync(join(stage.folder, 'npx'), `#!/bin/sh\necho ${stage.token}\n`)
      chmodSync(join(stage.folder, 'npx'), 0o755)
      const script = [
        'set -eu',
        setUp.replace('http://127.0.0.1:4477', stage.address),
        'curl() { command curl --fail-with-body "$@"; }',
        example,
      ].join('\n')
      const env = { ...process.env, PATH: `${stage.folder}:${process.env['PATH']}`, TMPDIR: stage.folder }
      const { stdout } = await run('bash', ['-c', script], { cwd: stage.folder, env }).catch((error: unknown) => {
        failed.push(`${example}: ${(error as { stdout: string }).stdout}`)
        return { stdout: '' }
      })
      // What is answered is what is said: JSON, Prometheus's text, or nothing.
      if (stdout !== '' && !example.includes('"$PANEL/metrics"')) JSON.parse(stdout)
    }
    expect(failed).toEqual([])
    vi.unstubAllEnvs()
    rmSync(folder, { recursive: true })
  }, 180_000)

  it('shows buttons for Companion that work, sent as its module sends them', async () => {
    const buttons = Array.from(
      text().matchAll(/\| (POST|PATCH) +\| `(\/api[^`]*)` +\| `([^`]*)` +\|/g),
      ([, method, path, body]) => ({ method, path, body }),
    )
    expect(buttons).toHaveLength(5)
    await using stage = await openFilled()
    for (const { method, path, body } of buttons) {
      const { status, text: answer } = await stage.ask(method, path, body)
      expect([path, status, answer]).toEqual([path, status < 300 ? status : 'done', answer])
    }
  })
})
