import { existsSync, realpathSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join, sep } from 'node:path'
import { FLATPAK_ID, flatpakHome, type ObsKind } from './plugin-folder.ts'
import { ask, programsOnPath, type Answer } from './programs.ts'
import type { Surroundings } from './surroundings.ts'

/** An OBS Studio on this machine. */
export interface FoundObs {
  readonly kind: ObsKind
  /** The program, or the app by its name. */
  readonly where: string
  /** As it says itself; null where it does not. */
  readonly version: string | null
}

export const OBS_TITLES: Readonly<Record<ObsKind, string>> = {
  native: 'OBS Studio',
  flatpak: 'OBS Studio (Flatpak)',
  snap: 'OBS Studio (Snap)',
}

/** `obs --version` answers before OBS opens a window, in 0.1 to 0.3 s (29.0); one that would start is stopped here. */
const TIMEOUT_MS = 5000

/** Every OBS Studio that this user could start: the PATH's, Flatpak's, Snap's. */
export async function findObs(around: Surroundings): Promise<FoundObs[]> {
  const found = await Promise.all([findNative(around), findFlatpak(around), findSnap(around)])
  return found.filter((obs) => obs !== null)
}

async function findNative(around: Surroundings): Promise<FoundObs | null> {
  for (const path of programsOnPath('obs', around.env)) {
    if (isOfSnap(path, around)) continue
    const { said, late } = await askAsNobody(path, around.env)
    const version = /^OBS Studio - (\S+)/m.exec(said)?.[1] ?? null
    // Other programs are called obs too; one that hangs is more likely OBS without a display.
    if (version !== null || late) return { kind: 'native', where: path, version }
  }
  return null
}

/**
 * Before it answers, OBS makes ~/.config and moves settings of old versions there: it gets a home for this one
 * question.
 */
async function askAsNobody(path: string, env: NodeJS.ProcessEnv): Promise<Answer> {
  const home = await mkdtemp(join(tmpdir(), 'mattebox-home-'))
  try {
    return await ask(path, ['--version'], {
      env: { ...env, HOME: home, XDG_CONFIG_HOME: join(home, '.config') },
      timeoutMs: TIMEOUT_MS,
    })
  } finally {
    await rm(home, { recursive: true, force: true })
  }
}

/** snapd puts links to /usr/bin/snap, or scripts of its own, on the PATH. */
function isOfSnap(path: string, { snapFolder }: Surroundings): boolean {
  const real = realpathSync(path)
  return path.startsWith(snapFolder + sep) || real.startsWith(snapFolder + sep) || basename(real) === 'snap'
}

/** Asks Flatpak; where it cannot be asked (inside a container), the app's folder of settings tells. */
async function findFlatpak({ env }: Surroundings): Promise<FoundObs | null> {
  for (const flatpak of programsOnPath('flatpak', env)) {
    const { status, said } = await ask(flatpak, ['info', FLATPAK_ID], { env, timeoutMs: TIMEOUT_MS })
    if (status === null) continue
    if (status !== 0) return null
    return { kind: 'flatpak', where: FLATPAK_ID, version: /^\s*Version:\s*(\S+)/m.exec(said)?.[1] ?? null }
  }
  return existsSync(flatpakHome(env)) ? { kind: 'flatpak', where: FLATPAK_ID, version: null } : null
}

async function findSnap({ env, snapFolder }: Surroundings): Promise<FoundObs | null> {
  for (const snap of programsOnPath('snap', env)) {
    const { status, said } = await ask(snap, ['list', 'obs-studio'], { env, timeoutMs: TIMEOUT_MS })
    if (status !== 0) continue
    return { kind: 'snap', where: 'obs-studio', version: /^obs-studio\s+(\S+)/m.exec(said)?.[1] ?? null }
  }
  const folder = join(snapFolder, 'obs-studio')
  return existsSync(folder) ? { kind: 'snap', where: folder, version: null } : null
}
