import { spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { ObsHome } from './obs-home.ts'

/**
 * Runs the OBS of another Debian, unpacked in the folder `root`. It shares this machine's network, display and devices,
 * and the private home under the same path, so the WebSocket, the channel's socket and clips are where they always are.
 * Needs root. The mounts end with the process: they are its own (`unshare -m`).
 */
export function obsInChroot(root: string): (home: ObsHome) => readonly [string, ...string[]] {
  return (home) => {
    const shared = ['/tmp/.X11-unix', '/dev', home.folder]
    for (const folder of shared) mkdirSync(join(root, folder), { recursive: true })
    const script = [
      'root=$1; shift',
      'for folder in $1 $2 $3; do mount --bind "$folder" "$root$folder" || exit; done; shift 3',
      'mount -t proc proc "$root/proc" || exit',
      'exec chroot "$root" obs "$@"', // every step execs: the process that was started becomes OBS
    ].join('\n')
    return ['unshare', '-m', 'sh', '-c', script, 'sh', root, ...shared]
  }
}

/** The version that the chroot's package says, for example "32.2.2"; null where there is none. */
export function obsVersionIn(root: string): string | null {
  const query = spawnSync('dpkg-query', [`--root=${root}`, '-W', '-f', '${Version}', 'obs-studio'], {
    encoding: 'utf8',
  })
  return query.status === 0 ? (/^[\d.]+/.exec(query.stdout)?.[0] ?? null) : null
}
