import { createReadStream } from 'node:fs'
import { rm, stat } from 'node:fs/promises'
import { download, type DownloadOptions } from '../download/index.ts'
import { MatteboxError } from '../errors/index.ts'
import { loadWeights } from '../model/weights/index.ts'
import { isPublic, type Catalog, type PublicModel } from './catalog.ts'
import { downloadsFolder, modelFolders, ownModelPath, type ModelFolders } from './model-location.ts'
import { ModelStore, type StoredModel } from './model-store.ts'

/**
 * The model of that name that can be fetched.
 *
 * @throws {MatteboxError} MODEL_UNKNOWN, MODEL_SHIPPED
 */
export function findPublicModel(name: string, { models }: Catalog): PublicModel {
  const model = models.find((one) => one.name === name)
  if (model && isPublic(model)) return model
  const known = models.filter(isPublic).map((one) => one.name)
  const mend = known.length === 0 ? 'The catalog has none to fetch.' : `There are: ${known.join(', ')}.`
  if (model) throw new MatteboxError('MODEL_SHIPPED', `The model ${name} comes with mattebox: it is not fetched.`, mend)
  throw new MatteboxError('MODEL_UNKNOWN', `No model that could be fetched is called ${name}.`, mend)
}

export interface GetModelOptions extends Omit<DownloadOptions, 'folder' | 'again'> {
  /** Takes the place of another model of that name. */
  readonly replace?: boolean
  /** Where it is installed; default: a store of the user's folders. */
  readonly store?: ModelStore
}

/** Whether a model is installed under that name, and whether it was made from the very file that the catalog names. */
export async function installedFrom(
  { name, sha256 }: PublicModel,
  folders: ModelFolders = modelFolders(),
): Promise<'no' | 'this' | 'another'> {
  const path = ownModelPath(name, folders)
  if (!(await stat(path).catch(() => undefined))) return 'no'
  const found = await loadWeights(path).catch(() => undefined)
  return found?.info.sourceSha256 === sha256 ? 'this' : 'another'
}

/**
 * Fetches a model of the catalog, checks it whole and installs it; what was fetched is not kept.
 *
 * @throws {MatteboxError} those of `download` and of {@link ModelStore.install}
 */
export async function getModel(model: PublicModel, options: GetModelOptions = {}): Promise<StoredModel> {
  const { replace = false, store = new ModelStore(), ...rest } = options
  const { name, licence, address } = model
  if (!replace && (await installedFrom(model, store.folders)) !== 'no') {
    const message = `A model is called ${name} already.`
    throw new MatteboxError('OUTPUT_EXISTS', message, 'Add --force to replace it, or remove it first.')
  }
  const again = `mattebox models get ${name}`
  const path = await download(model, { ...rest, folder: downloadsFolder(store.folders), again })
  const installed = await store.install(name, createReadStream(path), { replace, origin: { licence, source: address } })
  await rm(path, { force: true })
  return installed
}
