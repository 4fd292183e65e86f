import { defineConfig } from 'vitest/config'
import { chromiumPath } from './test/system/panel/chromium.ts'

/** Tests that run OBS, or its library, in real time: one after the other, when nothing else runs. */
const OBS = ['test/system/obs-*/**/*.test.ts', 'test/native/obs-plugin/**/*.test.ts']

/** Tests that see the panel in a real browser. */
const BROWSER = ['test/system/panel/**/*.test.ts', 'test/system/obs-panel/**/*.test.ts']
const left = chromiumPath === undefined ? BROWSER : []
if (left.length > 0)
  console.warn('Tests in a browser are left out: there is no Chromium (Debian: apt install chromium).')

export default defineConfig({
  test: {
    benchmark: { include: ['src/**/*.bench.ts'] },
    pool: 'forks',
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // What a loaded machine needs; the default, a second, is less than a process takes to start there.
    expect: { poll: { timeout: 10_000 } },
    reporters: ['default', ['json', { outputFile: '.cache/test-report.json' }]],
    projects: [
      {
        extends: true,
        test: {
          name: 'main',
          include: ['test/**/*.test.ts'],
          exclude: [...OBS, ...left],
          // Two cores are what a small machine has; onnxruntime uses threads of its own beside them.
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'obs',
          include: OBS,
          exclude: left,
          maxWorkers: 1,
          fileParallelism: false,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
})
