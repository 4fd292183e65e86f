import { localizeCommands } from './invocation.ts'
import { defaultModel, HOW_TO_GET_A_MODEL, installedModels } from './model-location.ts'

const WHAT_IT_DOES = `mattebox takes the person out of a picture, on your own machine.

  \`mattebox matte clip.mp4 clip.webm\`            a video with a transparent background
  \`mattebox matte clip.mp4 out.mp4 --background blur\`   … or before another one
  \`mattebox eval clip.mp4 truth.mkv\`             measure a matte against the true alpha
  \`mattebox models list\`                         what models are here; verify, import, export
  \`mattebox doctor\`                              what this machine can do, and what is missing
  \`mattebox bench\`                               how fast the network runs here
  \`mattebox --help\`                              every command; each has a --help of its own
`

/** What the product can do, and how to get a model where there is none: shown when no command is named. */
export async function overview(): Promise<string> {
  const models = await installedModels()
  const model = defaultModel(models)
  const state = model
    ? `The model in use is ${model.name}. Try it: \`mattebox matte demo/astronaut.webm astronaut.webm\``
    : models.length > 0
      ? `Models: ${models.map(({ name }) => name).join(', ')}. Choose one with --model NAME.`
      : `There is no model yet. ${HOW_TO_GET_A_MODEL}`
  return `${localizeCommands(WHAT_IT_DOES).replaceAll('`', '')}\n${localizeCommands(state).replaceAll('`', '')}\n`
}
