import { lstatSync, statSync } from 'node:fs'
import { connect } from 'node:net'
import { dirname, join } from 'node:path'
import type { Complaint, ErrorCode } from '../errors/index.ts'
import { homeOf } from '../settings/config-home.ts'

/** The socket that OBS's filter connects to. */
export interface SocketReport {
  readonly path: string
  /** Whether a sidecar listens; false also where a filter could not get to it. */
  readonly listening: boolean
  readonly error?: Complaint<ErrorCode>
}

/** sockaddr_un's 108 bytes, with the zero that ends it (unix(7)). */
const PATH_MAX_BYTES = 107
const TIMEOUT_MS = 1000

/** Where filter and sidecar meet, as native/channel/platform_linux.c finds it. */
export function socketPath(env: NodeJS.ProcessEnv): string {
  return env['MATTEBOX_SOCKET'] || join(homeOf(env), '.local', 'state', 'mattebox', 'channel.sock')
}

/**
 * Whether a sidecar listens. Node opens stream sockets only and ours keeps messages apart (SOCK_SEQPACKET), so the
 * kernel refuses either way: with EPROTOTYPE where somebody listens, with ECONNREFUSED where nobody does
 * (unix_find_bsd in net/unix/af_unix.c). No sidecar sees the attempt.
 */
export async function examineSocket(env: NodeJS.ProcessEnv): Promise<SocketReport> {
  const path = socketPath(env)
  const bytes = Buffer.byteLength(path)
  if (bytes > PATH_MAX_BYTES) {
    const mend = 'Set MATTEBOX_SOCKET to a shorter path, for OBS too.'
    return wrong(`The socket’s path has ${bytes} bytes, at most ${PATH_MAX_BYTES} are possible: ${path}`, mend)
  }
  const entry = lstatSync(path, { throwIfNoEntry: false })
  if (entry && !entry.isSocket()) return wrong(`${path} is no socket.`, 'Delete it, or move it elsewhere.')
  // A path that the user chose may lie in a shared folder: there the socket's own mode keeps others out.
  const folder = env['MATTEBOX_SOCKET'] ? undefined : statSync(dirname(path), { throwIfNoEntry: false })
  if (folder && (folder.mode & 0o077) !== 0) {
    const mode = (folder.mode & 0o777).toString(8)
    return wrong(`Others may look into ${dirname(path)} (mode ${mode}).`, `Run: chmod 700 ${dirname(path)}`)
  }
  const answer = entry ? await errnoOfConnecting(path) : 'ENOENT'
  if (answer === 'EPROTOTYPE') return { path, listening: true }
  if (answer === 'ENOENT' || answer === 'ECONNREFUSED') {
    const message = `No sidecar listens at ${path}: the filter shows what “When unavailable” says.`
    const mend = 'Run `mattebox start`, or `mattebox service install` to have it run whenever you are logged in.'
    return { path, listening: false, error: { code: 'CHANNEL_NOBODY', message, mend } }
  }
  if (answer === null) return wrong(`Another program listens at ${path}.`, 'End it, then run `mattebox start`.')
  return wrong(`${path} cannot be connected to: ${answer}.`, 'Give yourself permission for it and the folders above.')

  function wrong(message: string, mend: string): SocketReport {
    return { path, listening: false, error: { code: 'CHANNEL_SOCKET', message, mend } }
  }
}

/** Null where it connects. */
function errnoOfConnecting(path: string): Promise<string | null> {
  return new Promise((resolve) => {
    const socket = connect(path)
    const end = (answer: string | null): void => {
      socket.destroy()
      resolve(answer)
    }
    socket.setTimeout(TIMEOUT_MS, () => end('ETIMEDOUT'))
    socket.on('connect', () => end(null))
    socket.on('error', (error: NodeJS.ErrnoException) => end(error.code ?? error.message))
  })
}
