/** Seen red: the first version of each library only. */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { elfNeeds } from '../../src/obs/elf-needs.ts'

const node = readFileSync(process.execPath)

const hasReadelf = spawnSync('readelf', ['--version']).status === 0
if (!hasReadelf) console.warn('Binaries are not compared with readelf: it is not here.')

describe.skipIf(process.platform !== 'linux')('what a binary needs', () => {
  it.skipIf(!hasReadelf)('is read as readelf reads it', () => {
    const words = ['-W', '--version-info', process.execPath]
    // It lists a million bytes of symbols first.
    const { stdout, status } = spawnSync('readelf', words, { encoding: 'utf8', maxBuffer: 256 << 20 })
    expect(status).toBe(0)
    const [, section] = stdout.split("Version needs section '.gnu.version_r'")
    let library = ''
    const wanted = section.split('\n').flatMap((line) => {
      library = /File: (\S+)/.exec(line)?.[1] ?? library
      const version = /Name: (\S+)/.exec(line)?.[1]
      return version ? [{ library, version }] : []
    })
    expect(wanted.length).toBeGreaterThan(5)
    expect(elfNeeds(node)?.versions).toEqual(wanted)
    expect(elfNeeds(node)?.arch).toBe(process.arch)
  })

  it('is nothing where the file is damaged or no binary', () => {
    expect(elfNeeds(Buffer.from('#!/bin/sh\n'))).toBeNull()
    expect(elfNeeds(Buffer.alloc(0))).toBeNull()
    expect(elfNeeds(node.subarray(0, 1000))).toBeNull()
  })
})
