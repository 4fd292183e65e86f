import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import type { Failure } from '../../../../src/api/index.ts'
import { encodeModelFile } from '../../../../src/model/weights/index.ts'
import { randomWeights } from '../../../model/random-weights.ts'
import { until } from '../../main/told.ts'
import { PanelStage } from '../panel-stage.ts'

/** Row 17 of the reliability table, its uploads. Seen red: with the count of bytes left out of the store. */

const model = Buffer.from(
  encodeModelFile(randomWeights(1), 'fp16', { licence: 'MIT', source: 'chance', sourceSha256: '0'.repeat(64) }),
)
const BYTES = { 'content-type': 'application/octet-stream' }
const failure = (json: unknown) => (json as Failure).error
const left = ({ models }: PanelStage) => (existsSync(models.folder) ? readdirSync(models.folder) : [])

describe('models through the API', () => {
  it('are installed from the bytes of a file, listed and removed', async () => {
    await using stage = await PanelStage.open()
    const { status, json } = await stage.ask('POST', '/api/models?name=mine', model, BYTES)
    const wanted = {
      name: 'mine',
      bytes: model.length,
      licence: 'MIT',
      variant: 'mobilenetv3',
      isOwn: true,
      inUse: false,
    }
    expect([status, json]).toEqual([200, wanted])
    expect((await stage.ask('GET', '/api/models')).json).toEqual([wanted])
    expect((await stage.ask('POST', '/api/models?name=mine', model, BYTES)).status).toBe(409)
    expect((await stage.ask('POST', '/api/models?name=mine&replace=true', model, BYTES)).status).toBe(200)
    expect((await stage.ask('DELETE', '/api/models/mine')).status).toBe(204)
    expect((await stage.ask('DELETE', '/api/models/mine')).status).toBe(404)
    expect(left(stage)).toEqual([])
  })

  it.each(['mine.safetensors', '.mine', 'my model'])('have no such name: %s', async (name) => {
    await using stage = await PanelStage.open()
    const { status, json } = await stage.ask('POST', `/api/models?name=${encodeURIComponent(name)}`, model, BYTES)
    expect([status, failure(json).field]).toEqual([400, '/name'])
  })

  it('that are damaged are refused, and nothing is left of them', async () => {
    await using stage = await PanelStage.open()
    const { status, json } = await stage.ask('POST', '/api/models?name=mine', model.subarray(0, 1e6), BYTES)
    expect([status, failure(json).code]).toEqual([422, 'MODEL_DAMAGED'])
    expect(left(stage)).toEqual([])
  })

  it('that say no length are counted, and refused past 64 MiB', async () => {
    await using stage = await PanelStage.open()
    let sent = 0
    const endless = Readable.from(
      (function* () {
        for (; sent < 66; sent++) yield Buffer.alloc(1 << 20, 7)
      })(),
    )
    const { status, json } = await stage.ask('POST', '/api/models?name=mine', endless, BYTES)
    expect([status, failure(json).code]).toEqual([413, 'REQUEST_LARGE'])
    expect(left(stage)).toEqual([])
  })

  it('whose upload breaks off leave nothing', async () => {
    await using stage = await PanelStage.open()
    const asked = request(`${stage.address}/api/models?name=mine`, {
      method: 'POST',
      agent: false,
      headers: { authorization: `Bearer ${stage.token}`, 'content-length': model.length, ...BYTES },
    })
    asked.on('error', () => undefined)
    asked.write(model.subarray(0, 500_000))
    await until(() => left(stage).length > 0, 'the upload')
    asked.destroy()
    await until(() => left(stage).length === 0, 'it to be cleared up')
    await sleep(50)
    expect(stage.models.models).toEqual([])
    expect(stage.logged.filter(({ level }) => level === 'error')).toEqual([])
  })

  it('that came with mattebox, or are in use, stay', async () => {
    await using stage = await PanelStage.open()
    await stage.ask('POST', '/api/models?name=default', model, BYTES)
    expect(stage.states.state.engine.models).toMatchObject([{ name: 'default', inUse: true }])
    const used = await stage.ask('DELETE', '/api/models/default')
    expect([used.status, failure(used.json).code]).toEqual([409, 'MODEL_IN_USE'])
    const before = statSync(join(stage.models.folder, 'default.safetensors')).ino
    const replaced = await stage.ask('POST', '/api/models?name=default&replace=true', model, BYTES)
    expect([replaced.status, failure(replaced.json).code]).toEqual([409, 'MODEL_IN_USE'])
    expect(statSync(join(stage.models.folder, 'default.safetensors')).ino).toBe(before)
    mkdirSync(join(stage.folder, 'shipped'))
    writeFileSync(join(stage.folder, 'shipped', 'ours.safetensors'), model)
    const shipped = await stage.ask('DELETE', '/api/models/ours')
    expect([shipped.status, failure(shipped.json).code]).toEqual([409, 'MODEL_SHIPPED'])
  })

  it('that are chosen stay while no engine runs', async () => {
    await using stage = await PanelStage.open({ always: { none: 'no provider' } })
    await stage.ask('POST', '/api/models?name=default', model, BYTES)
    expect(stage.states.state.engine).toMatchObject({ state: 'none', models: [{ name: 'default', inUse: true }] })
    expect((await stage.ask('DELETE', '/api/models/default')).status).toBe(409)
    await stage.ask('POST', '/api/models?name=other', model, BYTES)
    expect((await stage.ask('DELETE', '/api/models/other')).status).toBe(204)
  })
})
