import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { cudaEnvironment, cudaFolder, runtimeVersion } from '../../src/settings/cuda-folder.ts'

let home: string
beforeEach(() => (home = mkdtempSync(join(tmpdir(), 'mattebox-cuda-'))))
afterEach(() => rmSync(home, { recursive: true }))

// Red: put our folder first; leave the version out of its name.
describe.runIf(process.platform === 'linux' && process.arch === 'x64')('the environment of a process for CUDA', () => {
  it('is the usual one where nothing is installed, or only what belongs to another runtime', () => {
    const env = { XDG_DATA_HOME: home }
    mkdirSync(cudaFolder(env, '1.2.3'), { recursive: true })
    expect(cudaEnvironment(env)).toBe(env)
  })

  it('names the copy of the runtime, and its libraries behind those that the user names', () => {
    const env = { XDG_DATA_HOME: home, LD_LIBRARY_PATH: '/opt/cuda/lib64' }
    const folder = join(home, 'mattebox', 'providers', `cuda-${runtimeVersion()}`)
    mkdirSync(folder, { recursive: true })
    const made = cudaEnvironment(env)
    expect(made).toEqual({
      ...env,
      MATTEBOX_RUNTIME: folder,
      LD_LIBRARY_PATH: `/opt/cuda/lib64:${folder}/lib`,
    })
    // A child's child needs nothing more.
    expect(cudaEnvironment(made)).toBe(made)
    expect(cudaEnvironment({ XDG_DATA_HOME: home })['LD_LIBRARY_PATH']).toBe(`${folder}/lib`)
  })
})
