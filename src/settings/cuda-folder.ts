import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { delimiter, join } from 'node:path'
import { dataFolder } from './data-home.ts'

/**
 * The folder that `mattebox providers install cuda` fills: a copy of the runtime with CUDA's provider beside it (the
 * runtime looks for it nowhere else, and node_modules is not ours to write to), and in `lib` CUDA's own libraries.
 *
 * The runtime's version is in its name: a provider of another version loads without complaint, and then anything may happen.
 */
export function cudaFolder(env: NodeJS.ProcessEnv = process.env, version: string = runtimeVersion()): string {
  return join(providersFolder(env), `cuda-${version}`)
}

export function providersFolder(env: NodeJS.ProcessEnv = process.env): string {
  return join(dataFolder(env), 'providers')
}

/** Of the onnxruntime that mattebox runs. */
export function runtimeVersion(): string {
  const manifest = createRequire(import.meta.url).resolve('onnxruntime-node/package.json')
  return (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version
}

/** Names the folder to the process that loads the runtime. */
export const RUNTIME_FOLDER = 'MATTEBOX_RUNTIME'

/**
 * The environment of a process that may run CUDA: the dynamic loader reads LD_LIBRARY_PATH only when a process starts.
 * What the user names himself goes first.
 */
export function cudaEnvironment(env: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv {
  if (process.platform !== 'linux' || process.arch !== 'x64') return env
  const folder = cudaFolder(env)
  if (!existsSync(folder) || env[RUNTIME_FOLDER] === folder) return env
  const libraries = [env['LD_LIBRARY_PATH'] ?? '', join(folder, 'lib')].filter((path) => path !== '')
  return { ...env, [RUNTIME_FOLDER]: folder, LD_LIBRARY_PATH: libraries.join(delimiter) }
}
