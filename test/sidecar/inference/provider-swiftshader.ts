import { existsSync } from 'node:fs'

/** Chromium's Vulkan driver that computes on the CPU (Debian and Ubuntu: package chromium; Fedora; Google's own). */
export const swiftShader: string | undefined = [
  '/usr/lib/chromium/vk_swiftshader_icd.json',
  '/usr/lib64/chromium-browser/vk_swiftshader_icd.json',
  '/opt/google/chrome/vk_swiftshader_icd.json',
].find((file) => existsSync(file) && process.platform === 'linux' && process.arch === 'x64')

export const withoutSwiftShader =
  swiftShader === undefined ? ' (skipped: no SwiftShader; the package chromium has it)' : ''
