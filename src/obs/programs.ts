import { execFile } from 'node:child_process'
import { accessSync, constants, statSync } from 'node:fs'
import { delimiter, isAbsolute, join } from 'node:path'

/** All programs of that name on the PATH, in its order. */
export function programsOnPath(name: string, env: NodeJS.ProcessEnv): string[] {
  return (env['PATH'] ?? '')
    .split(delimiter)
    .filter((folder) => isAbsolute(folder))
    .map((folder) => join(folder, name))
    .filter((path) => isProgram(path))
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}

export interface Answer {
  /** Null where it was killed, or could not be started. */
  readonly status: number | null
  /** It said nothing in time, and was killed. */
  readonly late: boolean
  /** Standard output and standard error. */
  readonly said: string
}

/** Runs a program to its end, in English, with nothing to read; one that does not end in time is killed. */
export function ask(
  program: string,
  words: readonly string[],
  options: { env: NodeJS.ProcessEnv; timeoutMs: number; signal?: AbortSignal },
): Promise<Answer> {
  const settings = {
    env: { ...options.env, LC_ALL: 'C' },
    ...(options.signal && { signal: options.signal }),
    timeout: options.timeoutMs,
    killSignal: 'SIGKILL',
    maxBuffer: 64 << 20,
  } as const
  return new Promise((resolve) => {
    const child = execFile(program, words, settings, (error, stdout, stderr) => {
      resolve({
        status: error === null ? 0 : typeof error.code === 'number' ? error.code : null,
        late: error?.killed ?? false,
        said: `${stdout}${stderr}`,
      })
    })
    child.stdin?.end()
  })
}
