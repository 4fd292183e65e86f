import { execFileSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { MatteboxError } from '../../../src/errors/index.ts'
import { loadWeights } from '../../../src/model/weights/index.ts'
import { describeWithSharedData } from '../../shared-data.ts'
import { randomWeights } from '../random-weights.ts'
import { differences, halfExact, safetensorsFile } from './weights-for-files.ts'

let folder: string
beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'mattebox-weights-'))))
afterAll(() => rmSync(folder, { recursive: true }))

const write = (name: string, bytes: string | Uint8Array): string => {
  const path = join(folder, name)
  writeFileSync(path, bytes)
  return path
}

async function fault(path: string): Promise<MatteboxError> {
  try {
    await loadWeights(path)
  } catch (error) {
    if (error instanceof MatteboxError) return error
    throw error
  }
  throw new Error(`${path} was loaded`)
}

describe('loading a model file', () => {
  it('recognises it by what it holds, whatever it is called', async () => {
    const weights = halfExact(randomWeights(31))
    const path = write('network.jpg', safetensorsFile(weights, { dtype: 'F16' }))
    const loaded = await loadWeights(path)
    expect(differences(loaded.weights, weights)).toEqual([])
    expect(loaded.info.format).toBe('safetensors')
  })

  it.each([
    ['nothing', new Uint8Array(0), 'is empty', ''],
    ['a checkpoint of PyTorch', Buffer.from('PK\x03\x04data.pkl'), 'zip archive, as PyTorch checkpoints', 'save_file'],
    ['an old checkpoint of PyTorch', Buffer.from([0x80, 2, 0x8a, 10]), 'a Python pickle', 'save_file'],
    ['a JPEG', Buffer.from([0xff, 0xd8, 0xff, 0xe0, 0, 16]), 'is a picture', 'safetensors or ONNX'],
    ['a PNG', Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), 'is a picture', ''],
    ['an MP4', Buffer.from('\0\0\0\x20ftypisom'), 'is a video', ''],
    ['a page that a download gave', Buffer.from('<!DOCTYPE html><html>'), 'a page of HTML', 'download'],
    ['a Git LFS pointer', Buffer.from('version https://git-lfs.github.com/spec/v1\n'), 'Git LFS', 'git lfs pull'],
    ['text', Buffer.from('hello there, this is no model at all'), 'neither safetensors nor ONNX', ''],
    ['zeros', new Uint8Array(5000), 'neither safetensors nor ONNX', ''],
    ['a truncated safetensors', safetensorsFile(randomWeights(32)).subarray(0, 3_000_000), 'is truncated', 'again'],
  ])('refuses %s, and says what it is', async (name, bytes, message, mend) => {
    const path = write(name.replaceAll(' ', '-'), bytes)
    const error = await fault(path)
    expect(error.code).toBe('MODEL_DAMAGED')
    expect(error.message).toContain(path)
    expect(error.message).toContain(message)
    expect(error.mend).toContain(mend)
  })

  it('tells a missing file, a folder, a pipe and a far too large file apart', async () => {
    expect(await fault(join(folder, 'absent.onnx'))).toMatchObject({ code: 'MODEL_UNKNOWN' })
    expect((await fault(folder)).message).toContain('is a folder')
    const pipe = join(folder, 'pipe')
    execFileSync('mkfifo', [pipe])
    expect((await fault(pipe)).message).toContain('is not a regular file')
    const large = write('large.onnx', '')
    truncateSync(large, 65 << 20)
    expect(await fault(large)).toMatchObject({ code: 'MODEL_UNREADABLE' })
  })

  // Root may read everything.
  it.skipIf(process.getuid?.() === 0)('says so where it may not read', async () => {
    const path = write('secret.onnx', 'x')
    chmodSync(path, 0)
    expect((await fault(path)).message).toContain('no permission')
  })
})

describeWithSharedData('the stand-in weights', (shared) => {
  it.each(['rvm-standin.safetensors', 'rvm-standin.onnx'])('load from %s', async (file) => {
    const { weights } = await loadWeights(join(shared, 'weights', file))
    expect(weights.size).toBe(162)
    // Trained along with the rest: not the 1/9 of a plain box.
    expect(
      weights
        .get('refiner.box_filter.weight')!
        .data.slice(0, 9)
        .reduce((sum, v) => sum + v),
    ).toBeCloseTo(0.97, 2)
  })
})
