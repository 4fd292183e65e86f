/**
 * The shared-memory channel, by the C programs of this folder (expect.h says how they are made; each says in its head
 * how it turns red): built and run as it is, under sanitizers, and fuzzed from the kept corpus.
 */
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { buildPrograms, casesOf, compilerWith, runProgram } from './programs.ts'

const PROGRAMS = [
  ...(['layout', 'half', 'ring', 'memory', 'messages', 'socket', 'failing_calls'] as const),
  ...(['torn_frames', 'killed_peer'] as const),
]
const TESTS = { MATTEBOX_CHANNEL_TESTS: 'ON' }
const CASE_TIMEOUT_MS = 150_000

/** One test a case: titles come from the programs, so that they stand in one place. */
async function describeCases(folder: string, programs: readonly string[]): Promise<void> {
  for (const name of programs) {
    const program = join(folder, name)
    const titles = await casesOf(program)
    describe(name.replace('_', ' '), () => {
      it.each(titles)(
        '%s',
        async (title) => {
          const { status, output } = await runProgram(program, [title])
          expect(status, output).toBe(0)
        },
        CASE_TIMEOUT_MS,
      )
    })
  }
}

describe('channel', async () => {
  await describeCases(await buildPrograms('plain', [...PROGRAMS, 'threads'], TESTS), [...PROGRAMS, 'threads'])
})

const addressCompiler = compilerWith(['clang', 'cc'], 'address,undefined')
describe.skipIf(addressCompiler === undefined)(
  'channel under ASan and UBSan (needs clang or gcc with both runtimes)',
  async () => {
    if (addressCompiler === undefined) return
    const options = { ...TESTS, CMAKE_C_COMPILER: addressCompiler, MATTEBOX_SANITIZE: 'address,undefined' }
    await describeCases(await buildPrograms('address', PROGRAMS, options), PROGRAMS)
  },
)

const threadCompiler = compilerWith(['clang', 'cc'], 'thread')
describe.skipIf(threadCompiler === undefined)(
  'channel under TSan, on a single mapping (needs clang or gcc with its runtime)',
  async () => {
    if (threadCompiler === undefined) return
    const options = { ...TESTS, CMAKE_C_COMPILER: threadCompiler, MATTEBOX_SANITIZE: 'thread' }
    await describeCases(await buildPrograms('thread', ['threads'], options), ['threads'])
  },
)

const FUZZ_RUNS = 20_000
const fuzzCompiler = compilerWith(['clang'], 'fuzzer')
describe.skipIf(fuzzCompiler === undefined)('channel fuzzed (needs clang with libFuzzer)', async () => {
  if (fuzzCompiler === undefined) return
  const targets = ['header', 'ring', 'message'] as const
  const folder = await buildPrograms(
    'fuzz',
    targets.map((target) => `fuzz_${target}`),
    { CMAKE_C_COMPILER: fuzzCompiler, MATTEBOX_FUZZ: 'ON', MATTEBOX_SANITIZE: 'address,undefined' },
  )

  it.each(targets)(
    `takes ${FUZZ_RUNS} inputs from a hostile %s, beginning with the kept ones`,
    async (target) => {
      const found = join(folder, `found-${target}`)
      rmSync(found, { recursive: true, force: true })
      mkdirSync(found)
      const { status, output } = await runProgram(join(folder, `fuzz_${target}`), [
        `-runs=${FUZZ_RUNS}`,
        // The same inputs in every run: a failure can be seen again. `npm run fuzz` looks for new ones.
        '-seed=1',
        '-timeout=5',
        `-artifact_prefix=${folder}/broken-${target}-`,
        // What is found goes to the first folder: the kept corpus stays as it is.
        ...[found, `test/native/channel/corpus/${target}`],
      ])
      expect(status, output).toBe(0)
      expect(Number(/Done (\d+) runs/.exec(output)?.[1])).toBeGreaterThanOrEqual(FUZZ_RUNS)
    },
    CASE_TIMEOUT_MS,
  )
})
