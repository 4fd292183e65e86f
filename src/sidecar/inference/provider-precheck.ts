import { createReadStream, existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { findGpuHardware, type GpuHardware } from './provider-hardware.ts'
import { cudaFolder, runtimeVersion } from '../../settings/cuda-folder.ts'
import type { ProviderName } from '../../settings/index.ts'
import {
  gpuForbidden,
  librariesMissing,
  librariesOfOtherVersion,
  noGpu,
  noNvidiaGpu,
  notOnThisPlatform,
  type ProviderReason,
} from './provider-reason.ts'

/** What can be known of a machine without running anything. */
export interface Machine {
  /** As in `linux-x64`. */
  readonly platform: string
  /** GPUs that Linux names; undefined on other systems. */
  readonly hardware: GpuHardware | undefined
  /** Folder of the runtime's libraries, where it also looks for the CUDA provider's. */
  readonly runtimeFolder: string
  readonly runtimeVersion: string
  readonly env: NodeJS.ProcessEnv
}

/** Platforms whose binary of onnxruntime-node 1.30 contains a provider, or loads it (CUDA). */
const PLATFORMS: Readonly<Record<ProviderName, readonly string[]>> = {
  cuda: ['linux-x64'],
  webgpu: ['linux-x64', 'darwin-arm64', 'win32-x64', 'win32-arm64'],
  cpu: ['linux-x64', 'linux-arm64', 'darwin-arm64', 'win32-x64', 'win32-arm64'],
}

const CUDA_PROVIDER = 'libonnxruntime_providers_cuda.so'
const CUDA_FILES = ['libonnxruntime_providers_shared.so', CUDA_PROVIDER]

export function thisMachine(): Machine {
  const { version, folder } = runtimePackage()
  return {
    platform: `${process.platform}-${process.arch}`,
    hardware: process.platform === 'linux' ? findGpuHardware() : undefined,
    runtimeFolder: join(folder, 'bin', 'napi-v6', process.platform, process.arch),
    runtimeVersion: version,
    env: process.env,
  }
}

/** The runtime that a child for CUDA loads: the copy with CUDA's libraries, where one was installed. */
function runtimePackage(): { readonly version: string; readonly folder: string } {
  const version = runtimeVersion()
  const copy = join(cudaFolder(process.env, version), 'node_modules', 'onnxruntime-node')
  const original = dirname(createRequire(import.meta.url).resolve('onnxruntime-node/package.json'))
  return { version, folder: existsSync(copy) ? copy : original }
}

/**
 * What stands in a provider's way for certain, found without a child process; undefined: only a run can tell.
 *
 * @param hardwareOnly - also passes over what only software could run (without a GPU, WebGPU has at best a driver that
 * computes on the CPU): for `auto`, which would not take it
 */
export async function precheck(
  provider: ProviderName,
  machine: Machine,
  hardwareOnly: boolean,
): Promise<ProviderReason | undefined> {
  if (!PLATFORMS[provider].includes(machine.platform)) return notOnThisPlatform(provider, machine.platform)
  if (provider === 'cuda') return cudaObstacle(machine)
  if (provider === 'webgpu') return webGpuObstacle(machine, hardwareOnly)
  return undefined
}

async function cudaObstacle(machine: Machine): Promise<ProviderReason | undefined> {
  const { hardware, runtimeFolder, runtimeVersion } = machine
  if (hardware?.nvidia === false) return noNvidiaGpu()
  const missing = CUDA_FILES.filter((file) => !existsSync(join(runtimeFolder, file)))
  if (missing.length > 0) return librariesMissing(missing, runtimeFolder, runtimeVersion)
  const version = await versionInside(join(runtimeFolder, CUDA_PROVIDER))
  if (version !== runtimeVersion) return librariesOfOtherVersion(version ?? 'unknown', runtimeFolder, runtimeVersion)
  return undefined
}

function webGpuObstacle({ hardware, env }: Machine, hardwareOnly: boolean): ProviderReason | undefined {
  if (hardware === undefined || namesVulkanDriver(env)) return undefined
  const { devices, forbidden } = hardware
  if (devices.length === 0) return hardwareOnly ? noGpu() : undefined
  return forbidden.length === devices.length ? gpuForbidden(forbidden) : undefined
}

/** Whether the user names drivers of Vulkan himself: they may be software, which needs no GPU. */
export function namesVulkanDriver(env: NodeJS.ProcessEnv): boolean {
  return ['VK_ICD_FILENAMES', 'VK_DRIVER_FILES', 'VK_ADD_DRIVER_FILES'].some((name) => (env[name] ?? '') !== '')
}

/**
 * The version of onnxruntime that a provider's library was built for: the only string in it that is a version and
 * nothing else (seen in 1.29.0 and 1.30.0). The file has 272 MB and is read in pieces.
 */
async function versionInside(file: string): Promise<string | undefined> {
  let tail = ''
  for await (const piece of createReadStream(file, { encoding: 'latin1', highWaterMark: 1 << 20 })) {
    const text = tail + (piece as string)
    const version = /\0(\d{1,3}\.\d{1,3}\.\d{1,3})\0/.exec(text)?.[1]
    if (version !== undefined) return version
    // A string may lie across two pieces.
    tail = text.slice(-16)
  }
  return undefined
}
