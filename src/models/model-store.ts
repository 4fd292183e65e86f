import { randomUUID } from 'node:crypto'
import { EventEmitter } from 'node:events'
import { mkdir, open, readdir, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { isRunning } from '../settings/is-running.ts'
import { MatteboxError } from '../errors/index.ts'
import { encodeModelFile, loadWeights, unwritable, writeWholeFile, type Provenance } from '../model/weights/index.ts'
import { MODEL_BYTES_MAX } from '../settings/model-limits.ts'
import { installedModels, modelFolders, ownModelPath, type ModelFolders } from './model-location.ts'
import { modelLabel, type ModelLabel } from './model-label.ts'

export interface StoredModel extends ModelLabel {
  readonly name: string
  readonly path: string
  readonly bytes: number
  /** The user's own; the others came with the package and stay. */
  readonly isOwn: boolean
}

/** Somebody may install a model in a terminal meanwhile. */
const LOOK_MS = 5_000

/** The installed models, as they come and go; installs and removes the user's own. */
export class ModelStore extends EventEmitter<{ change: [] }> {
  #models: readonly StoredModel[] = []
  #looking: NodeJS.Timeout | undefined

  constructor(readonly folders: ModelFolders = modelFolders()) {
    super()
  }

  /** As of the last look; `start` looks first. */
  get models(): readonly StoredModel[] {
    return this.#models
  }

  /** Where a model file is to be placed by hand. */
  get folder(): string {
    return this.folders.own
  }

  /** Removes what killed uploads left, looks, and keeps looking until `stop`. */
  async start(): Promise<void> {
    await this.#removeLeftovers()
    await this.look()
    this.#looking = setInterval(() => void this.look(), LOOK_MS).unref()
  }

  stop(): void {
    clearInterval(this.#looking)
  }

  /** Looks what is there now; a folder that cannot be read holds nothing. */
  async look(): Promise<void> {
    const installed = await installedModels(this.folders).catch(() => [])
    const found = await Promise.all(installed.map(({ name, path }) => this.#describe(name, path)))
    const models = found.filter((model) => model !== undefined)
    if (isDeepStrictEqual(models, this.#models)) return
    this.#models = models
    this.emit('change')
  }

  /**
   * Installs a model from the bytes of a model file, as `mattebox models import` does: it is checked by being loaded, and
   * stands under its name whole or not at all.
   *
   * @param options.origin - licence and source that are known better than the file says
   * @throws {MatteboxError} USAGE (the name), OUTPUT_EXISTS, REQUEST_LARGE, MODEL_DAMAGED, MODEL_TENSORS, OUTPUT_UNWRITABLE
   */
  async install(
    name: string,
    bytes: AsyncIterable<Uint8Array>,
    options: { readonly replace: boolean; readonly origin?: Pick<Provenance, 'licence' | 'source'> },
  ): Promise<StoredModel> {
    const path = ownModelPath(name, this.folders)
    await mkdir(dirname(path), { recursive: true }).catch((error: unknown) => {
      throw unwritable(path, error as NodeJS.ErrnoException)
    })
    if (!options.replace && (await stat(path).catch(() => undefined))) throw exists(name)
    const upload = join(dirname(path), `.${name}.${randomUUID()}.${process.pid}.upload`)
    try {
      await stream(bytes, upload, path)
      const { weights, info } = await loadWeights(upload).catch((error: unknown) => {
        // The user knows the file by the name that he gave it.
        if (!(error instanceof MatteboxError)) throw error
        const message = error.message.replaceAll(upload, name)
        throw new MatteboxError(error.code, message, error.mend, { cause: error })
      })
      const file = encodeModelFile(weights, info.precision, { ...info, ...options.origin })
      await writeWholeFile(path, file, { force: options.replace })
    } finally {
      await rm(upload, { force: true })
    }
    await this.look()
    return this.#models.find((model) => model.path === path)!
  }

  /** The installed model of that name, as it is now. @throws {MatteboxError} MODEL_UNKNOWN */
  async find(name: string): Promise<StoredModel> {
    await this.look()
    const model = this.#models.find((one) => one.name === name)
    if (model) return model
    const known = this.#models.map((one) => one.name).join(', ')
    const mend = known === '' ? 'None is installed.' : `Installed are: ${known}.`
    throw new MatteboxError('MODEL_UNKNOWN', `No installed model is called ${name}.`, mend)
  }

  /** Removes a model that the user installed. @throws {MatteboxError} MODEL_UNKNOWN, MODEL_SHIPPED, OUTPUT_UNWRITABLE */
  async remove(name: string): Promise<void> {
    const model = await this.find(name)
    if (!model.isOwn) {
      const message = `The model ${name} came with mattebox, and is not removed.`
      throw new MatteboxError('MODEL_SHIPPED', message, 'Choose another one to be used instead.')
    }
    await rm(model.path).catch((error: unknown) => {
      throw unwritable(model.path, error as NodeJS.ErrnoException)
    })
    await this.look()
  }

  async #describe(name: string, path: string): Promise<StoredModel | undefined> {
    const found = await stat(path).catch(() => undefined)
    if (!found?.isFile()) return undefined
    return { name, path, bytes: found.size, isOwn: dirname(path) === this.folders.own, ...(await modelLabel(path)) }
  }

  async #removeLeftovers(): Promise<void> {
    for (const file of await readdir(this.folders.own).catch(() => [])) {
      const pid = /^\..*\.(\d+)\.upload$/.exec(file)?.[1]
      if (pid === undefined || isRunning(Number(pid))) continue
      await rm(join(this.folders.own, file), { force: true }).catch(() => undefined)
    }
  }
}

async function stream(bytes: AsyncIterable<Uint8Array>, upload: string, path: string): Promise<void> {
  const file = await open(upload, 'wx', 0o600).catch((error: unknown) => {
    throw unwritable(path, error as NodeJS.ErrnoException)
  })
  try {
    let taken = 0
    for await (const chunk of bytes) {
      taken += chunk.length
      if (taken > MODEL_BYTES_MAX) throw tooLarge()
      await file.write(chunk).catch((error: unknown) => {
        throw unwritable(path, error as NodeJS.ErrnoException)
      })
    }
  } finally {
    await file.close()
  }
}

function exists(name: string): MatteboxError {
  const message = `A model is called ${name} already.`
  return new MatteboxError('OUTPUT_EXISTS', message, 'Give another name, or say that it is to be replaced.')
}

function tooLarge(): MatteboxError {
  return new MatteboxError(
    'REQUEST_LARGE',
    `A model file has at most ${MODEL_BYTES_MAX / 1024 / 1024} MiB.`,
    'Give weights of Robust Video Matting with MobileNetV3.',
  )
}
