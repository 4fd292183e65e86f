import { execFile, execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const builds = join(root, '.cache/native/channel')
const execute = promisify(execFile)

/** What `-fsanitize=` is given; `fuzzer` comes with the first. */
export type Sanitizers = 'address,undefined' | 'thread'

/**
 * The first of `candidates` that can build and run a program with these sanitizers: a compiler is often installed
 * without its runtime libraries.
 */
export function compilerWith(candidates: readonly string[], sanitizers: Sanitizers | 'fuzzer'): string | undefined {
  mkdirSync(builds, { recursive: true })
  const folder = mkdtempSync(join(builds, 'probe-'))
  const source = join(folder, 'probe.c')
  const program = join(folder, 'probe')
  writeFileSync(
    source,
    sanitizers === 'fuzzer'
      ? 'int LLVMFuzzerTestOneInput(const unsigned char *d, unsigned long n) { return d && n && 0; }'
      : 'int main(void) { return 0; }',
  )
  try {
    return candidates.find((compiler) => {
      try {
        execFileSync(compiler, [`-fsanitize=${sanitizers}`, source, '-o', program], { stdio: 'ignore' })
        execFileSync(program, sanitizers === 'fuzzer' ? ['-runs=1'] : [], { stdio: 'ignore' })
        return true
      } catch {
        return false
      }
    })
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/**
 * Builds native/channel and programs of this folder with CMake, under .cache/native/channel.
 *
 * @param options - CMake variables
 * @returns the folder of the built programs
 * @throws {Error} with the compiler's words where something does not build
 */
export async function buildPrograms(
  name: string,
  targets: readonly string[],
  options: Readonly<Record<string, string>>,
): Promise<string> {
  const folder = join(builds, name)
  const variables = Object.entries(options).map(([key, value]) => `-D${key}=${value}`)
  await cmake(['-S', join(root, 'native/channel'), '-B', folder, ...variables])
  await cmake(['--build', folder, '--parallel', '2', '--target', ...targets])
  return join(folder, 'tests')
}

async function cmake(args: readonly string[]): Promise<void> {
  const { status, output } = await runProgram('cmake', args)
  if (status !== 0) throw new Error(`cmake ${args.join(' ')}\n${output}`)
}

/** The titles of a program's cases, in its order. */
export async function casesOf(program: string): Promise<readonly string[]> {
  const { stdout } = await execute(program, ['--list'])
  return stdout.split('\n').filter((title) => title !== '')
}

/** Runs a program to its end. `status` is -1 where a signal ended it, or where it could not be started. */
export async function runProgram(
  program: string,
  args: readonly string[],
): Promise<{ status: number; output: string }> {
  try {
    const { stdout, stderr } = await execute(program, [...args], { cwd: root, maxBuffer: 1 << 26 })
    return { status: 0, output: stdout + stderr }
  } catch (error) {
    const failed = error as { code?: unknown; stdout?: string; stderr?: string; message: string }
    const status = typeof failed.code === 'number' ? failed.code : -1
    return { status, output: `${failed.message}\n${failed.stdout ?? ''}${failed.stderr ?? ''}` }
  }
}
