import { mkdir, stat } from 'node:fs/promises'
import { basename, dirname, extname, resolve } from 'node:path'
import { Option, type Command } from 'commander'
import { sizeText } from '../download/index.ts'
import { MatteboxError } from '../errors/index.ts'
import {
  encodeModelFile,
  loadWeights,
  printable,
  unwritable,
  writeWholeFile,
  type Precision,
  type Weights,
  type WeightsInfo,
} from '../model/weights/index.ts'
import { isPublic, readCatalog } from '../models/catalog.ts'
import { localizeCommands } from './invocation.ts'
import { getNamedModel } from './models-get.ts'
import { removeNamedModel } from './models-remove.ts'
import { modelsInUse } from './running-models.ts'
import {
  defaultModel,
  HOW_TO_GET_A_MODEL,
  installedModels,
  ownModelPath,
  resolveModel,
} from '../models/model-location.ts'

/** What an exported graph computes. */
export interface OnnxExportOptions {
  readonly precision: Precision
  readonly refiner: 'deep' | 'fast' | 'none'
  /** 2: coefficients of alpha; 8: of the foreground too. */
  readonly planes: 2 | 8
  /** Whether the segmentation's logits are an output as well. */
  readonly segmentation: boolean
}

export interface ModelsParts {
  /** Emits the network as ONNX with symbolic sizes. */
  readonly emitOnnx: (weights: Weights, options: OnnxExportOptions) => Uint8Array
}

/** The rule for the default model, where it finds none. */
const NO_DEFAULT = 'Several models are installed and none is called default: choose one with --model NAME.'

/** `mattebox models list | get | remove | verify | import | export`. */
export function registerModels(program: Command, { emitOnnx }: ModelsParts): void {
  const models = program
    .command('models')
    .description('Lists, fetches, checks, installs and exports the network’s weights.')
  const json = () => new Option('--json', 'print one JSON object')
  const force = () => new Option('--force', 'replace a file that is there')
  const precision = (otherwise: string) =>
    new Option('--precision <precision>', `how the numbers are stored (default: ${otherwise})`).choices([
      'fp16',
      'fp32',
    ])

  models
    .command('list')
    .description('Lists the models: installed, in use, and those that can be fetched.')
    .addOption(json())
    .action((options: { json?: true }) => list(options.json ?? false))

  models
    .command('get')
    .description('Fetches a model and installs it; goes on where an earlier call was stopped.')
    .argument('<name>', 'name of a model that `models list` shows as one to fetch')
    .option('-y, --yes', 'do not ask: the licence is accepted')
    .addOption(force())
    .addOption(json())
    .action(getNamedModel)

  models
    .command('remove')
    .description('Deletes a model that was installed.')
    .argument('<name>', 'name of an installed model')
    .option('-y, --yes', 'do not ask')
    .addOption(json())
    .action(removeNamedModel)

  models
    .command('verify')
    .description('Checks a model: its sha256, and that every tensor is there, well shaped and finite.')
    .argument('<model>', 'name of an installed model, or path of a model file')
    .addOption(json())
    .action((model: string, options: { json?: true }) => verify(model, options.json ?? false))

  models
    .command('import')
    .description('Installs a model from the official ONNX release or from safetensors.')
    .argument('<file>', 'model file')
    .option('--name <name>', 'name to install it under (default: the file’s)')
    .addOption(precision('as in the file'))
    .addOption(force())
    .addOption(json())
    .action(importModel)

  models
    .command('export')
    .description('Writes a model as safetensors, or the network with its weights as ONNX.')
    .argument('<model>', 'name of an installed model, or path of a model file')
    .argument('<output>', 'file to write: .safetensors or .onnx')
    .addOption(precision('as in the model; .onnx: fp32'))
    .addOption(new Option('--refiner <refiner>', '.onnx: refiner (default: deep)').choices(['deep', 'fast', 'none']))
    .addOption(new Option('--planes <planes>', '.onnx: coefficient planes (default: 8)').choices(['2', '8']))
    .option('--segmentation', '.onnx: also put out the segmentation’s logits')
    .addOption(force())
    .addOption(json())
    .action((model: string, output: string, options: ExportOptions) => exportModel(model, output, options, emitOnnx))
}

async function list(json: boolean): Promise<void> {
  const installed = await installedModels()
  const byDefault = defaultModel(installed)
  const used = await modelsInUse()
  const rows = []
  for (const { name, path } of installed) {
    const about = { name, path, default: name === byDefault?.name, inUse: used.includes(name) }
    try {
      rows.push({ ...about, bytes: (await stat(path)).size, ...summary((await loadWeights(path)).info) })
    } catch (error) {
      // One bad file must not hide the good ones.
      if (!(error instanceof MatteboxError)) throw error
      rows.push({ ...about, error: { ...error.toJSON(), mend: localizeCommands(error.mend) } })
    }
  }
  const { models } = await readCatalog()
  const available = models
    .filter(isPublic)
    .filter(({ name }) => !installed.some((model) => model.name === name))
    .map(({ name, bytes, precision, licence, address }) => ({ name, bytes, precision, licence, address }))
  if (json) return printJson({ models: rows, available })
  if (rows.length === 0) print(`No model is installed. ${localizeCommands(HOW_TO_GET_A_MODEL)}`)
  for (const row of rows) {
    const marks = [row.default && 'default', row.inUse && 'in use by `mattebox start`'].filter(Boolean).join(', ')
    print(`${row.name}${marks && ` (${localizeCommands(marks)})`}`)
    if ('error' in row) print(`  BROKEN: ${row.error.message}`)
    else print(`  ${row.precision}, ${sizeText(row.bytes)}, licence ${row.licence}\n  from ${row.source}`)
    print(`  ${row.path}`)
  }
  if (rows.length > 0 && !byDefault) print(NO_DEFAULT)
  if (available.length > 0) print('\nTo be fetched:')
  for (const { name, bytes, precision, licence } of available) {
    print(
      localizeCommands(
        `${name}\n  ${precision}, ${sizeText(bytes)}, licence ${licence}: \`mattebox models get ${name}\``,
      ),
    )
  }
}

