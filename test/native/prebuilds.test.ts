/** Seen red: with glibc 2.33 as the newest, for the filter (pthread_create and two more are of 2.34). */
import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { elfNeeds } from '../../src/obs/elf-needs.ts'
import { compareVersions } from '../../src/obs/version-order.ts'

/**
 * What Ubuntu 22.04 has, the oldest system whose own OBS or PPA is one of ours: glibc 2.35 (one version less is asked
 * for), and libstdc++ 6.0.30.
 */
const NEWEST: Readonly<Record<string, string>> = { GLIBC: '2.34', GLIBCXX: '3.4.30', CXXABI: '1.3.13', GCC: '12.0.0' }

/** What the package carries if `npm run prebuilds` made it, else the same sources as they were built for tests. */
const places = (carried: string, built: string) =>
  [resolve('prebuilds', `${process.platform}-${process.arch}`, carried), resolve('build', built)].filter(existsSync)
const binaries = {
  addon: places('mattebox.node', 'Release/mattebox.node'),
  filter: places('obs-plugin/mattebox/bin/64bit/mattebox.so', 'plugin/mattebox/bin/64bit/mattebox.so'),
}

describe.each(Object.entries(binaries))('the %s', (what, files) => {
  if (files.length === 0) console.warn(`What the ${what} needs is not looked at: it is not built.`)

  it.skipIf(files.length === 0)('needs nothing newer than Ubuntu 22.04 has', () => {
    for (const file of files) {
      const needs = elfNeeds(readFileSync(file))
      expect(needs?.arch).toBe(process.arch)
      expect(needs?.versions.some(({ version }) => version.startsWith('GLIBC_'))).toBe(true)
      const tooNew = needs?.versions.filter(({ version }) => {
        const [library, number] = version.split('_')
        return compareVersions(number, NEWEST[library] ?? '0') > 0
      })
      expect(tooNew, file).toEqual([])
    }
  })
})
