import { MatteboxError } from '../errors/index.ts'
import { readCatalog } from '../models/catalog.ts'
import { installedFrom } from '../models/get-model.ts'
import { ModelStore } from '../models/model-store.ts'
import { requireConsent } from './consent.ts'
import { localizeCommands } from './invocation.ts'
import { modelsInUse } from './running-models.ts'

/** `mattebox models remove`: at once where the model can be fetched again, else after a question. */
export async function removeNamedModel(name: string, { yes, json }: { yes?: true; json?: true }): Promise<void> {
  const store = new ModelStore()
  const model = await store.find(name)
  if ((await modelsInUse()).includes(name)) {
    const mend = 'Choose another one on the panel’s page Engine first, or end `mattebox start`.'
    throw new MatteboxError('MODEL_IN_USE', `\`mattebox start\` uses the model ${name}.`, mend)
  }
  const undo = (await canBeFetched(name)) ? `mattebox models get ${name}` : undefined
  if (model.isOwn && undo === undefined) {
    await requireConsent({
      yes: yes ?? false,
      question: `Delete ${model.path}? mattebox cannot bring it back.`,
      otherwise: 'Nothing was removed.',
    })
  }
  await store.remove(name)
  const text = `Removed ${name}.${undo === undefined ? '' : ` \`${undo}\` brings it back.`}`
  process.stdout.write(
    json ? `${JSON.stringify({ name, path: model.path, undo: undo ?? null })}\n` : `${localizeCommands(text)}\n`,
  )
}

/** Whether what is installed under the name is what the catalog has under it. */
async function canBeFetched(name: string): Promise<boolean> {
  // A damaged catalog is no reason to keep a model.
  const catalog = await readCatalog().catch(() => ({ models: [] }))
  const listed = catalog.models.find((one) => one.name === name)
  return listed?.address !== undefined && (await installedFrom({ ...listed, address: listed.address })) === 'this'
}
