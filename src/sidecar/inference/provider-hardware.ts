import { accessSync, constants, existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** What Linux says about GPUs without a driver being loaded for it. */
export interface GpuHardware {
  /** An NVIDIA GPU, whether or not its driver is there. */
  readonly nvidia: boolean
  /** Device files through which a GPU can compute: no hardware driver of Vulkan works without one. */
  readonly devices: readonly string[]
  /** Those of them that this user may not open. */
  readonly forbidden: readonly string[]
}

const NVIDIA_VENDOR = '0x10de'
const DISPLAY_CLASS = '0x03'

/**
 * Looks for GPUs on Linux, in well under a millisecond: render nodes, NVIDIA's device files, WSL's /dev/dxg, the PCI bus.
 *
 * NVIDIA's device files may appear only at first use, so a GPU of theirs on the bus counts as a device too.
 *
 * @param root - folder that stands for `/`
 */
export function findGpuHardware(root = '/'): GpuHardware {
  const renderNodes = list(join(root, 'dev/dri')).filter((name) => name.startsWith('renderD'))
  const nvidiaNodes = list(join(root, 'dev')).filter((name) => /^nvidia\d+$/.test(name))
  const wsl = existsSync(join(root, 'dev/dxg')) ? ['/dev/dxg'] : []
  const onBus = list(join(root, 'sys/bus/pci/devices'))
    .map((device) => `/sys/bus/pci/devices/${device}`)
    .filter((device) => read(join(root, device, 'vendor')) === NVIDIA_VENDOR)
    .filter((device) => read(join(root, device, 'class')).startsWith(DISPLAY_CLASS))
  const files = [...renderNodes.map((name) => `/dev/dri/${name}`), ...nvidiaNodes.map((name) => `/dev/${name}`), ...wsl]
  return {
    // Through WSL any maker's GPU is reached alike: NVIDIA's cannot be ruled out.
    nvidia: nvidiaNodes.length > 0 || wsl.length > 0 || onBus.length > 0,
    devices: files.length > 0 ? files : onBus,
    forbidden: files.filter((file) => !mayOpen(join(root, file))),
  }
}

/** Models of the NVIDIA GPUs whose driver is loaded, as the driver names them. */
export function nvidiaModels(root = '/'): string[] {
  const folder = join(root, 'proc/driver/nvidia/gpus')
  return list(folder).flatMap((gpu) => /^Model:\s*(.+)$/m.exec(read(join(folder, gpu, 'information')))?.[1] ?? [])
}

/** Drivers of Vulkan by the names of their libraries; those that compute on the CPU are marked. */
const VULKAN_DRIVERS: readonly { library: RegExp; name: string; software?: true }[] = [
  { library: /libvk_swiftshader/, name: 'SwiftShader', software: true },
  { library: /libvulkan_lvp/, name: 'lavapipe', software: true },
  { library: /libvulkan_radeon|amdvlk/, name: 'AMD' },
  { library: /libvulkan_intel/, name: 'Intel' },
  { library: /libvulkan_nouveau/, name: 'NVIDIA (nouveau)' },
  { library: /libnvidia-(gl|eglcore|vulkan)|libGLX_nvidia/, name: 'NVIDIA' },
]

export interface VulkanDrivers {
  readonly names: readonly string[]
  /** Whether what computes can only be the CPU: every driver is software, or there is no GPU. */
  readonly software: boolean
}

/**
 * The drivers of Vulkan that a process has loaded. Vulkan loads all that are installed, so several names do not say
 * which one computes; the runtime does not say it either.
 *
 * @param maps - text of /proc/self/maps
 */
export function vulkanDrivers(maps: string, hardware: GpuHardware): VulkanDrivers {
  const loaded = VULKAN_DRIVERS.filter(({ library }) => library.test(maps))
  const software = loaded.filter((driver) => driver.software)
  // Without a GPU only software can have answered, whatever else was loaded and found nothing.
  const answering = hardware.devices.length === 0 ? software : loaded
  return {
    names: answering.map(({ name }) => name),
    software: answering.length > 0 && answering.every((driver) => driver.software),
  }
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch {
    return ''
  }
}

function mayOpen(file: string): boolean {
  try {
    accessSync(file, constants.R_OK | constants.W_OK)
    return true
  } catch {
    return false
  }
}
