import { createHash } from 'node:crypto'
import { lstat, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'

export const BINARY = join('bin', '64bit', 'mattebox.so')
const MANIFEST = 'manifest.json'

/** What native/obs-plugin/CMakeLists.txt writes beside the binary. */
export interface PluginManifest {
  readonly version: string
  /** Of native/channel/wire.h. */
  readonly wire: number
  /** Of the binary. */
  readonly sha256: string
}

/** What lies in a plugin's folder. */
export type PluginState =
  | { readonly state: 'none' }
  /** Something else that bears our name. */
  | { readonly state: 'foreign' }
  /** Ours, of nobody knows which version: put there by hand before plugins had a manifest, or half deleted. */
  | { readonly state: 'unknown' }
  | { readonly state: 'whole' | 'damaged'; readonly manifest: PluginManifest }

export async function inspectPlugin(folder: string): Promise<PluginState> {
  if (!(await there(folder))) return { state: 'none' }
  const manifest = await readManifest(folder)
  const binary = await readFile(join(folder, BINARY)).catch(() => null)
  if (manifest === null) return { state: binary === null ? 'foreign' : 'unknown' }
  const sum = binary && createHash('sha256').update(binary).digest('hex')
  return { state: sum === manifest.sha256 ? 'whole' : 'damaged', manifest }
}

/** Also a link that leads nowhere is there. */
async function there(path: string): Promise<boolean> {
  return (await lstat(path).catch(() => null)) !== null
}

async function readManifest(folder: string): Promise<PluginManifest | null> {
  try {
    const path = join(folder, MANIFEST)
    if ((await stat(path)).size > 65536) return null
    const { name, version, wire, sha256 } = JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>
    if (name !== 'mattebox' || typeof version !== 'string' || typeof wire !== 'number') return null
    return typeof sha256 === 'string' ? { version, wire, sha256 } : null
  } catch {
    return null
  }
}
