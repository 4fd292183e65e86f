import { MatteboxError } from '../errors/index.ts'

/**
 * Under sudo a command that writes into the user's home would write into root's, or leave there what only root may
 * change.
 *
 * @throws {MatteboxError} USAGE
 */
export function refuseSudo(command: string): void {
  const { SUDO_USER: user } = process.env
  if (process.getuid?.() !== 0 || !user || user === 'root') return
  throw new MatteboxError('USAGE', `\`${command}\` is for your own home, and runs as root.`, 'Run it without sudo.')
}
