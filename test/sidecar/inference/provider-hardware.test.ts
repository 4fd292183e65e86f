import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { findGpuHardware, nvidiaModels, vulkanDrivers } from '../../../src/sidecar/inference/provider-hardware.ts'

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'mattebox-hardware-'))
})
afterEach(() => rmSync(root, { recursive: true }))

/** Puts a file into the tree that stands for a machine's. */
function file(path: string, text = ''): void {
  mkdirSync(dirname(join(root, path)), { recursive: true })
  writeFileSync(join(root, path), text)
}

function pciDevice(address: string, vendor: string, kind: string): void {
  file(`sys/bus/pci/devices/${address}/vendor`, `${vendor}\n`)
  file(`sys/bus/pci/devices/${address}/class`, `${kind}\n`)
}

describe('hardware that Linux names', () => {
  it('is nothing on a machine without a GPU', () => {
    pciDevice('0000:00:02.0', '0x1af4', '0x020000')
    expect(findGpuHardware(root)).toEqual({ nvidia: false, devices: [], forbidden: [] })
  })

  it('is no display that cannot compute (a card without a render node)', () => {
    file('dev/dri/card0')
    pciDevice('0000:00:01.0', '0x1234', '0x030000')
    expect(findGpuHardware(root).devices).toEqual([])
  })

  it('is a GPU with a render node', () => {
    file('dev/dri/renderD128')
    expect(findGpuHardware(root)).toEqual({ nvidia: false, devices: ['/dev/dri/renderD128'], forbidden: [] })
  })

  it('is an NVIDIA GPU given to a container', () => {
    file('dev/nvidia0')
    file('dev/nvidiactl')
    expect(findGpuHardware(root)).toMatchObject({ nvidia: true, devices: ['/dev/nvidia0'] })
  })

  it('is an NVIDIA GPU on the bus, whose device files appear at first use', () => {
    pciDevice('0000:01:00.0', '0x10de', '0x030200')
    expect(findGpuHardware(root)).toMatchObject({ nvidia: true, devices: ['/sys/bus/pci/devices/0000:01:00.0'] })
  })

  it('is no sound card of NVIDIA’s', () => {
    pciDevice('0000:01:00.1', '0x10de', '0x040300')
    expect(findGpuHardware(root).nvidia).toBe(false)
  })

  it('may be an NVIDIA GPU behind WSL', () => {
    file('dev/dxg')
    expect(findGpuHardware(root)).toMatchObject({ nvidia: true, devices: ['/dev/dxg'] })
  })

  it.skipIf(process.getuid?.() === 0)('may be closed to this user (skipped: root may open all)', () => {
    file('dev/dri/renderD128')
    chmodSync(join(root, 'dev/dri/renderD128'), 0)
    expect(findGpuHardware(root).forbidden).toEqual(['/dev/dri/renderD128'])
  })

  it('has the name that NVIDIA’s driver gives it', () => {
    file('proc/driver/nvidia/gpus/0000:01:00.0/information', 'Model: \t\t NVIDIA GeForce RTX 4070\nIRQ:   \t\t 123\n')
    expect(nvidiaModels(root)).toEqual(['NVIDIA GeForce RTX 4070'])
  })
})

describe('drivers of Vulkan that a process has loaded', () => {
  const none = { nvidia: false, devices: [], forbidden: [] }
  const one = { ...none, devices: ['/dev/dri/renderD128'] }
  const maps = (...libraries: string[]): string =>
    libraries.map((library) => `7f00-7f01 r-xp 00000000 fe:00 1234    /usr/lib/x86_64-linux-gnu/${library}`).join('\n')

  it('are software, if there is no other', () => {
    expect(vulkanDrivers(maps('libvk_swiftshader.so'), one)).toEqual({ names: ['SwiftShader'], software: true })
  })

  it('are hardware, if there is one and a GPU', () => {
    const loaded = vulkanDrivers(maps('libvulkan_lvp.so', 'libvulkan_radeon.so'), one)
    expect(loaded.software).toBe(false)
    expect(loaded.names).toContain('AMD')
  })

  it('are software without a GPU, whatever else was loaded', () => {
    const loaded = vulkanDrivers(maps('libvulkan_lvp.so', 'libvulkan_radeon.so'), none)
    expect(loaded).toEqual({ names: ['lavapipe'], software: true })
  })

  it('may be unknown, and then nothing is said of them', () => {
    expect(vulkanDrivers(maps('libvulkan_new.so'), one)).toEqual({ names: [], software: false })
  })
})