async function verify(model: string, json: boolean): Promise<void> {
  const path = await resolveModel(model)
  const { weights, info } = await loadWeights(path)
  const numbers = Array.from(weights.values()).reduce((sum, { data }) => sum + data.length, 0)
  // What is not so ends in an error above.
  const found = { path, format: info.format, tensors: weights.size, numbers, finite: true, ...summary(info) }
  if (json) return printJson(found)
  const hash =
    info.tensorsSha256 === undefined
      ? 'The file carries no sha256 of ours: its structure was checked, its numbers could not be.'
      : `Every byte is as it was written: sha256 of the tensors ${info.tensorsSha256}.`
  print(`${path} is whole: ${weights.size} tensors, ${numbers} numbers, all finite, ${info.precision}.\n${hash}`)
}

interface ImportOptions {
  name?: string
  precision?: Precision
  force?: true
  json?: true
}

async function importModel(file: string, options: ImportOptions): Promise<void> {
  const name = options.name ?? basename(file, extname(file))
  const path = ownModelPath(name)
  const { weights, info } = await loadWeights(file)
  const precision = options.precision ?? info.precision
  const bytes = encodeModelFile(weights, precision, info)
  await mkdir(dirname(path), { recursive: true }).catch((error: unknown) => {
    throw unwritable(path, error as NodeJS.ErrnoException)
  })
  await writeWholeFile(path, bytes, { force: options.force ?? false })

  const byDefault = defaultModel(await installedModels())
  const isDefault = byDefault?.name === name
  const { licence, source, sourceSha256 } = info
  if (options.json) {
    return printJson({ name, path, default: isDefault, precision, bytes: bytes.length, licence, source, sourceSha256 })
  }
  print(`Installed ${name} (${precision}, ${sizeText(bytes.length)}) as ${path}`)
  print(`Licence: ${printable(licence)}${licence === 'unknown' ? ' (the file does not say: ask whoever made it)' : ''}`)
  if (isDefault) print('It is the default model.')
  else print(byDefault ? `Use it with --model ${name}.` : NO_DEFAULT)
}

interface ExportOptions {
  precision?: Precision
  refiner?: OnnxExportOptions['refiner']
  planes?: '2' | '8'
  segmentation?: true
  force?: true
  json?: true
}

async function exportModel(
  model: string,
  output: string,
  options: ExportOptions,
  emitOnnx: ModelsParts['emitOnnx'],
): Promise<void> {
  const kind = extname(output).toLowerCase()
  if (kind !== '.safetensors' && kind !== '.onnx') {
    throw usage(`${output} ends in neither .safetensors nor .onnx.`, 'Give the output one of these endings.')
  }
  const graphOnly = (['refiner', 'planes', 'segmentation'] as const).find((option) => options[option] !== undefined)
  if (kind === '.safetensors' && graphOnly) {
    throw usage(`--${graphOnly} says how a graph computes; safetensors hold weights only.`, 'Leave it out.')
  }
  const { weights, info } = await loadWeights(await resolveModel(model))
  const segmentation = options.segmentation ?? false
  if (segmentation && !info.segmentation) {
    throw usage(`${model} has no segmentation head (project_seg).`, 'Leave --segmentation out.')
  }
  const precision = options.precision ?? (kind === '.onnx' ? 'fp32' : info.precision)
  const bytes =
    kind === '.safetensors'
      ? encodeModelFile(weights, precision, info)
      : emitOnnx(weights, {
          precision,
          refiner: options.refiner ?? 'deep',
          planes: options.planes === '2' ? 2 : 8,
          segmentation,
        })
  await writeWholeFile(output, bytes, { force: options.force ?? false })
  if (options.json) printJson({ path: resolve(output), precision, bytes: bytes.length, licence: info.licence })
  else print(`Wrote ${output} (${precision}, ${sizeText(bytes.length)}, licence ${printable(info.licence)}).`)
}

function summary({ precision, licence, source, sourceSha256, tensorsSha256, segmentation }: WeightsInfo) {
  return {
    precision,
    licence: printable(licence),
    source: printable(source, 1000),
    sourceSha256,
    tensorsSha256: tensorsSha256 ?? null,
    segmentation,
  }
}

function usage(message: string, mend: string): MatteboxError {
  return new MatteboxError('USAGE', message, mend)
}

function print(text: string): void {
  process.stdout.write(`${text}\n`)
}

function printJson(value: unknown): void {
  print(JSON.stringify(value))
}
