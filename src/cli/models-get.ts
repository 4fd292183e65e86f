import { sizeText } from '../download/index.ts'
import { printable } from '../model/weights/index.ts'
import { readCatalog } from '../models/catalog.ts'
import { findPublicModel, getModel, installedFrom } from '../models/get-model.ts'
import { defaultModel, installedModels, ownModelPath } from '../models/model-location.ts'
import { requireConsent } from './consent.ts'
import { downloadBar } from './download-bar.ts'
import { interruptible } from './interrupt.ts'

export interface GetOptions {
  yes?: true
  force?: true
  json?: true
}

/** `mattebox models get`: shows size and licence, asks, fetches, checks, installs. */
export async function getNamedModel(name: string, { yes, force, json }: GetOptions): Promise<void> {
  const print = (text: string): boolean => process.stdout.write(`${text}\n`)
  const model = findPublicModel(name, await readCatalog())
  if (!force && (await installedFrom(model)) === 'this') {
    const path = ownModelPath(name)
    if (json) print(JSON.stringify({ name, path, fetched: false, licence: model.licence }))
    else print(`${name} is installed already: ${path}`)
    return
  }
  process.stderr.write(`${name}: ${sizeText(model.bytes)}, licence ${printable(model.licence)}\n  ${model.address}\n`)
  await requireConsent({ yes: yes ?? false, question: 'Fetch and install it?', otherwise: 'Nothing was fetched.' })
  const bar = downloadBar(model.bytes)
  try {
    await interruptible((signal) =>
      getModel(model, { signal, replace: force ?? false, onProgress: (arrived) => bar.update(arrived) }),
    )
  } finally {
    bar.stop()
  }
  const isDefault = defaultModel(await installedModels())?.name === name
  const path = ownModelPath(name)
  if (json) print(JSON.stringify({ name, path, fetched: true, default: isDefault, licence: model.licence }))
  else {
    print(`Installed ${name} as ${path}`)
    print(`sha256 and structure were checked. Licence: ${printable(model.licence)}.`)
    print(isDefault ? 'It is the default model.' : `Use it with --model ${name}.`)
  }
}
