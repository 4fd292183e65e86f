import { spawn } from 'node:child_process'
import { cudaEnvironment } from '../settings/cuda-folder.ts'

/** Commands that run the network in their own process. */
const RUN_IT_HERE: readonly string[] = ['matte', 'eval']

/**
 * Runs the same command line in a process whose loader finds CUDA's libraries, where they were installed and it may want
 * them: they have to be named before a process starts.
 *
 * @returns its exit code; undefined where this process will do
 */
export async function runAgainWithCuda(argv: readonly string[]): Promise<number | undefined> {
  const env = cudaEnvironment()
  if (env === process.env || !RUN_IT_HERE.includes(argv[2] ?? '')) return undefined
  const child = spawn(process.execPath, [...process.execArgv, ...argv.slice(1)], {
    env,
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
  })
  // A terminal sends Ctrl-C to both; a second one would cut the first one's good order short.
  const hasTerminal = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY
  process.on('SIGINT', () => {
    if (!hasTerminal) child.kill('SIGINT')
  })
  process.on('SIGTERM', () => child.kill('SIGTERM'))
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('exit', (code) => resolve(code ?? 1))
  })
}

/** In that process: it ends in good order when the one that started it is gone. */
export function endWithParent(): void {
  if (!process.channel) return
  process.channel.unref()
  process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'))
}
