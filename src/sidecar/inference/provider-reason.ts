import type { ErrorCode } from '../../errors/index.ts'
import { PROVIDER_TITLES, type ProviderName } from '../../settings/index.ts'

/** Why a provider cannot be used, or was passed over, and what to do about it. */
export interface ProviderReason {
  readonly code: ErrorCode
  readonly message: string
  readonly mend: string
}

const reason = (code: ErrorCode, message: string, mend: string): ProviderReason => ({ code, message, mend })

/** CUDA 13 wants this driver of NVIDIA's or a newer one (NVIDIA's table of CUDA and driver versions). */
const NVIDIA_DRIVER = 'Install NVIDIA’s driver, version 580 or newer, and restart the machine.'
const CUDA_LIBRARIES =
  'Run `mattebox providers install cuda`, which brings the libraries of CUDA 13 (cudart, cuBLAS, cuRAND) and cuDNN 9. Or install them yourself, and name their folder in LD_LIBRARY_PATH if it is not a system folder.'
const VULKAN_DRIVER =
  process.platform !== 'linux'
    ? 'Install or update the driver of the GPU.'
    : 'Install or update the Vulkan driver of the GPU: for AMD and Intel the package mesa-vulkan-drivers (Debian, Ubuntu, Fedora) or vulkan-radeon, vulkan-intel (Arch); for NVIDIA the driver from NVIDIA. The package vulkan-tools has `vulkaninfo`, which shows what is found.'
const NO_GPU_NEEDED = 'Without such a GPU the CPU does the work.'

/** This platform's binary of the runtime does not contain the provider. */
export function notOnThisPlatform(provider: ProviderName, platform: string): ProviderReason {
  const title = PROVIDER_TITLES[provider]
  return reason('PROVIDER_UNAVAILABLE', `${title} is not available on ${platform}.`, 'Use --provider auto or cpu.')
}

export function noNvidiaGpu(): ProviderReason {
  return reason('PROVIDER_NO_DEVICE', 'No NVIDIA GPU was found.', NO_GPU_NEEDED)
}

/** No hardware that Vulkan could use. */
export function noGpu(): ProviderReason {
  return reason('PROVIDER_NO_DEVICE', 'No GPU was found (/dev/dri, /dev/nvidia*, /dev/dxg).', NO_GPU_NEEDED)
}

/** A GPU is there, but its device files are closed to this user. */
export function gpuForbidden(files: readonly string[]): ProviderReason {
  return reason(
    'PROVIDER_NO_DEVICE',
    `This user may not open ${files.join(', ')}.`,
    'Add the user to the group that owns the file (`render` or `video`), then log in again.',
  )
}

/** Files of the CUDA provider that are not beside the runtime. */
export function librariesMissing(files: readonly string[], folder: string, version: string): ProviderReason {
  return reason(
    'PROVIDER_NOT_INSTALLED',
    `The CUDA provider is not installed: ${files.join(' and ')} not found in ${folder}.`,
    placeLibraries(folder, version),
  )
}

/** A provider of another version loads without complaint, and then anything may happen. */
export function librariesOfOtherVersion(found: string, folder: string, version: string): ProviderReason {
  return reason(
    'PROVIDER_NOT_INSTALLED',
    `The CUDA provider in ${folder} is of onnxruntime ${found}; the runtime is ${version}.`,
    placeLibraries(folder, version),
  )
}

function placeLibraries(folder: string, version: string): string {
  return `Run \`mattebox providers install cuda\`. Or take libonnxruntime_providers_shared.so and libonnxruntime_providers_cuda.so from the Python wheel onnxruntime-gpu ${version} (folder onnxruntime/capi; \`pip download --no-deps onnxruntime-gpu==${version}\`) and put them into ${folder}.`
}

/** A driver of Vulkan that computes on the CPU. */
export function softwareDriver(names: readonly string[]): ProviderReason {
  return reason(
    'PROVIDER_SLOW',
    `WebGPU has only a driver that computes on the CPU (${names.join(', ')}), which is slower than the provider cpu.`,
    `If there is a GPU: ${VULKAN_DRIVER}`,
  )
}

export function slowerThanCpu(provider: ProviderName, ms: number, cpuMs: number): ProviderReason {
  return reason(
    'PROVIDER_SLOW',
    `${PROVIDER_TITLES[provider]} took ${ms.toFixed(1)} ms for a run, the CPU ${cpuMs.toFixed(1)} ms.`,
    `Use --provider ${provider} to take it all the same.`,
  )
}

export function wrongOutputs(provider: ProviderName, difference: number): ProviderReason {
  const by = Number.isFinite(difference)
    ? `by up to ${(100 * difference).toPrecision(2)} % of the largest value`
    : 'wildly'
  return reason(
    'PROVIDER_FAILED',
    `${PROVIDER_TITLES[provider]} computes wrong values: they differ ${by} from the CPU’s.`,
    updateDriver(provider),
  )
}

