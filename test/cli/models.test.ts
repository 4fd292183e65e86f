import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { toBinary } from '@bufbuild/protobuf'
import { Command, CommanderError } from 'commander'
import { ModelProtoSchema } from 'onnx-buf'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { registerModels, type OnnxExportOptions } from '../../src/cli/models.ts'
import { parseWeights, type Weights } from '../../src/model/weights/index.ts'
import { officialGraph } from '../model/weights/official-graph.ts'
import { differences, halfExact, safetensorsFile, withoutSegmentation } from '../model/weights/weights-for-files.ts'
import { randomWeights } from '../model/random-weights.ts'

const weights = halfExact(withoutSegmentation(randomWeights(51)))

let folder: string
let emitted: { weights: Weights; options: OnnxExportOptions } | undefined
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mattebox-cli-'))
  vi.stubEnv('XDG_DATA_HOME', join(folder, 'data'))
  vi.stubEnv('MATTEBOX_SHIPPED_MODELS', join(folder, 'shipped'))
  emitted = undefined
})
afterEach(() => {
  vi.unstubAllEnvs()
  vi.restoreAllMocks()
  rmSync(folder, { recursive: true })
})

/** Runs one command line and answers what it printed. */
async function mattebox(...args: string[]): Promise<string> {
  const program = new Command('mattebox').exitOverride().configureOutput({ writeErr: () => undefined })
  registerModels(program, {
    emitOnnx: (given, options) => {
      emitted = { weights: given, options }
      return Uint8Array.of(8, 8)
    },
  })
  let printed = ''
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    printed += String(text)
    return true
  })
  try {
    await program.parseAsync(['node', 'mattebox', 'models', ...args])
  } finally {
    write.mockRestore()
  }
  return printed
}
const json = async (...args: string[]): Promise<unknown> => JSON.parse(await mattebox(...args, '--json'))

const file = (name: string, bytes: Uint8Array): string => {
  const path = join(folder, name)
  writeFileSync(path, bytes)
  return path
}
const stateDict = (name = 'net.safetensors') => file(name, safetensorsFile(weights, { metadata: { licence: 'MIT' } }))
const installedPath = (name: string) => join(folder, 'data', 'mattebox', 'models', `${name}.safetensors`)

describe('mattebox models import', () => {
  it('installs a file under its own name in our format, in the precision that it has', async () => {
    const answer = await json('import', stateDict())
    const path = installedPath('net')
    expect(answer).toMatchObject({ name: 'net', path, default: true, precision: 'fp32', licence: 'MIT' })
    const { weights: found, info } = parseWeights(readFileSync(path), path)
    expect(differences(found, weights)).toEqual([])
    expect(info).toMatchObject({ format: 'mattebox', source: 'net.safetensors', licence: 'MIT' })
  })

  it('installs the ONNX release, halved if asked to', async () => {
    const onnx = file('rvm.onnx', toBinary(ModelProtoSchema, officialGraph(weights)))
    await mattebox('import', onnx, '--name', 'default', '--precision', 'fp16')
    const { weights: found, info } = parseWeights(readFileSync(installedPath('default')), 'default')
    expect(differences(found, weights)).toEqual([])
    expect(info).toMatchObject({ precision: 'fp16', source: 'rvm.onnx', licence: 'unknown' })
  })

  it('keeps where a model came from when it is imported again', async () => {
    await mattebox('import', stateDict())
    const { sourceSha256 } = parseWeights(readFileSync(installedPath('net')), 'net').info
    await mattebox('import', installedPath('net'), '--name', 'copy')
    expect(parseWeights(readFileSync(installedPath('copy')), 'copy').info).toMatchObject({
      source: 'net.safetensors',
      sourceSha256,
    })
  })

  it('says whether it is the default model', async () => {
    expect(await mattebox('import', stateDict(), '--name', 'first')).toContain('It is the default model.')
    expect(await mattebox('import', stateDict(), '--name', 'second')).toContain('none is called default')
    expect(await mattebox('import', stateDict(), '--name', 'default')).toContain('It is the default model.')
    expect(await mattebox('import', stateDict(), '--name', 'third')).toContain('Use it with --model third.')
  })

  it('says the licence, and that of an unknown one nothing is known', async () => {
    expect(await mattebox('import', stateDict())).toContain('Licence: MIT')
    const silent = file('silent.safetensors', safetensorsFile(weights))
    expect(await mattebox('import', silent)).toContain('Licence: unknown (the file does not say')
  })

  it('replaces a model only with --force', async () => {
    await mattebox('import', stateDict())
    await expect(mattebox('import', stateDict())).rejects.toMatchObject({ code: 'OUTPUT_EXISTS', exitCode: 2 })
    await mattebox('import', stateDict(), '--force', '--precision', 'fp16')
    expect(parseWeights(readFileSync(installedPath('net')), 'net').info.precision).toBe('fp16')
  })

  it('leaves nothing behind when it fails', async () => {
    await expect(mattebox('import', file('bad.onnx', Buffer.from('nonsense')))).rejects.toMatchObject({
      code: 'MODEL_DAMAGED',
    })
    await mattebox('import', stateDict())
    await expect(mattebox('import', stateDict())).rejects.toThrow('exists already')
    expect(readdirSync(join(folder, 'data', 'mattebox', 'models'))).toEqual(['net.safetensors'])
  })

  it('asks for a name where the file’s is none', async () => {
    await expect(mattebox('import', stateDict('my net (1).safetensors'))).rejects.toMatchObject({
      code: 'USAGE',
      mend: /--name/,
    })
  })
})

