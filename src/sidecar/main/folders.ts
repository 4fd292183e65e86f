import { chmod, mkdir, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { isAbsolute, join } from 'node:path'

/** Where the file of settings lies, after the XDG base directory specification. */
export function configFolder(env: NodeJS.ProcessEnv = process.env): string {
  // The specification wants relative paths ignored.
  const given = env['XDG_CONFIG_HOME'] ?? ''
  return join(isAbsolute(given) ? given : join(homedir(), '.config'), 'mattebox')
}

/** Where log and lock lie, beside the channel's socket: the same for a program inside Flatpak. */
export function stateFolder(): string {
  return join(homedir(), '.local', 'state', 'mattebox')
}

/** Makes a folder that nobody else may enter; one that is there and lets others in is closed. */
export async function makePrivateFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 })
  const { mode } = await stat(path)
  if ((mode & 0o077) !== 0) await chmod(path, 0o700)
}