export function timedOut(provider: ProviderName, step: string, limitMs: number): ProviderReason {
  return reason(
    'PROVIDER_FAILED',
    `A trial run of ${PROVIDER_TITLES[provider]} hung: ${step} took over ${limitMs / 1000} s and was stopped.`,
    updateDriver(provider),
  )
}

/** A child that ended before it answered; `how` is a signal or an exit code in words. */
export function crashed(provider: ProviderName, how: string, stderr: string): ProviderReason {
  const lines = stderr.split('\n').map((line) => line.trim())
  // An uncaught exception of Node ends with a stack, not with what happened.
  const last = lines.findLast((line) => /error|fail|abort|assert|terminate/i.test(line)) ?? lines.findLast(Boolean)
  const words = last === undefined ? '' : ` Its last words: ${last.slice(0, 300)}`
  return reason(
    'PROVIDER_FAILED',
    `A trial run of ${PROVIDER_TITLES[provider]} crashed (${how}).${words}`,
    updateDriver(provider),
  )
}

/**
 * Puts a failure of the runtime into words.
 *
 * @param message - what the runtime threw
 * @param stderr - what the process wrote beside it: why a library did not load stands only there
 */
export function explainFailure(provider: ProviderName, message: string, stderr = ''): ProviderReason {
  const explained = { cuda: explainCuda, webgpu: explainWebGpu, cpu: () => undefined }[provider](message, stderr)
  if (explained) return explained
  const text = `${PROVIDER_TITLES[provider]} failed: ${withoutPlace(message)}`
  return reason('PROVIDER_FAILED', text, updateDriver(provider))
}

function updateDriver(provider: ProviderName): string {
  if (provider === 'cpu') return 'Install mattebox again; if that does not help, please report it with this text.'
  return 'Update the driver of the GPU and restart the machine; until then use --provider cpu.'
}

function explainCuda(message: string, stderr: string): ProviderReason | undefined {
  const failure = /CUDA failure (\d+): ([^;\n]*)/.exec(message)
  if (failure) {
    const number = failure[1]
    const text = failure[2].trim()
    // cudaErrorInsufficientDriver, cudaErrorNoDevice
    if (number === '35') {
      return reason('PROVIDER_DRIVER', `NVIDIA’s driver is too old for CUDA 13 (${text}).`, NVIDIA_DRIVER)
    }
    if (number === '100') {
      const mend = 'Check with `nvidia-smi` that the driver sees the GPU, and give it to the container if this is one.'
      return reason('PROVIDER_NO_DEVICE', `NVIDIA’s driver finds no GPU (${text}).`, mend)
    }
    return reason('PROVIDER_FAILED', `CUDA failed: ${text} (error ${number}).`, updateDriver('cuda'))
  }
  const loading = /Failed to load library (\S+) with error: (.*)/.exec(stderr)
  if (loading) {
    const [, library, why] = loading
    const missing = /^(\S+): cannot open shared object file/.exec(why)?.[1]
    if (missing === 'libcuda.so.1') {
      return reason('PROVIDER_DRIVER', 'NVIDIA’s driver is not installed (libcuda.so.1 is missing).', NVIDIA_DRIVER)
    }
    if (missing !== undefined && !missing.includes('onnxruntime')) {
      return reason('PROVIDER_NOT_INSTALLED', `CUDA’s library ${missing} is missing.`, CUDA_LIBRARIES)
    }
    return reason('PROVIDER_NOT_INSTALLED', `${library} does not load: ${why.trim()}.`, CUDA_LIBRARIES)
  }
  if (/cudnn/i.test(message)) {
    return reason('PROVIDER_NOT_INSTALLED', `cuDNN does not work: ${withoutPlace(message)}`, CUDA_LIBRARIES)
  }
  return undefined
}

function explainWebGpu(message: string, stderr: string): ProviderReason | undefined {
  if (message.includes('Failed to get a WebGPU adapter')) {
    // Dawn says why it refused a GPU that it saw: "Warning: <what> required.\n - While initializing adapter (...)".
    const lacking = /Warning: (.*)\n - While initializing adapter/.exec(stderr)?.[1]
    return lacking === undefined
      ? reason('PROVIDER_NO_DEVICE', 'WebGPU finds no GPU with a Vulkan driver.', VULKAN_DRIVER)
      : reason('PROVIDER_DRIVER', `The Vulkan driver lacks what WebGPU needs: ${lacking}`, VULKAN_DRIVER)
  }
  if (message.includes('shader-f16')) {
    return reason('PROVIDER_DRIVER', 'The GPU or its driver cannot compute with 16-bit floats.', 'Use --provider cpu.')
  }
  return undefined
}

/** The sentence without the place in the runtime's source that it begins with. */
function withoutPlace(message: string): string {
  const text = message.trim().replace(/^\S*\/onnxruntime\/\S+:\d+ /, '')
  return text.length > 400 ? `${text.slice(0, 400)} …` : text
}
