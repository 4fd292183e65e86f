import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { encodeModelFile, loadWeights } from '../../src/model/weights/index.ts'
import { ModelStore } from '../../src/models/model-store.ts'
import { MODEL_BYTES_MAX } from '../../src/settings/model-limits.ts'
import type { ModelFolders } from '../../src/models/model-location.ts'
import { randomWeights } from '../model/random-weights.ts'

/**
 * Seen red: with the upload written to its final name, "the model before stays" finds half of one there; with `rm` left
 * out of `finally`, "nothing of it is left" finds it.
 */

const weights = randomWeights(1)
const model = encodeModelFile(weights, 'fp16', { licence: 'MIT', source: 'chance', sourceSha256: '0'.repeat(64) })
let root: string
let folders: ModelFolders
let store: ModelStore
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'mattebox-store-'))
  folders = { own: join(root, 'own'), shipped: join(root, 'shipped') }
  mkdirSync(folders.shipped)
  store = new ModelStore(folders)
})
afterEach(() => {
  store.stop()
  rmSync(root, { recursive: true })
})

async function* pieces(bytes: Uint8Array, size = 100_000): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield await Promise.resolve(bytes.subarray(at, at + size))
}
const own = () => (existsSync(folders.own) ? readdirSync(folders.own) : [])

describe('the store of models', () => {
  it('lists what is installed, with what the files say of themselves', async () => {
    writeFileSync(join(folders.shipped, 'shipped.safetensors'), model)
    mkdirSync(folders.own)
    writeFileSync(join(folders.own, 'broken.safetensors'), 'no model')
    await store.start()
    expect(store.models).toMatchObject([
      { name: 'broken', licence: null, variant: null, isOwn: true, bytes: 8 },
      { name: 'shipped', licence: 'MIT', variant: 'mobilenetv3', isOwn: false, bytes: model.length },
    ])
  })

  it('installs a model whole, and says that it changed', async () => {
    let changes = 0
    store.on('change', () => changes++)
    const installed = await store.install('mine', pieces(model), { replace: false })
    expect(installed).toMatchObject({ name: 'mine', licence: 'MIT', isOwn: true })
    expect(changes).toBe(1)
    expect((await loadWeights(join(folders.own, 'mine.safetensors'))).weights.size).toBe(weights.size)
    expect(own()).toEqual(['mine.safetensors'])
  })

  it('replaces one of that name only if told to', async () => {
    await store.install('mine', pieces(model), { replace: false })
    const again = store.install('mine', pieces(model), { replace: false })
    await expect(again).rejects.toMatchObject({ code: 'OUTPUT_EXISTS' })
    await store.install('mine', pieces(model), { replace: true })
    expect(own()).toEqual(['mine.safetensors'])
  })

  it.each([
    ['half a model', () => pieces(model.subarray(0, model.length / 2)), 'MODEL_DAMAGED'],
    [
      'one byte changed',
      () => pieces(model.map((byte, at) => (at === model.length - 5 ? byte ^ 1 : byte))),
      'MODEL_DAMAGED',
    ],
    ['nothing', () => pieces(new Uint8Array()), 'MODEL_DAMAGED'],
    ['a text', () => pieces(Buffer.from('hello')), 'MODEL_DAMAGED'],
    ['too much', () => pieces(new Uint8Array(MODEL_BYTES_MAX + 1), 1 << 20), 'REQUEST_LARGE'],
    [
      'an upload that breaks off',
      async function* () {
        yield* pieces(model.subarray(0, 300_000))
        throw new Error('aborted')
      },
      undefined,
    ],
  ])('refuses %s: the model before stays, and nothing of it is left', async (_, body, code) => {
    await store.install('mine', pieces(model), { replace: false })
    const refused = store.install('mine', body(), { replace: true })
    await (code === undefined
      ? expect(refused).rejects.toThrow('aborted')
      : expect(refused).rejects.toMatchObject({ code }))
    expect(readFileSync(join(folders.own, 'mine.safetensors')).equals(model)).toBe(true)
    expect(own()).toEqual(['mine.safetensors'])
    if (code?.startsWith('MODEL')) {
      // The user knows it by its name, not by ours.
      await expect(store.install('mine', body(), { replace: true })).rejects.toThrow(/^mine /)
    }
  })

  it.each(['../x', 'a/b', '', '.hidden', 'x'.repeat(65), 'a.safetensors'])('takes no name like %j', async (name) => {
    await expect(store.install(name, pieces(model), { replace: true })).rejects.toMatchObject({ code: 'USAGE' })
    expect(own()).toEqual([])
  })

  it('removes the user’s models, and those only', async () => {
    writeFileSync(join(folders.shipped, 'shipped.safetensors'), model)
    await store.install('mine', pieces(model), { replace: false })
    await store.remove('mine')
    expect(own()).toEqual([])
    await expect(store.remove('shipped')).rejects.toMatchObject({ code: 'MODEL_SHIPPED' })
    await expect(store.remove('mine')).rejects.toMatchObject({ code: 'MODEL_UNKNOWN', mend: 'Installed are: shipped.' })
  })

  it('clears up after uploads whose process was killed, and after no others', async () => {
    mkdirSync(folders.own)
    const dead = execFileSync(process.execPath, ['-p', 'process.pid']).toString().trim()
    writeFileSync(join(folders.own, `.a.x.${dead}.upload`), 'half')
    writeFileSync(join(folders.own, `.b.x.${process.pid}.upload`), 'half')
    await store.start()
    expect(own()).toEqual([`.b.x.${process.pid}.upload`])
  })
})
