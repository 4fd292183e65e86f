import { MatteboxError } from '../../../errors/index.ts'
import { LIMITS } from './wire.ts'

/** The channel's errors, each with its mend: errno values of the addon and faults of peers become coded errors here. */

/** A peer broke a rule of the wire. @param fault - what it sent, as in "a hello that is not JSON" */
export function breach(fault: string): MatteboxError {
  return new MatteboxError(
    'CHANNEL_BREACH',
    `The filter sent ${fault}.`,
    'Update the filter and mattebox to the same version. If they are, please report this.',
  )
}

export function wrongVersion(found: number): MatteboxError {
  const wanted = LIMITS.wireVersion
  return new MatteboxError(
    'CHANNEL_VERSION',
    `The filter in OBS speaks version ${found} of the channel, this mattebox version ${wanted}.`,
    found < wanted ? 'Update the filter (`mattebox obs install`), then restart OBS.' : 'Update mattebox.',
  )
}

export function late(): MatteboxError {
  const seconds = LIMITS.handshakeMs / 1000
  return new MatteboxError(
    'CHANNEL_LATE',
    `A process connected to the channel and did not finish the handshake within ${seconds} s.`,
    'If it is OBS: restart it, and update the filter. No other program connects here.',
  )
}

export function stranger(): MatteboxError {
  return new MatteboxError(
    'CHANNEL_STRANGER',
    'A process of another user wanted to connect to the channel.',
    'Run OBS and mattebox as the same user.',
  )
}

export function unread(): MatteboxError {
  return new MatteboxError(
    'CHANNEL_UNREAD',
    'The filter does not read what is sent to it.',
    'If OBS hangs, restart it; the filter connects again by itself.',
  )
}

/** Why no socket is listened on. @param error - as the addon throws it, with an errno's name */
export function notListening(path: string, error: unknown): MatteboxError {
  const { code = '', message } = error as NodeJS.ErrnoException
  const mends: Record<string, string> = {
    ENAMETOOLONG: 'A socket’s path has at most 107 bytes: set MATTEBOX_SOCKET to a shorter one, for OBS too.',
    ENOENT: 'Set HOME, or MATTEBOX_SOCKET to a path, for OBS too.',
    EACCES: 'Give yourself write permission for that folder, or set MATTEBOX_SOCKET to another path, for OBS too.',
    EROFS: 'Set MATTEBOX_SOCKET to a path that can be written to, for OBS too.',
    ENOSPC: 'Free some space on that disk.',
  }
  const where = path === '' ? 'The channel’s socket' : `The channel’s socket ${path}`
  return new MatteboxError(
    'CHANNEL_SOCKET',
    `${where} cannot be made (${code === '' ? message : code}).`,
    mends[code] ?? 'Set MATTEBOX_SOCKET to a path in a folder of your own, for OBS too.',
    { cause: error },
  )
}

/** Connections wait and cannot be taken. @param code - an errno's name */
export function notAccepting(code: string): MatteboxError {
  return new MatteboxError(
    'CHANNEL_SOCKET',
    `A filter cannot be connected (${code}).`,
    'Close programs that hold many files open, or raise the limit of open files (ulimit -n).',
  )
}

/** Why a channel ended, where it was not this side's wish and the peer did more than leave. */
export function endOf(code: string | null, fault: string | null): MatteboxError | undefined {
  if (code === null || code === 'EPIPE' || code === 'ECONNRESET') return undefined
  if (code === 'EMFILE') return notAccepting(code)
  return breach(fault ?? `what ends a connection (${code})`)
}
