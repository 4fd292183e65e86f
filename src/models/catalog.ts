import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Type, type Static } from 'typebox'
import { Check, Errors } from 'typebox/schema'
import type { PublicFile } from '../download/index.ts'
import { MatteboxError } from '../errors/index.ts'
import { MODEL_BYTES_MAX } from '../settings/model-limits.ts'
import { MODEL_NAME_PATTERN, packageRoot } from './model-location.ts'

/** A name that stays in its folder. */
const fileName = Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9._+-]{0,199}$' })
const sha256 = Type.String({ pattern: '^[0-9a-f]{64}$' })
const address = Type.String({ pattern: '^https?://[^/\\s]+/\\S*$' })
const text = Type.String({ minLength: 1, maxLength: 200 })

const CatalogModel = Type.Object(
  {
    name: Type.String({ pattern: MODEL_NAME_PATTERN }),
    file: fileName,
    bytes: Type.Integer({ minimum: 1, maximum: MODEL_BYTES_MAX }),
    sha256,
    precision: Type.Union([Type.Literal('fp16'), Type.Literal('fp32')]),
    licence: text,
    card: Type.Optional(fileName),
    address: Type.Optional(address),
  },
  { additionalProperties: false },
)
const memberPath = Type.String({ pattern: '^(?!.*\\.\\.)[A-Za-z0-9][A-Za-z0-9._+/-]{0,199}$' })
const CatalogLibrary = Type.Object(
  {
    file: fileName,
    address,
    bytes: Type.Integer({ minimum: 1 }),
    sha256,
    licence: text,
    licenceAddress: address,
    /** What is taken out of the archive: `runtime/` goes beside the runtime, `lib/` where the loader looks. */
    members: Type.Array(
      Type.Object(
        { from: memberPath, to: memberPath, bytes: Type.Integer({ minimum: 1 }) },
        { additionalProperties: false },
      ),
      { minItems: 1 },
    ),
  },
  { additionalProperties: false },
)
const CatalogProvider = Type.Object(
  {
    name: Type.Literal('cuda'),
    /** Version of onnxruntime that the provider's library is of. */
    runtime: Type.String({ pattern: '^\\d+\\.\\d+\\.\\d+$' }),
    files: Type.Array(CatalogLibrary, { minItems: 1 }),
  },
  { additionalProperties: false },
)
const Catalog = Type.Object(
  {
    models: Type.Array(CatalogModel, { maxItems: 100 }),
    providers: Type.Optional(Type.Array(CatalogProvider, { maxItems: 1 })),
  },
  { additionalProperties: false },
)

/** What mattebox brings along or knows where to fetch. */
export type Catalog = Static<typeof Catalog>
export type CatalogModel = Static<typeof CatalogModel>
export type CatalogProvider = Static<typeof CatalogProvider>
export type CatalogLibrary = Static<typeof CatalogLibrary>
/** One that is fetched. */
export type PublicModel = CatalogModel & PublicFile

/** The one file with the addresses of all that mattebox fetches; MATTEBOX_CATALOG moves it (for mirrors). */
export function catalogPath(env: NodeJS.ProcessEnv = process.env): string {
  return env['MATTEBOX_CATALOG'] || join(packageRoot, 'models', 'catalog.json')
}

/** Reads the catalog. @throws {MatteboxError} CATALOG_DAMAGED */
export async function readCatalog(path: string = catalogPath()): Promise<Catalog> {
  const found = await readFile(path, 'utf8').catch((error: unknown) => {
    throw damaged(path, `cannot be read (${(error as NodeJS.ErrnoException).code})`)
  })
  return parseCatalog(found, path)
}

/** @param path - stands in the messages; @throws {MatteboxError} CATALOG_DAMAGED */
export function parseCatalog(json: string, path: string): Catalog {
  let found: unknown
  try {
    found = JSON.parse(json)
  } catch {
    throw damaged(path, 'is not JSON')
  }
  if (!Check(Catalog, found)) {
    const [, [{ instancePath, message }]] = Errors(Catalog, found)
    throw damaged(path, `is wrong at ${instancePath === '' ? 'its root' : instancePath}: it ${message}`)
  }
  const twice = found.models.find(({ name }, i) => found.models.findIndex((other) => other.name === name) !== i)
  if (twice) throw damaged(path, `lists the model ${twice.name} twice`)
  return found
}

export function isPublic(model: CatalogModel): model is PublicModel {
  return model.address !== undefined
}

function damaged(path: string, fault: string): MatteboxError {
  const mend = 'Install mattebox again; where MATTEBOX_CATALOG names it, mend it.'
  return new MatteboxError('CATALOG_DAMAGED', `The catalog ${path} ${fault}.`, mend)
}
