import { existsSync } from 'node:fs'
import { invocation, localizeCommands } from './invocation.ts'
import { defaultModel, HOW_TO_GET_A_MODEL, installedModels } from '../models/model-location.ts'

const COMMANDS = [
  ['start', 'serve the filters in OBS and open the panel, until Ctrl-C'],
  ['matte clip.mp4 clip.webm', 'a video with a transparent background'],
  ['matte clip.mp4 out.mp4 --background blur', 'or before another one'],
  ['eval clip.mp4 truth.mkv', 'measure a matte against the true alpha'],
  ['models list', 'what models are here; get, remove, verify, import, export'],
  ['providers list', 'what can run the network; install or remove CUDA’s libraries'],
  ['obs install', 'put the filter into OBS Studio; uninstall, status'],
  ['token', 'the secret for scripts that use the panel’s API'],
  ['service install', 'keep the sidecar running; uninstall, status'],
  ['doctor', 'what this machine can do, and what is missing'],
  ['bench', 'how fast the network runs here'],
  ['--help', 'every command; each has a --help of its own'],
] as const
const DEMO = 'demo/astronaut.webm'

/** What the product can do, and how to get a model where there is none: shown when no command is named. */
export async function overview(): Promise<string> {
  const how = invocation()
  const models = await installedModels()
  const model = defaultModel(models)
  const state = model
    ? `The model in use is ${model.name}.${existsSync(DEMO) ? ` Try it: \`mattebox matte ${DEMO} astronaut.webm\`` : ''}`
    : models.length > 0
      ? `Models: ${models.map(({ name }) => name).join(', ')}. Choose one with --model NAME.`
      : `There is no model yet. ${HOW_TO_GET_A_MODEL}`
  const lines = COMMANDS.map(([command, what]) => `  ${how} ${command.padEnd(42)}${what}`)
  const head = 'mattebox takes the person out of a picture, on your own machine.'
  return [head, '', ...lines, '', localizeCommands(state, how).replaceAll('`', ''), ''].join('\n')
}
