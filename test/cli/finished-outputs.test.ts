/** Seen red with a journal that looks at the outputs' names only. */
import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { FinishedOutputs } from '../../src/cli/finished-outputs.ts'

let folder: string
const at = (name: string): string => join(folder, name)

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mattebox-finished-'))
  for (const name of ['clip.mp4', 'out.webm', 'alpha.mkv']) writeFileSync(at(name), name)
  mkdirSync(at('frames'))
  writeFileSync(at('frames/frame-000001.png'), 'one')
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

describe('a finished output', () => {
  const settings = { ratio: 0, quality: undefined, background: { kind: 'remove' } }
  const outputs = (): string[] => [at('out.webm'), at('alpha.mkv'), at('frames')]
  const has = (given: unknown = settings): boolean => new FinishedOutputs(given).has(at('clip.mp4'), outputs())

  beforeEach(() => new FinishedOutputs(settings).add(at('clip.mp4'), outputs()))

  it('is known to the next run, and one that was not noted is not', () => {
    expect(has()).toBe(true)
    expect(has({ ...settings })).toBe(true)
    expect(new FinishedOutputs(settings).has(at('clip.mp4'), [at('out.webm'), at('other.webm')])).toBe(false)
    expect(readdirSync(folder).filter((name) => name.endsWith('.part'))).toEqual([])
  })

  it.each([
    ['other settings', () => undefined, { ...settings, ratio: 0.25 }],
    ['a background given', () => undefined, { ...settings, background: { kind: 'blur' } }],
    ['a changed input', () => utimesSync(at('clip.mp4'), 1, 1), settings],
    ['a changed output', () => writeFileSync(at('alpha.mkv'), 'longer than before'), settings],
    ['an output that is gone', () => rmSync(at('out.webm')), settings],
    ['a frame more', () => writeFileSync(at('frames/frame-000002.png'), 'two'), settings],
    ['a frame changed', () => writeFileSync(at('frames/frame-000001.png'), 'another'), settings],
    ['a damaged note', () => writeFileSync(at('.mattebox-finished.json'), '{"out.webm": 3}'), settings],
    ['no note', () => renameSync(at('.mattebox-finished.json'), at('elsewhere')), settings],
  ])('is not taken for what is wanted now: %s', (_, change, wanted) => {
    change()
    expect(has(wanted)).toBe(false)
  })
})
