import { defineConfig } from 'vitest/config'

/** Tests that run OBS, or its library, in real time: one after the other, when nothing else runs. */
const OBS = ['test/system/obs-*/**/*.test.ts', 'test/native/obs-plugin/**/*.test.ts']

export default defineConfig({
  test: {
    benchmark: { include: ['src/**/*.bench.ts'] },
    pool: 'forks',
    testTimeout: 60_000,
    hookTimeout: 120_000,
    reporters: ['default', ['json', { outputFile: '.cache/test-report.json' }]],
    projects: [
      {
        extends: true,
        test: {
          name: 'main',
          include: ['test/**/*.test.ts'],
          exclude: OBS,
          // Two cores are what a small machine has; onnxruntime uses threads of its own beside them.
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: { name: 'obs', include: OBS, maxWorkers: 1, fileParallelism: false, sequence: { groupOrder: 1 } },
      },
    ],
  },
})
