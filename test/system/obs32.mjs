// The plugin's binary in OBS 32: `npm run test:obs32`. The OBS of a newer Debian is unpacked once into .cache/obs32
// (a minute, 0.9 GB) and run there in a chroot; test/system/obs-studio/obs-32.test.ts says what must hold.
// Needs root and a Debian mirror (MATTEBOX_DEBIAN_MIRROR).
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statfsSync } from 'node:fs'
import { join } from 'node:path'

const repository = join(import.meta.dirname, '..', '..')
const cache = join(repository, '.cache')
const chroot = join(cache, 'obs32')
const report = join(cache, 'test-report.json') // vitest.config.ts
const mirror = process.env.MATTEBOX_DEBIAN_MIRROR // unset: Debian's own
const from = `from ${mirror ?? "Debian's mirror"}`
const suite = process.env.MATTEBOX_DEBIAN_SUITE ?? 'forky'
const packages = 'obs-studio,libgl1,libgl1-mesa-dri,libegl1'
const NEEDED_BYTES = 2e9 // the archives lie beside what they unpack to

function giveUp(message, mend) {
  console.error(`${message}\n${mend}`)
  console.log('0 passed, 1 failed')
  process.exit(1)
}

function makeChroot() {
  mkdirSync(cache, { recursive: true })
  const { bavail, bsize } = statfsSync(cache)
  if (bavail * bsize < NEEDED_BYTES)
    giveUp(
      `OBS 32 needs 2 GB on the disk of ${cache}; ${((bavail * bsize) / 1e9).toFixed(1)} GB are free.`,
      'Make room there.',
    )
  const partial = `${chroot}.partial`
  rmSync(partial, { recursive: true, force: true })
  console.log(`Unpacking obs-studio of Debian ${suite} ${from} into ${chroot} ...`)
  const made = spawnSync(
    'mmdebstrap',
    [
      '--quiet',
      '--variant=apt',
      '--aptopt=Acquire::Check-Valid-Until "false"', // a mirror may be a snapshot
      '--aptopt=Acquire::Retries "3"',
      `--include=${packages}`,
      suite,
      partial,
      ...(mirror ? [mirror] : []),
    ],
    { stdio: ['ignore', 'inherit', 'inherit'] },
  )
  if (made.status !== 0) {
    rmSync(partial, { recursive: true, force: true })
    giveUp(
      `Debian ${suite} could not be unpacked ${from}.`,
      'Check the network, or name another mirror in MATTEBOX_DEBIAN_MIRROR.',
    )
  }
  renameSync(partial, chroot) // whole or not at all
}

if (process.getuid?.() !== 0)
  giveUp('OBS 32 runs in a chroot, which only root may enter.', 'Run `sudo npm run test:obs32`.')
for (const [program, of] of [
  ['mmdebstrap', 'mmdebstrap'],
  ['unshare', 'util-linux'],
  ['Xvfb', 'xvfb'],
  ['ffmpeg', 'ffmpeg'],
])
  if (spawnSync('sh', ['-c', 'command -v "$0"', program]).status !== 0)
    giveUp(`${program} is missing.`, `Run \`apt-get install ${of}\`.`)
if (!existsSync(join(repository, 'build/plugin/mattebox')))
  giveUp('The plugin is not built.', 'Run `npm run build:plugin`, which needs libobs-dev, cmake and a C compiler.')
if (!existsSync(chroot)) makeChroot()

rmSync(report, { force: true })
const tests = spawnSync(
  process.execPath,
  [
    join(repository, 'node_modules/vitest/vitest.mjs'),
    'run',
    'test/system/obs-studio/obs-32.test.ts',
    '--reporter=verbose',
    '--reporter=json',
  ],
  { cwd: repository, stdio: 'inherit', env: { ...process.env, MATTEBOX_OBS32: chroot } },
)
let [passed, failed] = [0, 1]
try {
  const { numPassedTests, numFailedTests } = JSON.parse(readFileSync(report, 'utf8'))
  // A run that skipped everything, or broke outside a test, has proved nothing.
  passed = numPassedTests
  failed = numFailedTests === 0 && (passed === 0 || tests.status !== 0) ? 1 : numFailedTests
} catch {
  // no report: vitest itself failed, and said why
}
console.log(`${passed} passed, ${failed} failed`)
process.exit(failed === 0 ? 0 : 1)
