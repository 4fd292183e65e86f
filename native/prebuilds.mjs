/**
 * Makes what the npm package carries ready-made: `prebuilds/linux-ARCH/mattebox.node` (the addon) and
 * `prebuilds/linux-ARCH/obs-plugin/mattebox` (the filter for OBS), so that users need no compiler. Runs before
 * `npm pack`, and fails where one of them is not built or needs a newer C library than the oldest system that we mean
 * to run on has.
 *
 *   npm run prebuilds [-- --output FOLDER]
 */
import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

/** Ubuntu 22.04 has glibc 2.35 and libstdc++ 6.0.30; what was there a version earlier is asked for. */
const NEWEST = { GLIBC: '2.34', GLIBCXX: '3.4.30', CXXABI: '1.3.13' }

const root = fileURLToPath(new URL('..', import.meta.url))
const { values } = parseArgs({ options: { output: { type: 'string' } } })
const output = resolve(values.output ?? join(root, 'prebuilds'), `linux-${process.arch}`)

function run(command, ...words) {
  execFileSync(command, words, { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] })
}

if (process.platform !== 'linux') throw new Error('The addon and the filter are built on Linux.')
mkdirSync(dirname(output), { recursive: true })
const part = mkdtempSync(`${output}.`)
try {
  const [addon, plugin, objects] = ['mattebox.node', 'obs-plugin', 'objects'].map((name) => join(part, name))
  run(process.execPath, 'native/addon/build.mjs', '--output', addon)
  run('strip', '--strip-unneeded', addon)
  run('cmake', '-S', 'native/obs-plugin', '-B', objects, '-DCMAKE_BUILD_TYPE=Release')
  run('cmake', '--build', objects, '-j2')
  run('cmake', '--install', objects, '--strip', '--prefix', plugin)
  rmSync(objects, { recursive: true })
  for (const file of [addon, join(plugin, 'mattebox', 'bin', '64bit', 'mattebox.so')]) checkVersions(file)
  chmodSync(part, 0o755)
  rmSync(output, { recursive: true, force: true })
  renameSync(part, output)
} finally {
  rmSync(part, { recursive: true, force: true })
}
console.log(`Built ${output}`)

/** Symbols are bound to the versions of the machine that builds: on a newer one they would not be found elsewhere. */
function checkVersions(file) {
  const symbols = execFileSync('objdump', ['-T', file], { encoding: 'utf8' })
  const tooNew = [...symbols.matchAll(/\((GLIBC|GLIBCXX|CXXABI)_([\d.]+)\) +(\S+)/g)].filter(
    ([, library, version]) => NEWEST[library].localeCompare(version, 'en', { numeric: true }) < 0,
  )
  if (tooNew.length === 0) return
  const list = tooNew.map(([, library, version, symbol]) => `  ${symbol} of ${library}_${version}`).join('\n')
  throw new Error(`${file} would not load on Ubuntu 22.04:\n${list}\nBuild on an older system, or avoid these symbols.`)
}
