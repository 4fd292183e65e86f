import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { describeDiagnosis, examine, type Diagnosis, type DoctorParts } from '../../src/cli/doctor.ts'
import { MatteboxError } from '../../src/errors/index.ts'
import type { ObsDiagnosis, ObsReport } from '../../src/obs/index.ts'
import { encodeModelFile } from '../../src/model/weights/index.ts'
import { randomWeights } from '../model/random-weights.ts'
import { compiled } from '../sidecar/inference/compiled.ts'

const folder = mkdtempSync(join(tmpdir(), 'mattebox-doctor-'))
let command: ReturnType<typeof compiled>

beforeAll(() => {
  command = compiled('cli/doctor.ts', 'sidecar/inference/provider-probe-child.ts')
  const program = `
    import { Command } from 'commander'
    import { registerDoctor } from './doctor.js'
    const program = new Command('mattebox')
    registerDoctor(program)
    await program.parseAsync(process.argv)`
  writeFileSync(join(dirname(command.path), 'program.mjs'), program)
})
afterAll(() => {
  command.remove()
  rmSync(folder, { recursive: true })
})

/** The real command in a process of its own; the user's models lie under `data`. */
function doctor(data: string, options: string[], env: NodeJS.ProcessEnv = {}) {
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    [join(dirname(command.path), 'program.mjs'), 'doctor', ...options],
    { encoding: 'utf8', env: { ...process.env, XDG_DATA_HOME: data, ...env } },
  )
  return { stdout, stderr, status }
}

function installModel(data: string, name: string, bytes: Uint8Array): void {
  const models = join(data, 'mattebox', 'models')
  mkdirSync(models, { recursive: true })
  writeFileSync(join(models, `${name}.safetensors`), bytes)
}

function modelFile(): string {
  const path = join(folder, 'whole.safetensors')
  writeFileSync(path, wholeModel())
  return path
}

const wholeModel = () =>
  encodeModelFile(randomWeights(1), 'fp16', { licence: 'none', source: 'made up', sourceSha256: '0'.repeat(64) })

