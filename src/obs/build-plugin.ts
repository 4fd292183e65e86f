import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MatteboxError } from '../errors/index.ts'
import { ask, programsOnPath } from './programs.ts'

/** A few seconds on a slow machine; a compiler that hangs must not hang us. */
const STEP_TIMEOUT_MS = 10 * 60_000

const HOW_TO_GET_TOOLS = [
  'Install what it is built with, then run `mattebox obs install` again:',
  '  Debian, Ubuntu:  sudo apt install cmake make gcc pkg-config libobs-dev',
  '  Fedora:          sudo dnf install cmake make gcc pkgconf-pkg-config obs-studio-devel',
  '  Arch:            sudo pacman -S --needed cmake make gcc pkgconf obs-studio',
].join('\n')

/** A plugin's folder that was built for this one use. */
export interface BuiltPlugin {
  readonly folder: string
  remove(): Promise<void>
}

/**
 * Builds the plugin from the package's sources, in a temporary folder.
 *
 * @param why - why there is no ready one that would do; begins the message where it cannot be built
 * @throws {MatteboxError} OBS_PLUGIN_UNBUILT: what is missing, or the compiler's last words; INTERRUPTED
 */
export async function buildPlugin(
  packageRoot: string,
  why: string,
  { env, signal }: { env: NodeJS.ProcessEnv; signal: AbortSignal },
): Promise<BuiltPlugin> {
  const missing = await missingTools(env)
  if (missing.length > 0) {
    const found = `${why} It cannot be built here: ${missing.join(', ')} ${missing.length > 1 ? 'are' : 'is'} missing.`
    throw new MatteboxError('OBS_PLUGIN_UNBUILT', found, HOW_TO_GET_TOOLS)
  }
  const temporary = await mkdtemp(join(tmpdir(), 'mattebox-plugin-'))
  const [objects, output] = [join(temporary, 'objects'), join(temporary, 'output')]
  const remove = () => rm(temporary, { recursive: true, force: true, maxRetries: 5 })
  try {
    await cmake(['-S', join(packageRoot, 'native', 'obs-plugin'), '-B', objects, '-DCMAKE_BUILD_TYPE=Release'])
    await cmake(['--build', objects])
    await cmake(['--install', objects, '--strip', '--prefix', output])
  } catch (error) {
    await remove()
    throw error
  }
  return { folder: join(output, 'mattebox'), remove }

  async function cmake(words: readonly string[]): Promise<void> {
    const { status, late, said } = await ask('cmake', words, { env, timeoutMs: STEP_TIMEOUT_MS, signal })
    if (signal.aborted)
      throw new MatteboxError(
        'INTERRUPTED',
        'Interrupted.',
        'What was not replaced yet is as it was; run the command again.',
      )
    if (status === 0) return
    const lastWords = late ? 'It did not end.' : said.trim().split('\n').slice(-15).join('\n')
    const found = `${why} Building it failed in \`cmake ${words.join(' ')}\`:\n${lastWords}`
    throw new MatteboxError('OBS_PLUGIN_UNBUILT', found, HOW_TO_GET_TOOLS)
  }
}

async function missingTools(env: NodeJS.ProcessEnv): Promise<string[]> {
  const has = (...names: string[]) => names.some((name) => programsOnPath(name, env).length > 0)
  const missing = []
  if (!has('cmake')) missing.push('cmake')
  if (!has('make', 'ninja')) missing.push('make')
  if (!has('cc', 'gcc', 'clang')) missing.push('a C compiler')
  if (!has('pkg-config')) return [...missing, 'pkg-config', 'OBS’s headers']
  const { status } = await ask('pkg-config', ['--exists', 'libobs'], { env, timeoutMs: 10_000 })
  return status === 0 ? missing : [...missing, 'OBS’s headers']
}
