import { cp, mkdir, readdir, rename, rm, stat, statfs, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { download, sizeText, type DownloadOptions } from '../download/index.ts'
import { MatteboxError } from '../errors/index.ts'
import type { Catalog, CatalogLibrary } from '../models/catalog.ts'
import { downloadsFolder, modelFolders } from '../models/model-location.ts'
import { cudaFolder, providersFolder, runtimeVersion } from '../settings/cuda-folder.ts'
import { isRunning } from '../settings/is-running.ts'
import { isSpared, libraryNames, systemLibraries } from './system-libraries.ts'
import { unzip } from './unzip.ts'

/** Command that goes on. */
const AGAIN = 'mattebox providers install cuda'

/** What is to be fetched, and what the system has already. */
export interface CudaPlan {
  readonly runtime: string
  readonly fetched: readonly CatalogLibrary[]
  readonly spared: readonly CatalogLibrary[]
  /** Of all that is fetched. */
  readonly bytes: number
  /** Of all that lies on the disk in the end. */
  readonly installedBytes: number
}

/**
 * What CUDA needs here: its provider of exactly our runtime's version, and of CUDA's libraries those that the system has
 * not.
 *
 * @param all - the system's libraries count for nothing
 * @throws {MatteboxError} PROVIDER_UNAVAILABLE where there is no CUDA for this platform, CATALOG_DAMAGED
 */
export async function planCuda(
  { providers = [] }: Catalog,
  options: { all: boolean; platform?: string; env?: NodeJS.ProcessEnv },
): Promise<CudaPlan> {
  const { all, platform = `${process.platform}-${process.arch}`, env = process.env } = options
  if (platform !== 'linux-x64') {
    const message = `onnxruntime has no CUDA for Node on ${platform}.`
    throw new MatteboxError('PROVIDER_UNAVAILABLE', message, 'WebGPU uses the GPU there, without anything to install.')
  }
  const runtime = runtimeVersion()
  const listed = providers.find((provider) => provider.runtime === runtime)
  if (!listed) {
    const found = providers.map((provider) => provider.runtime).join(', ') || 'none'
    const message = `The catalog has no CUDA libraries for onnxruntime ${runtime} (it has: ${found}).`
    throw new MatteboxError('CATALOG_DAMAGED', message, 'Update mattebox; where MATTEBOX_CATALOG names it, mend it.')
  }
  const found = all ? new Set<string>() : await systemLibraries(listed.files.flatMap(libraryNames), env)
  const spared = listed.files.filter((file) => isSpared(file, found))
  const fetched = listed.files.filter((file) => !spared.includes(file))
  const unpacked = fetched.flatMap(({ members }) => members)
  return {
    runtime,
    fetched,
    spared,
    bytes: sum(fetched.map(({ bytes }) => bytes)),
    installedBytes: sum(unpacked.map(({ bytes }) => bytes)) + RUNTIME_BYTES,
  }
}

/** Of the copy of the runtime (1.30.0, Linux x64). */
const RUNTIME_BYTES = 50e6

export interface InstallOptions extends Pick<DownloadOptions, 'signal' | 'stallMs' | 'pauseMs'> {
  /** Hears how much of all has arrived, of `plan.bytes`. */
  readonly onProgress?: (arrivedBytes: number) => void
  readonly env?: NodeJS.ProcessEnv
}

/**
 * Fetches what the plan says, unpacks it beside a copy of the runtime, and puts all of it in its place at once; what was
 * there before is replaced, the archives are not kept.
 *
 * @returns the folder
 * @throws {MatteboxError} those of `download`; OUTPUT_UNWRITABLE
 */
export async function installCuda(plan: CudaPlan, options: InstallOptions = {}): Promise<string> {
  const { onProgress, env = process.env, ...rest } = options
  const downloads = downloadsFolder(modelFolders(env))
  await requireSpace(plan, downloads)
  const archives: string[] = []
  let before = 0
  for (const file of plan.fetched) {
    const hear = (arrived: number): void => onProgress?.(before + arrived)
    archives.push(await download(file, { ...rest, folder: downloads, again: AGAIN, onProgress: hear }))
    before += file.bytes
    onProgress?.(before)
  }
  const target = cudaFolder(env, plan.runtime)
  const staging = `${target}.${process.pid}.part`
  try {
    await mkdir(staging, { recursive: true, mode: 0o700 })
    const runtime = await copyRuntime(staging)
    const place = (to: string): string =>
      to.startsWith('runtime/') ? join(runtime, to.slice('runtime/'.length)) : join(staging, to)
    for (const [i, { members }] of plan.fetched.entries()) {
      const wanted = members.map(({ from, to, bytes }) => ({ from, path: place(to), bytes }))
      await unzip(archives[i], wanted, options.signal)
    }
    await mkdir(join(staging, 'lib'), { recursive: true })
    await writeFile(join(staging, 'README'), README)
    await rm(target, { recursive: true, force: true })
    await rename(staging, target)
  } catch (error) {
    await rm(staging, { recursive: true, force: true })
    throw asOurs(error, target, options.signal)
  }
  await Promise.all(archives.map((path) => rm(path, { force: true })))
  return target
}

const README = `Made by \`mattebox providers install cuda\`; \`mattebox providers remove cuda\` deletes it.
The licences of what lies here are in the folder licences.
`

/** Copies the runtime's package, as much of it as runs here, and answers the folder of its libraries. */
async function copyRuntime(folder: string): Promise<string> {
  const require = createRequire(import.meta.url)
  const node = dirname(require.resolve('onnxruntime-node/package.json'))
  // Its package.json is not to be asked for by name.
  const common = packageOf(
    createRequire(join(node, 'package.json')).resolve('onnxruntime-common'),
    'onnxruntime-common',
  )
  const binaries = join('bin', 'napi-v6', 'linux', 'x64')
  const target = join(folder, 'node_modules', 'onnxruntime-node')
  for (const part of ['package.json', 'dist', binaries]) {
    await cp(join(node, part), join(target, part), { recursive: true })
  }
  await cp(common, join(folder, 'node_modules', 'onnxruntime-common'), { recursive: true })
  // A provider that lies beside the original gives way to the one that is fetched.
  for (const file of await readdir(join(target, binaries))) {
    if (file.startsWith('libonnxruntime_providers_')) await rm(join(target, binaries, file))
  }
  return join(target, binaries)
}

/** Folder of the package that a file is in. */
function packageOf(path: string, name: string): string {
  const folder = join('node_modules', name)
  return path.slice(0, path.lastIndexOf(folder) + folder.length)
}

async function requireSpace({ bytes, installedBytes }: CudaPlan, downloads: string): Promise<void> {
  const folder = await nearest(downloads)
  const { bavail, bsize } = await statfs(folder)
  const wanted = bytes + installedBytes
  if (bavail * bsize >= wanted) return
  throw new MatteboxError(
    'OUTPUT_UNWRITABLE',
    `CUDA’s libraries take ${sizeText(wanted)} while they are unpacked, and ${folder} has ${sizeText(bavail * bsize)} left.`,
    'Free some space on the disk.',
  )
}

/** The folder, or the nearest one above it that exists. */
async function nearest(folder: string): Promise<string> {
  for (let at = folder; ; at = dirname(at)) {
    if ((await stat(at).catch(() => undefined)) || at === dirname(at)) return at
  }
}

function asOurs(error: unknown, target: string, signal: AbortSignal | undefined): unknown {
  if (error instanceof MatteboxError) return error
  if (signal?.aborted) {
    const message = 'Installing CUDA was stopped while it was unpacked. What was fetched is kept.'
    return new MatteboxError('INTERRUPTED', message, `\`${AGAIN}\` goes on from there.`)
  }
  const { code } = error as NodeJS.ErrnoException
  // What Node itself finds wrong is a fault of ours.
  if (code === undefined || code.startsWith('ERR_')) return error
  const mend = code === 'ENOSPC' ? 'Free some space on the disk' : 'Give yourself permission to write there'
  return new MatteboxError(
    'OUTPUT_UNWRITABLE',
    `${target} cannot be written: ${code}.`,
    `${mend}, then call \`${AGAIN}\` again.`,
    {
      cause: error,
    },
  )
}

/** What lies in the folder of providers: CUDA of our runtime's version or of another. */
export interface InstalledCuda {
  readonly path: string
  /** Of onnxruntime. */
  readonly version: string
  readonly bytes: number
  /** Of our runtime's version. */
  readonly serves: boolean
}

export async function installedCuda(env: NodeJS.ProcessEnv = process.env): Promise<InstalledCuda[]> {
  const folder = providersFolder(env)
  const found: InstalledCuda[] = []
  for (const name of await readdir(folder).catch(() => [])) {
    const version = /^cuda-(\d+\.\d+\.\d+)$/.exec(name)?.[1]
    if (version === undefined) continue
    const path = join(folder, name)
    found.push({ path, version, bytes: await sizeOf(path), serves: path === cudaFolder(env) })
  }
  return found
}

/** Deletes all of it, of whatever version, and what a killed install left. @returns what was deleted */
export async function removeCuda(env: NodeJS.ProcessEnv = process.env): Promise<InstalledCuda[]> {
  const folder = providersFolder(env)
  const found = await installedCuda(env)
  for (const { path } of found) {
    await rm(path, { recursive: true }).catch((error: unknown) => {
      throw asOurs(error, path, undefined)
    })
  }
  for (const name of await readdir(folder).catch(() => [])) {
    const pid = /^cuda-.*\.(\d+)\.part$/.exec(name)?.[1]
    if (pid !== undefined && !isRunning(Number(pid))) await rm(join(folder, name), { recursive: true, force: true })
  }
  return found
}

async function sizeOf(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const sizes = await Promise.all(
    entries
      .filter((entry) => entry.isFile())
      .map(async ({ parentPath, name }) => (await stat(join(parentPath, name))).size),
  )
  return sum(sizes)
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
