/**
 * Fuzzes the channel (native/channel): what a hostile peer may put into memory, rings and messages.
 *
 * `node test/native/fuzz.mjs [-runs=N]`: N inputs over all targets (10,000,000 by default), under the address and
 * undefined behaviour sanitizers, beginning with the kept corpus. New inputs go to .cache/native/fuzz, so that the next
 * run goes on from there. Prints the figures of each target and ends by itself: 0, or 1 with the input that broke it.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))
const build = join(root, '.cache/native/channel/fuzz')

/** Each target's share of the inputs: a message costs many system calls, a ring none. */
const TARGETS = { header: 0.35, ring: 0.6, message: 0.05 }

const argument = process.argv[2] ?? '-runs=10000000'
const total = Number(/^-runs=(\d+)$/.exec(argument)?.[1])
if (!Number.isSafeInteger(total) || total < 100 || process.argv.length > 3) {
  console.error('usage: node test/native/fuzz.mjs [-runs=N], N at least 100')
  process.exit(2)
}

/** @param {string} command @param {string[]} args */
function make(command, args) {
  const result = spawnSync(command, args, { cwd: root, encoding: 'utf8' })
  if (result.status === 0) return
  console.error(`${command} could not build the fuzz targets; they need cmake, and clang with its runtime libraries.`)
  console.error(result.error?.message ?? result.stdout + result.stderr)
  process.exit(1)
}

make('cmake', [
  ...['-S', 'native/channel', '-B', build, '-DCMAKE_C_COMPILER=clang'],
  ...['-DMATTEBOX_FUZZ=ON', '-DMATTEBOX_SANITIZE=address,undefined'],
])
make('cmake', ['--build', build, '--parallel', String(Math.min(2, availableParallelism()))])

let inputs = 0
for (const [target, share] of Object.entries(TARGETS)) {
  const found = join(root, '.cache/native/fuzz', target)
  mkdirSync(found, { recursive: true })
  const runs = Math.round(total * share)
  const begin = performance.now()
  const result = spawnSync(
    join(build, `tests/fuzz_${target}`),
    // An input that takes five seconds hangs.
    [`-runs=${runs}`, '-timeout=5', `-artifact_prefix=${found}-`, found, `test/native/channel/corpus/${target}`],
    { cwd: root, encoding: 'utf8', maxBuffer: 1 << 28 },
  )
  const done = Number(/Done (\d+) runs/.exec(result.stderr)?.[1] ?? 0)
  if (result.status !== 0) {
    console.error(result.stderr.split('\n').slice(-60).join('\n'))
    console.error(`fuzz_${target}: broken; the input lies under ${found}-*`)
    process.exit(1)
  }
  inputs += done
  const seconds = (performance.now() - begin) / 1000
  const edges = /cov: (\d+)(?!.*cov: )/s.exec(result.stderr)?.[1] ?? '?'
  console.log(
    `fuzz_${target}: ${done} inputs in ${seconds.toFixed(0)} s, ${edges} edges, nothing read outside, no leak, no hang`,
  )
}
console.log(`channel: ${inputs} inputs under ASan and UBSan`)
