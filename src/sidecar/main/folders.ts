import { chmod, mkdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { configHomeOf, homeOf } from '../../settings/config-home.ts'

/** Where the file of settings lies. */
export function configFolder(env: NodeJS.ProcessEnv = process.env): string {
  return join(configHomeOf(env), 'mattebox')
}

/** Where log and lock lie, beside the channel's socket: the same for a program inside Flatpak. */
export function stateFolder(): string {
  return join(homeOf(process.env), '.local', 'state', 'mattebox')
}

/** Makes a folder that nobody else may enter; one that is there and lets others in is closed. */
export async function makePrivateFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 })
  const { mode } = await stat(path)
  if ((mode & 0o077) !== 0) await chmod(path, 0o700)
}
