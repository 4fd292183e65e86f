import { MatteboxError } from '../errors/index.ts'
import type { PublicFile } from './public-file.ts'
import { sizeText } from './size-text.ts'

/** What a mend needs to know: the file, and where it would be found. */
export interface Place extends PublicFile {
  readonly folder: string
  /** Command that goes on: `mattebox models get NAME`. */
  readonly again: string
}

/** A fault that may be gone at the next try, by itself. */
export class PassingFault extends Error {
  override readonly name = 'PassingFault'
}

/** The fetching failed for good: what happened, and how to go on, or without a network at all. */
export function failed(fault: string, place: Place, options?: { cause: unknown }): MatteboxError {
  return new MatteboxError('DOWNLOAD_FAILED', `${place.file} could not be fetched: ${fault}`, howElse(place), options)
}

/** What arrived is not the file that was meant. */
export function wrongFile(fault: string, place: Place): MatteboxError {
  const mend = `The server, or something on the way to it, gives another file: nothing of it was used. Try again later. ${byHand(place)}`
  return new MatteboxError('DOWNLOAD_WRONG', `What ${hostOf(place)} sent is not ${place.file}: ${fault}`, mend)
}

/** The file that was placed by hand is another one. */
export function wrongByHand(path: string, fault: string, { again, address }: Place): MatteboxError {
  const mend = `Delete it, and call \`${again}\` again to fetch ${address}.`
  return new MatteboxError('DOWNLOAD_WRONG', `${path} is not the file that is wanted: ${fault}`, mend)
}

export function stopped(bytes: number, { file, again, bytes: total }: Place): MatteboxError {
  const left = bytes === 0 ? 'Nothing had arrived.' : `What arrived is kept (${sizeText(bytes)} of ${sizeText(total)}).`
  const mend = `\`${again}\` ${bytes === 0 ? 'begins again' : 'goes on from there'}.`
  return new MatteboxError('INTERRUPTED', `Fetching ${file} was stopped. ${left}`, mend)
}

const DISK_MENDS: Readonly<Record<string, string>> = {
  ENOSPC: 'Free some space on the disk',
  EDQUOT: 'Free some space: your quota is used up',
  EFBIG: 'Lift the limit on the size of files (`ulimit -f`)',
}

/** The disk does not take it. */
export function unwritableFolder(error: NodeJS.ErrnoException, { file, folder, again }: Place): MatteboxError {
  const mend = DISK_MENDS[error.code ?? ''] ?? 'Give yourself permission to write there'
  const text = `${file} cannot be kept in ${folder}: ${error.code ?? error.message}.`
  return new MatteboxError('OUTPUT_UNWRITABLE', text, `${mend}, then call \`${again}\` again: it goes on from there.`, {
    cause: error,
  })
}

export function tooLittleSpace(freeBytes: number, wantedBytes: number, { file, folder, again }: Place): MatteboxError {
  return new MatteboxError(
    'OUTPUT_UNWRITABLE',
    `${file} does not fit: ${folder} has ${sizeText(freeBytes)} left, and ${sizeText(wantedBytes)} are to come.`,
    `Free some space on the disk, then call \`${again}\` again.`,
  )
}

const UNREACHED: Readonly<Record<string, string>> = {
  ENOTFOUND: 'is not found: there is no network, or its name server does not know it',
  EAI_AGAIN: 'is not found: no name server answers, so there may be no network',
  ECONNREFUSED: 'refuses the connection',
  ENETUNREACH: 'is not reached: there is no network',
  EHOSTUNREACH: 'is not reached: there is no way to it',
  ETIMEDOUT: 'does not answer',
  UND_ERR_CONNECT_TIMEOUT: 'does not answer',
}

/**
 * Puts what `fetch` threw before there was an answer into words.
 *
 * @returns a fault for good, or a passing one
 */
export function connectionFault(error: unknown, place: Place): Error {
  const code = codeOf(error)
  const host = hostOf(place)
  if (code in UNREACHED) return failed(`${host} ${UNREACHED[code]} (${code}).${proxyHint()}`, place, { cause: error })
  if (/CERT|SIGNED|SIGNATURE|ISSUER|ALTNAME/.test(code)) {
    const text = `the connection to ${host} is not to be trusted (${code}): a proxy may listen in, or the clock be wrong.`
    return failed(text, place, { cause: error })
  }
  return new PassingFault(`the connection to ${host} broke (${code}).`, { cause: error })
}

function codeOf(error: unknown): string {
  for (let at = error; at instanceof Error; at = at.cause) {
    const { code } = at as NodeJS.ErrnoException
    if (typeof code === 'string') return code
  }
  return error instanceof Error ? error.message : String(error)
}

/** Node's `fetch` obeys the variables of a proxy only where it is told to. */
function proxyHint(env: NodeJS.ProcessEnv = process.env): string {
  const named = ['HTTPS_PROXY', 'https_proxy', 'HTTP_PROXY', 'http_proxy'].find((name) => (env[name] ?? '') !== '')
  if (named === undefined || env['NODE_USE_ENV_PROXY'] === '1') return ''
  return ` ${named} names a proxy, which Node 22.21 and newer use where NODE_USE_ENV_PROXY=1 stands beside it.`
}

export function hostOf({ address }: PublicFile): string {
  return new URL(address).host
}

function howElse(place: Place): string {
  return `Call \`${place.again}\` again later: what has arrived is kept. ${byHand(place)}`
}

/** For whoever has the file from elsewhere. */
export function byHand({ address, bytes, sha256, file, folder, again }: Place): string {
  return [
    'Or place the file by hand:',
    `  1. Download ${address} in another way`,
    `     (${bytes} bytes, sha256 ${sha256}),`,
    `  2. put it into ${folder} as ${file},`,
    `  3. call \`${again}\` again: it finds the file there.`,
  ].join('\n')
}
