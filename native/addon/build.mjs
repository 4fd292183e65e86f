/**
 * Makes the addon, as npm's install script: takes a prebuilt one that loads, else
 * compiles. It never fails an installation: without the addon all but the OBS channel works, and `mattebox doctor`
 * says what is missing.
 *
 * Compiling is a few calls of cc and c++ with the headers of npm's node-api-headers: node-gyp would fetch Node's from
 * the internet. binding.gyp lists the same files, for whoever prefers it.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const root = fileURLToPath(new URL('../..', import.meta.url))
const require = createRequire(import.meta.url)

/** The sources as binding.gyp lists them. */
function sources() {
  const gyp = readFileSync(join(root, 'binding.gyp'), 'utf8')
  return [...gyp.matchAll(/'(native\/[^']+\.(?:cc|c))'/g)].map(([, file]) => join(root, file))
}

/**
 * Compiles the addon into `output`, unless it is newer than all that it is made of.
 *
 * @param {{
 *   output: string, force?: boolean, defines?: readonly string[], extraSources?: readonly string[],
 *   extraFlags?: readonly string[]
 * }} wanted - `extraFlags`: of compiler and linker
 * @throws {Error} with what the compiler said; `syscall` says spawn where there is no compiler
 */
function compile({ output, force = false, defines = [], extraSources = [], extraFlags = [] }) {
  const files = [...sources(), ...extraSources]
  if (
    !force &&
    existsSync(output) &&
    newest([...files, ...headers(), fileURLToPath(import.meta.url)]) < modified(output)
  )
    return
  mkdirSync(dirname(output), { recursive: true })
  const folder = `${output}.objects-${process.pid}`
  mkdirSync(folder)
  try {
    const flags = [
      ...['-O3', '-fPIC', '-fvisibility=hidden', '-Wall', '-Wextra'],
      ...defines.map((name) => `-D${name}`),
      ...extraFlags,
    ]
    const objects = files.map((file) => {
      const object = join(folder, `${basename(file)}.o`)
      const isC = file.endsWith('.c')
      run(isC ? C : CXX, [...flags, ...(isC ? C_FLAGS : cxxFlags()), '-c', file, '-o', object])
      return object
    })
    const whole = join(folder, 'mattebox.node')
    run(CXX, [
      '-shared',
      ...extraFlags,
      ...(process.platform === 'darwin' ? ['-undefined', 'dynamic_lookup'] : []),
      ...objects,
      '-o',
      whole,
    ])
    // Whoever loads it meanwhile sees the old one or the new one, whole.
    renameSync(whole, output)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const C = process.env['CC'] ?? 'cc'
const CXX = process.env['CXX'] ?? 'c++'
const C_FLAGS = ['-std=c11', '-D_GNU_SOURCE']

function cxxFlags() {
  const api = require('node-api-headers').include_dir
  const wrapper = require('node-addon-api').include_dir
  return [
    ...['-std=c++17', '-fno-exceptions', '-DNAPI_VERSION=8', '-DNODE_GYP_MODULE_NAME=mattebox'],
    ...['-DNODE_ADDON_API_DISABLE_CPP_EXCEPTIONS', '-DNODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS'],
    ...[api, wrapper].flatMap((folder) => ['-isystem', folder.replaceAll('"', '')]),
  ]
}

function headers() {
  return ['native/addon', 'native/channel'].flatMap((folder) =>
    readdirSync(join(root, folder))
      .filter((file) => file.endsWith('.h'))
      .map((file) => join(root, folder, file)),
  )
}

const modified = (file) => statSync(file).mtimeMs
const newest = (files) => Math.max(...files.map(modified))

function run(command, args) {
  const { error, status, stderr } = spawnSync(command, args, { encoding: 'utf8' })
  if (error) throw error
  if (status !== 0) throw new Error(`${command} failed on ${args.at(-3)}:\n${stderr}`)
  if (stderr) process.stderr.write(stderr)
}

function loads(file) {
  if (!existsSync(file)) return false
  // In a process of its own: a foreign binary may take the process down, and a loaded one cannot be replaced.
  return spawnSync(process.execPath, ['-e', 'require(process.argv[1])', file]).status === 0
}

function install(force) {
  const prebuilt = join(root, 'prebuilds', `${process.platform}-${process.arch}`, 'mattebox.node')
  if (!force && loads(prebuilt)) return
  if (process.platform !== 'linux') {
    console.log(`mattebox: OBS's channel needs Linux; video files are matted on ${process.platform} too.`)
    return
  }
  const output = join(root, 'build', 'Release', 'mattebox.node')
  try {
    compile({ output, force })
    if (!loads(output)) throw new Error(`${output} was compiled and does not load.`)
  } catch (error) {
    const reason = error.syscall?.startsWith('spawn')
      ? `There is no C++ compiler (${error.path ?? CXX}): install one (Debian, Ubuntu: g++; Fedora: gcc-c++; Arch: gcc).`
      : error.message
    console.log(`mattebox: the addon for OBS was not built. ${reason}\nThen: npm run build:native`)
    if (force) process.exitCode = 1
  }
}

const { values } = parseArgs({
  options: {
    force: { type: 'boolean', default: false },
    // Tests compile addons of their own, with hooks or sanitizers.
    output: { type: 'string' },
    define: { type: 'string', multiple: true },
    source: { type: 'string', multiple: true },
    flag: { type: 'string', multiple: true },
  },
})
if (values.output === undefined) install(values.force)
else {
  const { output, force, define: defines, source: extraSources, flag: extraFlags } = values
  compile({ output, force, defines, extraSources, extraFlags })
}
