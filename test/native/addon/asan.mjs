/**
 * Runs the channel's tests (test/sidecar/inference/channel) on an addon that was built with the address and undefined
 * behaviour sanitizers, in a copy of the package: `npm run test:asan`. Needs gcc with its sanitizers' libraries, which
 * are loaded into Node before all else.
 *
 * Ends by itself, in one or two minutes: 0, or 1 with what was found: a test that fails, a report of a sanitizer, memory
 * that the addon itself allocated and lost. What Node and other addons lose at the end of a process is not looked at.
 * Red with a byte read past the end of a matte's texels, and without `delete socket` in Socket::Close.
 */
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { isAbsolute, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const copy = join(root, '.cache/native/addon-asan')
const reports = join(copy, 'reports')
const TIMEOUT_MS = 10 * 60_000

/** @param {string} message @returns {never} */
function fail(message) {
  console.error(message)
  process.exit(1)
}

/** The path of a library of gcc's. @param {string} name */
function library(name) {
  const path = spawnSync('gcc', [`-print-file-name=${name}`], { encoding: 'utf8' }).stdout?.trim() ?? ''
  if (!isAbsolute(path) || !existsSync(path)) fail(`gcc has no ${name}: install gcc and its sanitizers (libasan).`)
  return path
}

const preload = library('libasan.so')

// The addon is found from where the package lies: another addon needs another package.
rmSync(copy, { recursive: true, force: true })
mkdirSync(reports, { recursive: true })
for (const part of [
  'src',
  'dist',
  'test',
  'native',
  'binding.gyp',
  'package.json',
  'tsconfig.json',
  'vitest.config.ts',
])
  cpSync(join(root, part), join(copy, part), { recursive: true })
for (const part of ['node_modules', 'models']) symlinkSync(join(root, part), join(copy, part))

const flags = ['-O1', '-g', '-fno-omit-frame-pointer', '-fsanitize=address,undefined', '-fno-sanitize-recover=all']
const built = spawnSync(
  process.execPath,
  [
    join(copy, 'native/addon/build.mjs'),
    ...['--output', join(copy, 'build/Release/mattebox.node')],
    ...flags.map((flag) => `--flag=${flag}`),
  ],
  { stdio: 'inherit', env: { ...process.env, CC: 'gcc', CXX: 'g++' } },
)
if (built.status !== 0) fail('The addon could not be built with sanitizers.')

// Leaks are judged here, not by the exit code: Node frees little of its own at its end. A fault aborts all the same.
// What is freed is kept for a while, to see who still uses it: little, for tests that look at the memory in use.
const options = `log_path=${reports}/report:abort_on_error=1:exitcode=0:detect_leaks=1:quarantine_size_mb=8`
const tested = spawnSync(
  process.execPath,
  ['node_modules/vitest/vitest.mjs', 'run', 'test/sidecar/inference/channel'],
  {
    cwd: copy,
    stdio: 'inherit',
    timeout: TIMEOUT_MS,
    killSignal: 'SIGKILL',
    env: { ...process.env, LD_PRELOAD: preload, ASAN_OPTIONS: options, UBSAN_OPTIONS: 'print_stacktrace=1' },
  },
)

/** Blocks of a report that are the addon's: every fault, and what the addon's own code allocated and lost. */
function found(text) {
  return text
    .split(/\n(?:\n|(?==+\n))/)
    .filter((block) => /(?:Direct|Indirect) leak of/.test(block) ? isOurs(block) : /ERROR: AddressSanitizer|runtime error/.test(block)) // prettier-ignore
}

/** Whether the frame below the allocator's, #1, is of the addon. */
function isOurs(leak) {
  return /^ *#1 .*(?:\/native\/(?:addon|channel)\/|mattebox\.node)/m.test(leak)
}

const findings = readdirSync(reports).flatMap((file) => found(readFileSync(join(reports, file), 'utf8')))
for (const finding of findings) console.error(finding)
if (tested.error) fail(`The tests did not end: ${tested.error.message}`)
if (findings.length > 0) fail(`${findings.length} findings of the sanitizers: see above, and ${reports}.`)
if (tested.status !== 0) fail('A test failed: see above.')
rmSync(copy, { recursive: true })
console.log('addon: no finding of ASan, UBSan or LSan')
