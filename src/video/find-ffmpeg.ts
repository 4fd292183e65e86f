import { accessSync, chmodSync, constants, copyFileSync, existsSync, mkdirSync, renameSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { homedir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { MatteboxError } from '../errors/index.ts'
import { runToEnd } from './media-process.ts'

/** Where a program was found: named by an environment variable, on the PATH, or inside an npm package. */
export type ToolOrigin = 'environment' | 'system' | 'package'

export interface Tool {
  readonly path: string
  /** As the program names itself, such as `5.1.9-0+deb12u1`. */
  readonly version: string
  readonly origin: ToolOrigin
}

/** The pair of programs that read and write media files, and what the reader and the writer must know of them. */
export interface Ffmpeg {
  readonly ffmpeg: Tool
  readonly ffprobe: Tool
  /** Output options that keep every frame at its own time: `-vsync` was renamed in 5.1 and later removed. */
  readonly passthrough: readonly string[]
  readonly encoders: ReadonlySet<string>
  readonly decoders: ReadonlySet<string>
}

const START_TIMEOUT_MS = 20_000
const found = new Map<string, Promise<Ffmpeg>>()

/**
 * Finds ffmpeg and ffprobe: `MATTEBOX_FFMPEG` and `MATTEBOX_FFPROBE` if set, else the PATH's, else those that the
 * npm packages `@ffmpeg-installer/*` and `@ffprobe-installer/*` carry. Each is run once; what does not run is passed
 * over (but for one that is named by a variable: that is an error). The answer is kept for the same environment.
 *
 * @throws {MatteboxError} FFMPEG_MISSING
 */
export function findFfmpeg(env: NodeJS.ProcessEnv = process.env): Promise<Ffmpeg> {
  const key = JSON.stringify([env['MATTEBOX_FFMPEG'], env['MATTEBOX_FFPROBE'], env['PATH']])
  let answer = found.get(key)
  if (answer === undefined) {
    answer = find(env)
    found.set(key, answer)
    answer.catch(() => found.delete(key))
  }
  return answer
}

async function find(env: NodeJS.ProcessEnv): Promise<Ffmpeg> {
  const [ffmpeg, ffprobe] = await Promise.all([findTool('ffmpeg', env), findTool('ffprobe', env)])
  const [help, encoders, decoders] = await Promise.all([
    runToEnd(ffmpeg.path, ['-hide_banner', '-h', 'long'], START_TIMEOUT_MS),
    codecNames(ffmpeg.path, '-encoders'),
    codecNames(ffmpeg.path, '-decoders'),
  ])
  const passthrough = help.stdout.includes('-fps_mode') ? ['-fps_mode', 'passthrough'] : ['-vsync', 'passthrough']
  return { ffmpeg, ffprobe, passthrough, encoders, decoders }
}

async function findTool(name: 'ffmpeg' | 'ffprobe', env: NodeJS.ProcessEnv): Promise<Tool> {
  const variable = `MATTEBOX_${name.toUpperCase()}`
  const named = env[variable]
  if (named !== undefined && named !== '') {
    const version = await versionOf(named, name)
    if (version !== undefined) return { path: named, version, origin: 'environment' }
    throw new MatteboxError(
      'FFMPEG_MISSING',
      `${variable} names ${named}, which does not run as ${name}.`,
      `Set ${variable} to the path of a working ${name}, or unset it.`,
    )
  }
  const candidates: { path: string; origin: ToolOrigin }[] = onPath(name, env).map((path) => ({
    path,
    origin: 'system',
  }))
  const packaged = inPackage(name, env)
  if (packaged !== undefined) candidates.push({ path: packaged, origin: 'package' })
  for (const { path, origin } of candidates) {
    const version = await versionOf(path, name)
    if (version !== undefined) return { path, version, origin }
  }
  throw new MatteboxError(
    'FFMPEG_MISSING',
    candidates.length === 0 ? `No ${name} was found.` : `${candidates.map((c) => c.path).join(', ')} does not run.`,
    installHint(name),
  )
}

/** The sentence that says how to get ffmpeg on this platform. */
function installHint(name: string): string {
  const how =
    process.platform === 'darwin'
      ? 'with Homebrew (brew install ffmpeg)'
      : process.platform === 'win32'
        ? 'with winget (winget install ffmpeg)'
        : "with the distribution's package manager"
  return `Install ffmpeg ${how}, or set MATTEBOX_${name.toUpperCase()} to the path of ${name}.`
}

const fileName = (name: string): string => (process.platform === 'win32' ? `${name}.exe` : name)

function onPath(name: string, env: NodeJS.ProcessEnv): string[] {
  return (env['PATH'] ?? '')
    .split(delimiter)
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, fileName(name)))
    .filter((path) => isExecutable(path))
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}

function inPackage(name: 'ffmpeg' | 'ffprobe', env: NodeJS.ProcessEnv): string | undefined {
  let manifest: string
  try {
    const resolve = createRequire(import.meta.url).resolve
    manifest = resolve(`@${name}-installer/${process.platform}-${process.arch}/package.json`)
  } catch {
    return undefined
  }
  const path = join(dirname(manifest), fileName(name))
  if (!existsSync(path)) return undefined
  return isExecutable(path) ? path : withRunBit(path, name, env)
}

/** The ffprobe package forgets the run bit: sets it, or where that is not permitted makes a private copy with it. */
function withRunBit(path: string, name: string, env: NodeJS.ProcessEnv): string | undefined {
  try {
    chmodSync(path, 0o755)
    return path
  } catch {
    // Installed by another user, or read-only: copy below.
  }
  try {
    const folder = join(env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'mattebox')
    const { size, mtimeMs } = statSync(path)
    const copy = join(folder, `${name}-${size}-${Math.trunc(mtimeMs)}`)
    if (isExecutable(copy) && statSync(copy).size === size) return copy
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    const partial = `${copy}.partial-${process.pid}`
    copyFileSync(path, partial)
    chmodSync(partial, 0o700)
    renameSync(partial, copy)
    return copy
  } catch {
    return undefined
  }
}

/** Which of these filters an ffmpeg lacks. */
export async function lackedFilters({ ffmpeg }: Ffmpeg, names: readonly string[]): Promise<string[]> {
  if (names.length === 0) return []
  const { stdout } = await runToEnd(ffmpeg.path, ['-hide_banner', '-filters'], START_TIMEOUT_MS)
  // " TS. bwdif             V->V       Deinterlace the input image."; newer versions have two letters in front.
  const has = new Set([...stdout.matchAll(/^ [A-Z.]{2,3} (\S+)/gm)].map((match) => match[1]))
  return names.filter((name) => !has.has(name))
}

/** The version in "ffmpeg version 5.1.9 Copyright ..."; undefined if the program does not run or is another one. */
async function versionOf(path: string, name: string): Promise<string | undefined> {
  const { stdout, code } = await runToEnd(path, ['-version'], START_TIMEOUT_MS)
  return code === 0 ? new RegExp(`^${name} version (\\S+)`).exec(stdout)?.[1] : undefined
}

/** Names in ffmpeg's table of encoders or decoders: " V....D libx264    description" under a line of dashes. */
async function codecNames(path: string, option: '-encoders' | '-decoders'): Promise<ReadonlySet<string>> {
  const { stdout } = await runToEnd(path, ['-hide_banner', option], START_TIMEOUT_MS)
  return new Set(
    [...stdout.matchAll(/^ [VAS][A-Z.]{5} (\S+)/gm)].map((match) => match[1]).filter((name) => name !== '='),
  )
}
