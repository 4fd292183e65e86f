import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { MatteboxError } from '../errors/index.ts'
import type { BuiltPlugin } from './build-plugin.ts'
import { elfNeeds } from './elf-needs.ts'
import type { ObsKind } from './plugin-folder.ts'
import { BINARY, inspectPlugin, type PluginManifest } from './plugin-manifest.ts'
import { compareVersions } from './version-order.ts'

/** What decides whether a binary loads. */
export interface Host {
  /** As Node calls it. */
  readonly arch: string
  /** Version of the C library; null where it is another one (musl). */
  readonly glibc: string | null
}

export function thisHost(): Host {
  const { report } = process as unknown as { report: { excludeNetwork: boolean; getReport(): unknown } }
  // Else it asks name servers about open connections.
  report.excludeNetwork = true
  const { header } = report.getReport() as { header: { glibcVersionRuntime?: string } }
  return { arch: process.arch, glibc: header.glibcVersionRuntime ?? null }
}

/** A plugin that will load, and where it is from: named by the user, carried by the package, or built just now. */
export interface ChosenPlugin {
  readonly folder: string
  readonly origin: 'given' | 'package' | 'built'
  readonly manifest: PluginManifest
}

/**
 * The plugin that fits an OBS: the one in `from`; else the one that the package carries; where that is missing or does
 * not load here, one that is built from the package's sources.
 *
 * @throws {MatteboxError} USAGE where `from` holds none; OBS_PLUGIN_DAMAGED; what `build` throws
 */
export async function choosePlugin(wanted: {
  readonly kind: ObsKind
  readonly packageRoot: string
  readonly from?: string | undefined
  readonly host: Host
  /** Builds one; told why there is no ready one that would do. */
  readonly build: (why: string) => Promise<BuiltPlugin>
}): Promise<ChosenPlugin> {
  const { kind, packageRoot, from, host, build } = wanted
  if (from !== undefined) {
    const manifest = await wholeManifest(from)
    const misfit = await whyItDoesNotLoad(from, kind, host)
    if (misfit !== null) throw new MatteboxError('USAGE', `The plugin in ${from} ${misfit}.`, 'Give another folder.')
    return { folder: from, origin: 'given', manifest }
  }
  const carried = join(packageRoot, 'prebuilds', `linux-${host.arch}`, 'obs-plugin', 'mattebox')
  let why = `The package carries no plugin for linux-${host.arch}.`
  if ('manifest' in (await inspectPlugin(carried))) {
    const manifest = await wholeManifest(carried)
    const misfit = await whyItDoesNotLoad(carried, kind, host)
    if (misfit === null) return { folder: carried, origin: 'package', manifest }
    why = `The plugin that the package carries ${misfit}.`
  }
  const { folder } = await build(why)
  return { folder, origin: 'built', manifest: await wholeManifest(folder) }
}

async function wholeManifest(folder: string): Promise<PluginManifest> {
  const found = await inspectPlugin(folder)
  if (found.state === 'whole') return found.manifest
  if (found.state === 'damaged') {
    const mend = 'Install mattebox again, or build the plugin again.'
    throw new MatteboxError('OBS_PLUGIN_DAMAGED', `${join(folder, BINARY)} is not what its manifest says.`, mend)
  }
  const mend =
    'Give the folder `mattebox` that `npm run build:plugin` makes, with manifest.json and bin/64bit/mattebox.so.'
  throw new MatteboxError('USAGE', `${folder} holds no plugin of mattebox.`, mend)
}

/** Ends the sentence "The plugin …"; null where nothing is known against it. */
async function whyItDoesNotLoad(folder: string, kind: ObsKind, host: Host): Promise<string | null> {
  const needs = elfNeeds(await readFile(join(folder, BINARY)))
  if (needs === null) return 'is no ELF file'
  if (needs.arch !== host.arch) return `is for ${needs.arch ?? 'another machine'}, this machine is ${host.arch}`
  // A Flatpak brings a C library of its own: OBS 29 came on the runtime of 2022 with glibc 2.35, later ones on newer.
  if (kind === 'flatpak') return null
  const glibc = newestGlibc(needs.versions.map(({ version }) => version))
  if (glibc === null) return null
  if (host.glibc === null) return `needs glibc ${glibc}, and this machine has another C library`
  return compareVersions(glibc, host.glibc) > 0 ? `needs glibc ${glibc}, this machine has ${host.glibc}` : null
}

function newestGlibc(versions: readonly string[]): string | null {
  const numbers = versions.flatMap((version) => /^GLIBC_([\d.]+)$/.exec(version)?.[1] ?? [])
  return numbers.sort(compareVersions).at(-1) ?? null
}
