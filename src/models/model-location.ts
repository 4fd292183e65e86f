import { readdir, stat } from 'node:fs/promises'
import { dirname, join, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { MatteboxError } from '../errors/index.ts'
import { dataFolder } from '../settings/data-home.ts'
import { OFFICIAL_RELEASE } from '../model/weights/official-release.ts'

const EXTENSION = '.safetensors'
export const packageRoot = dirname(dirname(dirname(fileURLToPath(import.meta.url))))

export interface ModelFolders {
  /** Where `models import` puts models. */
  readonly own: string
  /** Models that came with the package. */
  readonly shipped: string
}

/**
 * The folders of models: the user's after the XDG base directory specification, and the package's, which
 * MATTEBOX_SHIPPED_MODELS moves (for distributions that keep data elsewhere).
 */
export function modelFolders(env: NodeJS.ProcessEnv = process.env): ModelFolders {
  const shipped = env['MATTEBOX_SHIPPED_MODELS'] || join(packageRoot, 'models')
  return { own: join(dataFolder(env), 'models'), shipped }
}

/** Where files that are fetched arrive, beside the user's models, and where they are looked for before. */
export function downloadsFolder({ own }: ModelFolders = modelFolders()): string {
  return join(dirname(own), 'downloads')
}

export interface InstalledModel {
  readonly name: string
  readonly path: string
}

/** All installed models by name; one of the user's hides a shipped one of the same name. */
export async function installedModels(folders: ModelFolders = modelFolders()): Promise<InstalledModel[]> {
  const models = new Map<string, InstalledModel>()
  for (const folder of [folders.shipped, folders.own]) {
    for (const file of await filesIn(folder)) {
      if (!file.endsWith(EXTENSION) || file.startsWith('.')) continue
      const name = file.slice(0, -EXTENSION.length)
      models.set(name, { name, path: join(folder, file) })
    }
  }
  return Array.from(models.values()).sort((one, other) => (one.name < other.name ? -1 : 1))
}

async function filesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return []
    const mend = 'Give yourself read permission for the folder of models.'
    throw new MatteboxError('MODEL_UNREADABLE', `${folder} cannot be read (${code}).`, mend, { cause: error })
  }
}

/** The model that comes with the package. */
const SHIPPED_DEFAULT = 'mattebox-default'

/**
 * The model that serves where none is named: `default`, or the only one that is installed; the package's own where
 * nothing else is.
 */
export function defaultModel(models: readonly InstalledModel[]): InstalledModel | undefined {
  const named = models.find(({ name }) => name === 'default')
  if (named) return named
  // A model that the user chose to install goes before the one that was there.
  const chosen = models.filter(({ name }) => name !== SHIPPED_DEFAULT)
  const candidates = chosen.length > 0 ? chosen : models
  return candidates.length === 1 ? candidates[0] : undefined
}

/**
 * Path of the model file that the user means: a path if it has a separator, ends in `.safetensors` or `.onnx`, or such
 * a file exists; else the name of an installed model; nothing: the default model.
 *
 * @throws {MatteboxError} MODEL_UNKNOWN; where nothing was named: MODEL_NONE if none is installed, USAGE if several are
 */
export async function resolveModel(
  nameOrPath: string | undefined,
  folders: ModelFolders = modelFolders(),
): Promise<string> {
  if (nameOrPath !== undefined && (await isPath(nameOrPath))) return nameOrPath
  const models = await installedModels(folders)
  const names = models.map(({ name }) => name).join(', ')
  if (nameOrPath === undefined) {
    const model = defaultModel(models)
    if (model) return model.path
    if (models.length === 0) throw new MatteboxError('MODEL_NONE', 'No model is installed.', HOW_TO_GET_A_MODEL)
    const found = `Several models are installed (${names}) and none is called default.`
    const mend =
      'Choose one by its name (--model NAME, or on the panel’s page Engine), or make one the default: `mattebox models import FILE --name default`.'
    throw new MatteboxError('USAGE', found, mend)
  }
  const model = models.find(({ name }) => name === nameOrPath)
  if (model) return model.path
  if (models.length === 0) {
    throw new MatteboxError('MODEL_UNKNOWN', `No model is called ${nameOrPath}: none is installed.`, HOW_TO_GET_A_MODEL)
  }
  throw new MatteboxError(
    'MODEL_UNKNOWN',
    `No installed model is called ${nameOrPath}, and there is no such file.`,
    `Choose one of ${names}, or give the path of a model file.`,
  )
}

/** The ways to a model, for whoever has none. */
export const HOW_TO_GET_A_MODEL = [
  'There are three ways to get one:',
  `  1. \`mattebox models get ${OFFICIAL_RELEASE.name}\` fetches the official one.`,
  `  2. Without a network here: download ${OFFICIAL_RELEASE.address}`,
  `     (sha256 ${OFFICIAL_RELEASE.sha256}) elsewhere`,
  `     and run \`mattebox models import ${OFFICIAL_RELEASE.file}\`.`,
  '  3. Give the path of any safetensors or ONNX file with such weights: --model PATH.',
].join('\n')

/** Of a model's name: its file's ending is added to it. */
export const MODEL_NAME_PATTERN = '^(?!.*\\.safetensors$)[A-Za-z0-9][A-Za-z0-9._-]{0,63}$'

/** File that a model of this name is installed as. @throws {MatteboxError} USAGE if it is no good name */
export function ownModelPath(name: string, folders: ModelFolders = modelFolders()): string {
  if (!new RegExp(MODEL_NAME_PATTERN).test(name)) {
    throw new MatteboxError(
      'USAGE',
      `"${name}" cannot be the name of a model.`,
      'Give --name with up to 64 letters, digits, dots, hyphens or underscores, the first a letter or digit; leave out the ending .safetensors.',
    )
  }
  return join(folders.own, `${name}${EXTENSION}`)
}

async function isPath(text: string): Promise<boolean> {
  if (text.includes('/') || text.includes(sep) || /\.(safetensors|onnx)$/i.test(text)) return true
  const found = await stat(text).catch(() => undefined)
  return found?.isFile() ?? false
}
