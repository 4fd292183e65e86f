import type { Complaint, ErrorCode } from '../errors/index.ts'
import { examineSocket, type SocketReport } from './channel-socket.ts'
import { dockAddress } from './dock-page.ts'
import { findObs, OBS_TITLES, type FoundObs } from './find-obs.ts'
import { pluginFolder } from './plugin-folder.ts'
import { inspectPlugin, type PluginManifest, type PluginState } from './plugin-manifest.ts'
import { runningObs } from './running-obs.ts'
import type { Surroundings } from './surroundings.ts'
import { compareVersions } from './version-order.ts'

/** The filter is built on OBS 29's headers: an older one lacks functions that it calls. */
const OLDEST_OBS = 29

/** The plugin in an OBS, beside the one that this mattebox would put there. */
export interface PluginReport {
  readonly folder: string
  readonly state: 'none' | 'foreign' | 'unknown' | 'damaged' | 'same' | 'older' | 'newer'
  readonly version: string | null
  readonly wire: number | null
}

export interface ObsReport extends FoundObs {
  readonly title: string
  readonly running: boolean
  /** Null where none can be put in; `error` says why. */
  readonly plugin: PluginReport | null
  /** Address of the page that shows the panel as a dock; null where there is none. */
  readonly dock: string | null
  /** Whether its filter and this mattebox understand each other. */
  readonly ok: boolean
  readonly error?: Complaint<ErrorCode>
}

/** What `mattebox obs status --json` prints, and `doctor --json` under `obs`. */
export interface ObsDiagnosis {
  /** Whether there is an OBS whose filter fits. */
  readonly ok: boolean
  readonly found: readonly ObsReport[]
  readonly socket: SocketReport
  readonly error?: Complaint<ErrorCode>
}

/** Versions of this mattebox. */
export type Ours = Pick<PluginManifest, 'version' | 'wire'>

/** Looks at every OBS on the machine, the plugin in it, and the socket between the filter and the sidecar. */
export async function examineObs(ours: Ours, around: Surroundings): Promise<ObsDiagnosis> {
  const [installations, socket] = await Promise.all([findObs(around), examineSocket(around.env)])
  const running = runningObs(around)
  const found: ObsReport[] = []
  for (const obs of installations) {
    const about = { ...obs, title: OBS_TITLES[obs.kind], running: running.has(obs.kind) }
    const unfit = whyUnsupported(obs)
    if (obs.kind === 'snap' || unfit) {
      found.push({ ...about, plugin: null, dock: null, ok: false, ...(unfit && { error: unfit }) })
      continue
    }
    const folder = pluginFolder(obs.kind, around)
    const inspected = await inspectPlugin(folder)
    const plugin = compare(folder, inspected, ours)
    const error = whatIsWrong(plugin, about.title, ours)
    const ok = fits(inspected, ours)
    const dock = await dockAddress(folder)
    found.push({ ...about, plugin, dock, ok, ...(error && { error }) })
  }
  const ok = found.some((report) => report.ok)
  return { ok, found, socket, ...(found.length === 0 && { error: NO_OBS }) }
}

/**
 * Whether a filter that understands this mattebox lies where some OBS of this user looks for it. No program is started
 * for that, as `examineObs` does: it may be asked again and again while OBS is busy.
 */
export async function isPluginInPlace(ours: Pick<Ours, 'wire'>, around: Pick<Surroundings, 'env'>): Promise<boolean> {
  const kinds = ['native', 'flatpak'] as const
  const found = await Promise.all(kinds.map((kind) => inspectPlugin(pluginFolder(kind, around))))
  return found.some((plugin) => fits(plugin, ours))
}

/** Another version that speaks the same wire works. */
function fits(plugin: PluginState, { wire }: Pick<Ours, 'wire'>): boolean {
  return plugin.state === 'whole' && plugin.manifest.wire === wire
}

export const NO_OBS: Complaint<ErrorCode> = {
  code: 'OBS_NONE',
  message: 'No OBS Studio was found: none on the PATH, none of Flatpak.',
  mend: 'Install it from your distribution (Debian, Ubuntu, Fedora, Arch: the package obs-studio), or as a Flatpak: flatpak install flathub com.obsproject.Studio',
}

/** Why no plugin goes into this OBS, whatever is done to it. */
function whyUnsupported({ kind, version, where }: FoundObs): Complaint<ErrorCode> | undefined {
  if (kind === 'snap') {
    const message = 'The Snap of OBS Studio is confined: a filter in it cannot reach the sidecar.'
    const mend =
      'Use your distribution’s package obs-studio, or the Flatpak com.obsproject.Studio; then run `mattebox obs install`.'
    return { code: 'OBS_SNAP', message, mend }
  }
  const major = version === null ? NaN : Number.parseInt(version, 10)
  if (!(major < OLDEST_OBS)) return undefined
  const message = `OBS Studio ${version ?? ''} (${where}) is too old for the filter, which needs ${OLDEST_OBS} or newer.`
  const mend =
    'Update it, or use the Flatpak com.obsproject.Studio (Ubuntu: or OBS’s own PPA); then run `mattebox obs install`.'
  return { code: 'OBS_OLD', message, mend }
}

function compare(folder: string, found: PluginState, ours: Ours): PluginReport {
  if (!('manifest' in found)) return { folder, state: found.state, version: null, wire: null }
  const { version, wire } = found.manifest
  const difference = wire - ours.wire || compareVersions(version, ours.version)
  const order = difference === 0 ? 'same' : difference < 0 ? 'older' : 'newer'
  return { folder, state: found.state === 'damaged' ? 'damaged' : order, version, wire }
}

const INSTALL = 'Run `mattebox obs install`, then restart OBS.'

function whatIsWrong(plugin: PluginReport, title: string, ours: Ours): Complaint<ErrorCode> | undefined {
  const { state, folder, version } = plugin
  switch (state) {
    case 'same':
      return undefined
    case 'none':
      return { code: 'OBS_PLUGIN_NONE', message: `The filter is not in ${title}.`, mend: 'Run `mattebox obs install`.' }
    case 'foreign':
      return {
        code: 'OBS_PLUGIN_FOREIGN',
        message: `${folder} is not mattebox’s.`,
        mend: 'Move it elsewhere, then run `mattebox obs install`.',
      }
    case 'damaged':
      return { code: 'OBS_PLUGIN_DAMAGED', message: `The filter in ${folder} is damaged.`, mend: INSTALL }
    case 'unknown': {
      const message = `The filter in ${folder} does not say its version.`
      return { code: 'OBS_PLUGIN_VERSION', message, mend: INSTALL }
    }
    case 'older': {
      const message = `The filter in ${title} is of mattebox ${version ?? ''}, this is ${ours.version}.`
      return { code: 'OBS_PLUGIN_VERSION', message, mend: INSTALL }
    }
    case 'newer': {
      const message = `The filter in ${title} is of mattebox ${version ?? ''}, this is ${ours.version}.`
      const mend = 'Update mattebox; or put this one’s filter in: `mattebox obs install`, then restart OBS.'
      return { code: 'OBS_PLUGIN_VERSION', message, mend }
    }
  }
}