describe('mattebox models list', () => {
  it('shows how to get a model where there is none', async () => {
    expect(await mattebox('list')).toContain('rvm_mobilenetv3_fp32.onnx')
    expect(await json('list')).toMatchObject({ models: [], available: [{ name: 'rvm-mobilenetv3' }] })
  })

  it('shows every model, which is the default, and which is broken', async () => {
    await mattebox('import', stateDict(), '--name', 'default')
    const path = installedPath('broken')
    writeFileSync(path, readFileSync(installedPath('default')).fill(0, 1_000_000, 1_000_100))
    const bytes = statSync(installedPath('default')).size
    expect(await json('list')).toMatchObject({
      models: [
        { name: 'broken', path, default: false, error: { code: 'MODEL_DAMAGED' } },
        { name: 'default', default: true, bytes, precision: 'fp32', licence: 'MIT', source: 'net.safetensors' },
      ],
    })
    const text = await mattebox('list')
    expect(text).toContain('default (default)')
    expect(text).toContain('BROKEN')
  })
})

describe('mattebox models verify', () => {
  it('recounts a model of ours against its sha256', async () => {
    await mattebox('import', stateDict())
    expect(await json('verify', 'net')).toMatchObject({
      path: installedPath('net'),
      format: 'mattebox',
      tensors: 162,
      numbers: 3_736_072,
      finite: true,
      tensorsSha256: /^[0-9a-f]{64}$/,
    })
    expect(await mattebox('verify', 'net')).toContain('Every byte is as it was written')
  })

  it('says of a foreign file that its numbers cannot be checked', async () => {
    expect(await mattebox('verify', stateDict())).toContain('carries no sha256 of ours')
    expect(await json('verify', stateDict())).toMatchObject({ format: 'safetensors', tensorsSha256: null })
  })

  it('ends with the fault where a byte changed', async () => {
    await mattebox('import', stateDict())
    const bytes = readFileSync(installedPath('net'))
    bytes[bytes.length - 5] ^= 4
    writeFileSync(installedPath('net'), bytes)
    await expect(mattebox('verify', 'net')).rejects.toMatchObject({ code: 'MODEL_DAMAGED', exitCode: 1 })
  })
})

describe('mattebox models export', () => {
  it('writes safetensors that are a model again', async () => {
    await mattebox('import', stateDict())
    const output = join(folder, 'out.safetensors')
    await mattebox('export', 'net', output, '--precision', 'fp16')
    const { weights: found, info } = parseWeights(readFileSync(output), output)
    expect(differences(found, weights)).toEqual([])
    expect(info).toMatchObject({ precision: 'fp16', licence: 'MIT' })
  })

  it('writes ONNX of the weights as asked for', async () => {
    const output = join(folder, 'out.onnx')
    await mattebox('export', stateDict(), output)
    expect(readFileSync(output)).toEqual(Buffer.of(8, 8))
    expect(emitted?.options).toEqual({ precision: 'fp32', refiner: 'deep', planes: 8, segmentation: false })
    expect(differences(emitted!.weights, weights)).toEqual([])
    await mattebox(
      'export',
      stateDict(),
      output,
      '--force',
      '--planes',
      '2',
      '--refiner',
      'fast',
      '--precision',
      'fp16',
    )
    expect(emitted?.options).toEqual({ precision: 'fp16', refiner: 'fast', planes: 2, segmentation: false })
  })

  it('refuses what does not go together, and names it', async () => {
    const out = (name: string) => join(folder, name)
    await expect(mattebox('export', stateDict(), out('out.bin'))).rejects.toMatchObject({ code: 'USAGE' })
    await expect(mattebox('export', stateDict(), out('a.safetensors'), '--planes', '2')).rejects.toThrow('--planes')
    await expect(mattebox('export', stateDict(), out('a.onnx'), '--segmentation')).rejects.toThrow('project_seg')
    await expect(mattebox('export', stateDict(), out('a.onnx'), '--planes', '3')).rejects.toThrow(CommanderError)
    await expect(mattebox('export', stateDict(), join(folder, 'no', 'a.onnx'))).rejects.toMatchObject({
      code: 'OUTPUT_UNWRITABLE',
      mend: /Create the folder/,
    })
    expect(readdirSync(folder)).toEqual(['net.safetensors'])
  })
})
