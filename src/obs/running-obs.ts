import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { FLATPAK_ID, type ObsKind } from './plugin-folder.ts'
import type { Surroundings } from './surroundings.ts'

/**
 * Which kinds of OBS run now for this user: processes that are called `obs`, told apart by their control group, which
 * systemd names after the Flatpak or Snap (proc(5): `comm`, `cgroup`, `environ`).
 */
export function runningObs({ procFolder }: Surroundings, uid = process.getuid?.()): ReadonlySet<ObsKind> {
  const running = new Set<ObsKind>()
  for (const name of entries(procFolder)) {
    if (!/^\d+$/.test(name)) continue
    const folder = join(procFolder, name)
    try {
      if (readFileSync(join(folder, 'comm'), 'utf8').trim() !== 'obs') continue
      if (statSync(folder).uid === uid) running.add(kindOf(folder))
    } catch {
      // It ended meanwhile.
    }
  }
  return running
}

function kindOf(folder: string): ObsKind {
  const [group, environment] = [read(join(folder, 'cgroup')), read(join(folder, 'environ'))]
  if (group.includes(`flatpak-${FLATPAK_ID}`) || environment.includes(`FLATPAK_ID=${FLATPAK_ID}`)) return 'flatpak'
  if (group.includes('snap.obs-studio') || environment.includes('SNAP_NAME=obs-studio')) return 'snap'
  return 'native'
}

/** Empty where it may not be read. */
function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

function entries(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}
