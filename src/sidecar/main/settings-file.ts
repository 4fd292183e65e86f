import { lstat, readFile, rename, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { MatteboxError } from '../../errors/index.ts'
import type { EngineSettings } from '../../settings/index.ts'
import { checkEngineSettings, ENGINE_DEFAULTS } from './engine-settings.ts'
import { configFolder } from './folders.ts'
import { readKept, type Kept, type Section } from './kept.ts'
import { removeLeftovers, replaceFile } from './replace-file.ts'

/** Larger than any that we write: a file beyond it is none of ours. */
const SIZE_MAX = 16 * 1024 * 1024

/** Everything in the file; keys that this version does not know are kept as they are. */
type Contents = Readonly<Record<string, unknown>> & { readonly engine?: Readonly<Record<string, unknown>> }

/**
 * `settings.json`: the engine's settings, what the panel keeps, and whatever else others keep in it. It is written whole or not at all: a kill
 * at any moment leaves the old file or the new one.
 */
export class SettingsFile {
  #contents: Contents
  #kept: Kept
  #writing: Promise<unknown> = Promise.resolve()

  private constructor(
    readonly path: string,
    contents: Contents,
    /** Why the defaults serve and where the damaged file is; undefined where it was whole, or there was none. */
    readonly damaged: MatteboxError | undefined,
  ) {
    this.#contents = contents
    this.#kept = readKept(contents)
  }

  /**
   * Reads the file, if there is one. A damaged one is put aside.
   *
   * @throws {MatteboxError} SETTINGS_FILE
   */
  static async open(path: string = join(configFolder(), 'settings.json')): Promise<SettingsFile> {
    await removeLeftovers(path)
    const found = await read(path)
    if (!(found instanceof Error)) return new SettingsFile(path, found, undefined)
    const aside = await putAside(path)
    const damaged = new MatteboxError(
      'SETTINGS_DAMAGED',
      `${path} is damaged: ${found.message} The defaults are in use.`,
      `It was put aside as ${aside}: mend it and put it back, or set what you need anew.`,
    )
    return new SettingsFile(path, {}, damaged)
  }

  /** What the file says, and the defaults for what it leaves open. */
  get engine(): EngineSettings {
    const known = Object.entries(this.#contents.engine ?? {}).filter(([key]) => key in ENGINE_DEFAULTS)
    return { ...ENGINE_DEFAULTS, ...(Object.fromEntries(known) as Partial<EngineSettings>) }
  }

  /**
   * Sets some of the engine's settings; resolves when they are on the disk.
   *
   * @throws {MatteboxError} SETTINGS_FILE: the old ones are still there
   */
  saveEngine(changes: Partial<EngineSettings>): Promise<void> {
    return this.#write((before) => ({ ...before, engine: { ...before.engine, ...changes } }))
  }

  /** What the panel keeps in the file. */
  get kept(): Kept {
    return this.#kept
  }

  /**
   * Changes one of the sections that the panel keeps; resolves when it is on the disk.
   *
   * @param change - gets the section as it is in the file now; what it throws is passed on, and nothing has changed
   * @throws {MatteboxError} SETTINGS_FILE: the old one is still there
   */
  changeKept<S extends Section>(section: S, change: (before: Kept[S][number][]) => Kept[S][number][]): Promise<void> {
    return this.#write((before) => ({
      ...before,
      // What a newer version says of an item stays in those that are not touched.
      [section]: change((before[section] ?? []) as Kept[S][number][]),
    }))
  }

  #write(change: (before: Contents) => Contents): Promise<void> {
    const written = this.#writing.then(async () => {
      // Others may have written since: their keys are theirs.
      const found = await read(this.path)
      const contents = { ...change(found instanceof Error ? this.#contents : found), version: 1 }
      if (found instanceof Error) await putAside(this.path)
      await replaceFile(this.path, `${JSON.stringify(contents, null, 2)}\n`).catch((error: unknown) => {
        throw unusable(this.path, error)
      })
      this.#contents = contents
      this.#kept = readKept(contents)
    })
    this.#writing = written.catch(() => undefined)
    return written
  }
}

/** The file's contents, checked; or what is wrong with them. */
async function read(path: string): Promise<Contents | Error> {
  let text: string
  try {
    const found = await stat(path)
    if (!found.isFile()) return new Error('It is no file.')
    if (found.size > SIZE_MAX) return new Error('It is too large.')
    text = await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {}
    throw unusable(path, error)
  }
  try {
    return checked(JSON.parse(text))
  } catch (error) {
    if (error instanceof SyntaxError) return new Error('It is not JSON.')
    return error as Error
  }
}

function checked(contents: unknown): Contents {
  if (!isObject(contents)) throw new Error('It holds no object.')
  const { version, engine = {} } = contents
  if (version !== 1)
    throw new Error(`It is of version ${version === undefined ? 'none' : JSON.stringify(version)}, and 1 is known.`)
  if (!isObject(engine)) throw new Error('Its key engine holds no object.')
  // A newer version may know more settings: those are kept and not looked at.
  const known = Object.entries(engine).filter(([key]) => key in ENGINE_DEFAULTS)
  const checkedEngine = checkEngineSettings(Object.fromEntries(known))
  readKept(contents)
  return contents['engine'] === undefined ? contents : { ...contents, engine: { ...engine, ...checkedEngine } }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Moves the file to `settings.json.damaged-N`, N the first that is free. */
async function putAside(path: string): Promise<string> {
  for (let n = 1; ; n++) {
    const aside = `${path}.damaged-${n}`
    if (await lstat(aside).catch(() => undefined)) continue
    try {
      await rename(path, aside)
    } catch (error) {
      throw unusable(path, error)
    }
    return aside
  }
}

const MENDS: Readonly<Record<string, string>> = {
  ENOSPC: 'Free some space on the disk.',
  EROFS: 'Set XDG_CONFIG_HOME to a folder that can be written to.',
}

function unusable(path: string, error: unknown): MatteboxError {
  const { code = String(error) } = error as NodeJS.ErrnoException
  const mend = MENDS[code] ?? 'Give yourself permission to read and write it and its folder.'
  return new MatteboxError('SETTINGS_FILE', `${path} cannot be read or written (${code}).`, mend, { cause: error })
}