describe('mattebox doctor', () => {
  it('finds a machine ready that has a model, ffmpeg and a CPU, each tried', () => {
    const data = join(folder, 'ready')
    installModel(data, 'default', wholeModel())
    const { stdout, stderr, status } = doctor(data, ['--json'])
    expect(stderr).toBe('')
    const found = JSON.parse(stdout) as Diagnosis
    expect(found).toMatchObject({ ok: true, node: process.versions.node, onnxruntime: '1.30.0' })
    expect(found.providers.map(({ provider }) => provider)).toEqual(['cuda', 'webgpu', 'cpu'])
    expect(found.providers[2]).toMatchObject({ ok: true, ms: expect.any(Number) as number })
    for (const report of found.providers) {
      if (!report.ok) expect(report.reason.mend).not.toBe('')
    }
    expect(found.ffmpeg).toMatchObject({ ok: true, ffmpeg: { version: expect.any(String) as string } })
    expect(found.models).toEqual([expect.objectContaining({ name: 'default', default: true })])
    expect(found.obs).toMatchObject({
      ok: expect.any(Boolean) as boolean,
      socket: { path: expect.any(String) as string },
    })
    expect(status).toBe(0)
  })

  it('says how to get a model where there is none, with a command that works, and exits 1', () => {
    const { stdout, stderr, status } = doctor(join(folder, 'empty'), [])
    expect(stderr).toBe('')
    expect(stdout).toContain('✗ There is no model to use.')
    expect(stdout).toMatch(/run `\S.* models import /)
    expect(stdout).toMatch(/✓ CPU +\d+\.\d ms/)
    expect(stdout).toContain('Not ready')
    expect(status).toBe(1)
  })

  it('does not count a damaged model', () => {
    const data = join(folder, 'damaged')
    installModel(data, 'default', wholeModel().subarray(0, 1000))
    const { stdout, status } = doctor(data, ['--json'])
    const found = JSON.parse(stdout) as Diagnosis
    expect(found.models[0].error?.code).toMatch(/^MODEL_/)
    expect(found).toMatchObject({ ok: false, noModel: { code: 'MODEL_NONE' } })
    expect(status).toBe(1)
  })

  it('says what is wrong with ffmpeg', () => {
    const notFfmpeg = join(folder, 'ffmpeg')
    symlinkSync('/bin/false', notFfmpeg)
    const { stdout } = doctor(join(folder, 'ready'), ['--json'], { MATTEBOX_FFMPEG: notFfmpeg })
    expect(JSON.parse(stdout)).toMatchObject({ ok: false, ffmpeg: { ok: false, error: { code: 'FFMPEG_MISSING' } } })
  })
})

describe('the findings for people', () => {
  const native: ObsReport = {
    kind: 'native',
    title: 'OBS Studio',
    where: '/usr/bin/obs',
    version: '31.0.1',
    running: true,
    ok: true,
    plugin: { folder: '/plugins/mattebox', state: 'same', version: '0.1.0', wire: 1 },
    dock: 'file:///plugins/mattebox/dock.html',
  }
  const withFilter: ObsDiagnosis = { ok: true, found: [native], socket: { path: '/channel.sock', listening: true } }
  const healthy: DoctorParts = {
    checkProviders: () =>
      Promise.resolve([
        {
          provider: 'cuda',
          ok: false,
          reason: {
            code: 'PROVIDER_NOT_INSTALLED',
            message: 'The CUDA provider is not installed.',
            mend: 'Install it.',
          },
        },
        { provider: 'webgpu', ok: true, ms: 4.21, device: 'AMD' },
        { provider: 'cpu', ok: true, ms: 91.04 },
      ]),
    findFfmpeg: () =>
      Promise.resolve({
        ffmpeg: { path: '/usr/bin/ffmpeg', version: '7.1', origin: 'system' },
        ffprobe: { path: '/usr/bin/ffprobe', version: '7.1', origin: 'system' },
        passthrough: [],
        encoders: new Set(['ffv1', 'libvpx-vp9', 'png', 'libopus']),
        decoders: new Set(),
      }),
    installedModels: () => Promise.resolve([]),
    loadAddon: () => ({}),
    examineObs: () => Promise.resolve(withFilter),
  }

  it('are a line each, with the mend under what is wrong', async () => {
    const text = describeDiagnosis(await examine(healthy))
    expect(text).toContain('  ✗ CUDA   The CUDA provider is not installed.\n      Install it.\n')
    expect(text).toContain('  ✓ WebGPU 4.2 ms (AMD)\n  ✓ CPU    91.0 ms\n')
    expect(text).toContain('  ✓ ffmpeg 7.1 (system: /usr/bin/ffmpeg)\n')
    expect(text).toContain('  ✗ ffmpeg lacks the encoder libx264\n      For .mp4, install an ffmpeg that has it.\n')
  })

  it('say what the channel to OBS lacks; video files do without it', async () => {
    expect(describeDiagnosis(await examine(healthy))).toContain('  ✓ the channel to the filter (native addon)\n')
    const loadAddon = (): never => {
      throw new MatteboxError('CHANNEL_ADDON', 'It is not built.', 'Install a compiler.\nBuild it.')
    }
    const found = await examine({ ...healthy, loadAddon })
    expect(found.channel).toMatchObject({ ok: false, error: { code: 'CHANNEL_ADDON' } })
    expect(describeDiagnosis(found)).toContain('  ✗ It is not built.\n      Install a compiler.\n      Build it.\n')
  })

  it('say which OBS is here, which filter is in it, and whether the sidecar listens', async () => {
    const text = describeDiagnosis(await examine(healthy))
    expect(text).toContain('  ✓ OBS Studio 31.0.1 (/usr/bin/obs), running\n')
    expect(text).toContain('  ✓ the filter 0.1.0 (/plugins/mattebox)\n')
    expect(text).toContain('  ✓ the sidecar listens at /channel.sock\n')
  })

  it('say what OBS lacks, which does not make a machine unready: files are matted without', async () => {
    const error = { code: 'OBS_PLUGIN_NONE', message: 'No filter.', mend: 'Run `mattebox obs install`.' } as const
    const nobody = { code: 'CHANNEL_NOBODY', message: 'Nobody.', mend: 'Run `mattebox start`.' } as const
    const obs: ObsDiagnosis = {
      ok: false,
      found: [{ ...native, ok: false, error }],
      socket: { path: '/channel.sock', listening: false, error: nobody },
    }
    const parts = { ...healthy, installedModels: () => Promise.resolve([{ name: 'default', path: modelFile() }]) }
    const found = await examine({ ...parts, examineObs: () => Promise.resolve(obs) })
    expect(found).toMatchObject({ ok: true, obs: { ok: false, found: [{ error: { code: 'OBS_PLUGIN_NONE' } }] } })
    const text = describeDiagnosis(found)
    expect(text).toMatch(/ {2}✗ No filter\.\n {6}Run `\S.* obs install`\.\n {2}✗ Nobody\.\n {6}Run `\S.* start`\.\n/)
    const none = { ...obs, found: [], error: { code: 'OBS_NONE', message: 'No OBS.', mend: 'Install it.' } as const }
    const without = await examine({ ...parts, examineObs: () => Promise.resolve(none) })
    expect(describeDiagnosis(without)).toContain('  ✗ No OBS.\n      Install it.\n')
    expect(without.ok).toBe(true)
  })

  it('do not find a machine ready whose CPU provider fails', async () => {
    const reason = { code: 'PROVIDER_FAILED', message: 'CPU failed.', mend: 'Install again.' } as const
    const checkProviders = () => Promise.resolve([{ provider: 'cpu', ok: false, reason } as const])
    expect((await examine({ ...healthy, checkProviders })).ok).toBe(false)
  })

  it('are findings: a fault of ours is not hidden among them', async () => {
    const broken = { ...healthy, findFfmpeg: () => Promise.reject(new TypeError('ours')) }
    await expect(examine(broken)).rejects.toThrow(TypeError)
    const missing = () => Promise.reject(new MatteboxError('FFMPEG_MISSING', 'No ffmpeg was found.', 'Install it.'))
    const found = await examine({ ...healthy, findFfmpeg: missing })
    expect(found.ffmpeg.error).toEqual({ code: 'FFMPEG_MISSING', message: 'No ffmpeg was found.', mend: 'Install it.' })
  })
})
