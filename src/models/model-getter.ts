import { EventEmitter } from 'node:events'
import type { DownloadOptions } from '../download/index.ts'
import { MatteboxError, type Complaint } from '../errors/index.ts'
import { isPublic, readCatalog, type PublicModel } from './catalog.ts'
import { findPublicModel, getModel, installedFrom } from './get-model.ts'
import type { ModelStore } from './model-store.ts'

/** A model that is being fetched, or that could not be. */
export interface Fetching {
  readonly name: string
  readonly arrivedBytes: number
  readonly bytes: number
  /** Why it ended; null while it goes on. */
  readonly error: Complaint | null
}

/** How often those who look on hear of the progress. */
const TELL_MS = 250

/** Fetches models of the catalog in the background, one at a time. */
export class ModelGetter extends EventEmitter<{ change: [] }> {
  #fetching: Fetching | undefined
  #stopping: AbortController | undefined
  #done: Promise<void> = Promise.resolve()
  #fetchable: readonly PublicModel[] = []

  constructor(
    private readonly store: ModelStore,
    private readonly options: Pick<DownloadOptions, 'stallMs' | 'pauseMs'> = {},
  ) {
    super()
  }

  /** The one that is being fetched; after a failure that one, until it is forgotten. */
  get fetching(): Fetching | undefined {
    return this.#fetching
  }

  /** What the catalog had when it was last looked at. */
  get fetchable(): readonly PublicModel[] {
    return this.#fetchable
  }

  /** Reads the catalog; a damaged one has nothing, and whoever asks for a model hears why. */
  async look(): Promise<void> {
    const catalog = await readCatalog().catch(() => undefined)
    this.#fetchable = catalog?.models.filter(isPublic) ?? []
    this.emit('change')
  }

  /**
   * Begins; what becomes of it is seen in `fetching`.
   *
   * @throws {MatteboxError} MODEL_UNKNOWN, MODEL_SHIPPED, OUTPUT_EXISTS, DOWNLOAD_BUSY, CATALOG_DAMAGED
   */
  async begin(name: string): Promise<void> {
    const model = findPublicModel(name, await readCatalog())
    if ((await installedFrom(model, this.store.folders)) !== 'no') {
      throw new MatteboxError('OUTPUT_EXISTS', `A model is called ${name} already.`, 'Delete it first.')
    }
    if (this.#stopping) {
      const message = `The model ${this.#fetching!.name} is being fetched.`
      throw new MatteboxError('DOWNLOAD_BUSY', message, 'Wait for it, or stop it.')
    }
    this.#stopping = new AbortController()
    this.#done = this.#fetch(model, this.#stopping.signal)
  }

  /**
   * Ends what is being fetched, or forgets why it could not be; what has arrived is kept.
   *
   * @param name - only that one; default: whichever it is
   */
  async stop(name = this.#fetching?.name): Promise<void> {
    if (name === undefined || this.#fetching?.name !== name) return
    this.#stopping?.abort()
    await this.#done
    this.#become(undefined)
  }

  async #fetch(model: PublicModel, signal: AbortSignal): Promise<void> {
    const { name, bytes } = model
    let arrivedBytes = 0
    const tell = (error: Complaint | null): void => this.#become({ name, bytes, arrivedBytes, error })
    tell(null)
    const telling = setInterval(() => {
      if (arrivedBytes !== this.#fetching?.arrivedBytes) tell(null)
    }, TELL_MS)
    const onProgress = (arrived: number): void => {
      arrivedBytes = arrived
    }
    try {
      await getModel(model, { ...this.options, store: this.store, signal, onProgress })
      this.#become(undefined)
    } catch (error) {
      tell(complaint(error))
    } finally {
      clearInterval(telling)
      this.#stopping = undefined
    }
  }

  #become(fetching: Fetching | undefined): void {
    this.#fetching = fetching
    this.emit('change')
  }
}

function complaint(error: unknown): Complaint {
  if (error instanceof MatteboxError) return error.toJSON()
  // A fault of ours: it must not end the sidecar, and has to be seen all the same.
  const message = error instanceof Error ? error.message : String(error)
  return { code: 'PANEL_FAULT', message, mend: 'Please report it.' }
}
