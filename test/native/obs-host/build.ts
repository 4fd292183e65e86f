/**
 * What the tests of the filter need on the machine, and how they build it: the host (a libobs process without a
 * window) and the plugin. Nothing here is part of the product's own build.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

const REPOSITORY = join(import.meta.dirname, '../../..')
const SOURCES = import.meta.dirname

/** A module of OBS: its library and its data folder. */
export interface ObsModule {
  readonly path: string
  readonly data: string
}

function runs(program: string, ...words: string[]): boolean {
  return spawnSync(program, words, { stdio: 'ignore' }).status === 0
}

/** What is missing to run libobs here, as a sentence; undefined where nothing is. */
export function missingForObs(): string | undefined {
  if (!runs('pkg-config', '--exists', 'libobs')) return 'libobs (package libobs-dev) is not installed'
  if (!runs('sh', '-c', 'command -v Xvfb')) return 'Xvfb (package xvfb) is not installed'
  if (!runs('sh', '-c', 'command -v cc')) return 'no C compiler is installed'
  if (!runs('sh', '-c', 'command -v cmake')) return 'cmake is not installed'
  return undefined
}

function pkgConfig(...words: string[]): string[] {
  return execFileSync('pkg-config', words, { encoding: 'utf8' }).trim().split(/\s+/)
}

let host: string | undefined
const plugins = new Map<string, ObsModule>()

/** Compiles the host where its sources are newer, once in a process. Returns its path. */
export function buildHost(): string {
  return (host ??= compileHost())
}

/**
 * Builds and installs the plugin, once in a process.
 *
 * @param flags - C flags of a build for a test: it gets folders of its own. Default: as it is built for users.
 */
export function buildPlugin(flags = ''): ObsModule {
  const built = plugins.get(flags) ?? compilePlugin(flags)
  plugins.set(flags, built)
  return built
}

function compileHost(): string {
  const output = join(REPOSITORY, 'build/obs-host/obs-host')
  mkdirSync(join(REPOSITORY, 'build/obs-host'), { recursive: true })
  const sources = readdirSync(SOURCES).filter((name) => name.endsWith('.c'))
  const newer = `for f in *.c *.h; do [ "$f" -nt "${output}" ] && exit 1; done; exit 0`
  if (runs('sh', '-c', `test -x "${output}"`) && spawnSync('sh', ['-c', newer], { cwd: SOURCES }).status === 0)
    return output
  const warnings = ['-Wall', '-Wextra', '-Werror', '-Wshadow']
  // -rdynamic: the plugin is to find what cost.c puts before libobs.
  const flags = ['-std=c11', '-D_GNU_SOURCE', '-g', '-O1', ...warnings, '-rdynamic', ...pkgConfig('--cflags', 'libobs')]
  const libraries = [...pkgConfig('--libs', 'libobs'), '-lX11', '-lpthread', '-ldl', '-lm']
  execFileSync('cc', [...flags, ...sources, '-o', output, ...libraries], { cwd: SOURCES, stdio: 'inherit' })
  return output
}

/** One at a time: test files may ask at once. */
function compilePlugin(flags: string): ObsModule {
  const suffix = flags.replaceAll(/[^\w]+/g, '-')
  const source = join(REPOSITORY, 'native/obs-plugin')
  const folder = join(REPOSITORY, `.cache/native/obs-plugin${suffix}`)
  const installed = join(REPOSITORY, `build/plugin${suffix}`)
  mkdirSync(installed, { recursive: true })
  mkdirSync(folder, { recursive: true })
  const steps = [
    'cmake -S "$0" -B "$1" -DCMAKE_C_FLAGS="$3"',
    'cmake --build "$1" -j2',
    'cmake --install "$1" --prefix "$2"',
  ]
  const words = [`${folder}.lock`, 'sh', '-c', steps.join(' && '), source, folder, installed, flags]
  const built = spawnSync('flock', words, { encoding: 'utf8' })
  if (built.status !== 0) throw new Error(`The plugin does not build:\n${built.stdout}${built.stderr}`)
  return { path: join(installed, 'mattebox/bin/64bit/mattebox.so'), data: join(installed, 'mattebox/data') }
}

/** One of OBS's own modules, such as `obs-transitions`. */
export function ownModule(name: string): ObsModule {
  const [library] = pkgConfig('--variable=libdir', 'libobs')
  const [prefix] = pkgConfig('--variable=prefix', 'libobs')
  return { path: join(library, 'obs-plugins', `${name}.so`), data: join(prefix, 'share/obs/obs-plugins', name) }
}
