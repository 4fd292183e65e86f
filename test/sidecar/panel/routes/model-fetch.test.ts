import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { toBinary } from '@bufbuild/protobuf'
import { ModelProtoSchema } from 'onnx-buf'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { Failure } from '../../../../src/api/index.ts'
import { breakingOff, FileServer, honest } from '../../../download/file-server.ts'
import { randomWeights } from '../../../model/random-weights.ts'
import { officialGraph } from '../../../model/weights/official-graph.ts'
import { PanelStage } from '../panel-stage.ts'

/*
 * From a server on this machine, which a catalog of the test's names. Red: let `begin` fetch a second one beside the first.
 */

const onnx = Buffer.from(toBinary(ModelProtoSchema, officialGraph(randomWeights(53))))
const NAME = 'rvm-mobilenetv3'
/** Of a busy machine. */
const PATIENCE = { timeout: 20_000 }
const FETCH = `/api/models/${NAME}/fetch`

afterEach(() => vi.unstubAllEnvs())

async function stageWith(server: FileServer, changes: object = {}): Promise<PanelStage> {
  const stage = await PanelStage.open()
  const model = { name: NAME, precision: 'fp32', licence: 'GPL-3.0', ...server.file('rvm.onnx'), ...changes }
  const path = join(stage.folder, 'catalog.json')
  writeFileSync(path, JSON.stringify({ models: [model, { ...model, name: 'other', file: 'other.onnx' }] }))
  vi.stubEnv('MATTEBOX_CATALOG', path)
  await stage.modelGetter.look()
  return stage
}
const engine = ({ states }: PanelStage) => states.state.engine
const downloads = ({ folder }: PanelStage): string[] => {
  const path = join(folder, 'downloads')
  return existsSync(path) ? readdirSync(path) : []
}

describe('a model that mattebox fetches', () => {
  it('is listed with its licence, begun, seen to arrive, and installed', async () => {
    using server = await FileServer.serving(onnx, honest())
    await using stage = await stageWith(server)
    const { json } = await stage.ask('GET', '/api/fetchable-models')
    const { file, bytes, sha256, address } = server.file('rvm.onnx')
    expect((json as unknown[])[0]).toEqual({ name: NAME, file, bytes, sha256, address, licence: 'GPL-3.0' })
    const seen: number[] = []
    stage.states.on('change', () => {
      const { fetching } = engine(stage)
      if (fetching) seen.push(fetching.arrivedBytes)
    })
    expect((await stage.ask('POST', FETCH)).status).toBe(204)
    await expect
      .poll(() => engine(stage).models, PATIENCE)
      .toMatchObject([{ name: NAME, licence: 'GPL-3.0', isOwn: true }])
    await expect.poll(() => engine(stage).fetching, PATIENCE).toBeNull()
    expect(seen[0]).toBe(0)
    expect(downloads(stage)).toEqual([])
    expect((await stage.ask('POST', FETCH)).status).toBe(409)
  })

  it('is stopped, keeps what has arrived, and goes on from there', async () => {
    using server = await FileServer.serving(onnx, breakingOff(3_000_000, 'stalls'), honest())
    await using stage = await stageWith(server)
    await stage.ask('POST', FETCH)
    await expect.poll(() => engine(stage).fetching?.arrivedBytes, PATIENCE).toBeGreaterThan(0)
    for (const path of [FETCH, '/api/models/other/fetch']) {
      const { status, json } = await stage.ask('POST', path)
      expect([status, (json as Failure).error.code]).toEqual([409, 'DOWNLOAD_BUSY'])
    }
    // Another one's stop stops it not.
    expect((await stage.ask('DELETE', '/api/models/other/fetch')).status).toBe(204)
    expect(engine(stage).fetching).toMatchObject({ name: NAME, error: null })
    expect((await stage.ask('DELETE', FETCH)).status).toBe(204)
    expect(engine(stage).fetching).toBeNull()
    expect(downloads(stage)).toEqual([expect.stringMatching(/^rvm\.onnx\.[0-9a-f]{12}\.part$/)])
    await stage.ask('POST', FETCH)
    await expect.poll(() => engine(stage).models, PATIENCE).toHaveLength(1)
    expect(server.asked.at(-1)?.range).toMatch(/^bytes=[1-9]\d+-$/)
  })

  it('that could not be fetched says why, and how to place it by hand, until that is forgotten', async () => {
    using server = await FileServer.serving(onnx, honest())
    await using stage = await stageWith(server, { sha256: '0'.repeat(64) })
    await stage.ask('POST', FETCH)
    await expect.poll(() => engine(stage).fetching?.error?.code, PATIENCE).toBe('DOWNLOAD_WRONG')
    const { mend } = engine(stage).fetching!.error!
    expect(mend).toContain(`put it into ${join(stage.folder, 'downloads')} as rvm.onnx`)
    expect(engine(stage).models).toEqual([])
    await stage.ask('DELETE', FETCH)
    expect(engine(stage).fetching).toBeNull()
  })

  it.each([
    ['nothing', 404, 'MODEL_UNKNOWN'],
    ['..', 404, 'REQUEST_UNKNOWN'],
    ['a.safetensors', 400, 'REQUEST_INVALID'],
  ])('is one of the catalog, and no other: %s', async (name, wanted, code) => {
    using server = await FileServer.serving(onnx, honest())
    await using stage = await stageWith(server)
    const { status, json } = await stage.ask('POST', `/api/models/${name}/fetch`)
    expect([status, (json as Failure).error.code]).toEqual([wanted, code])
    expect(server.asked).toEqual([])
  })
})
