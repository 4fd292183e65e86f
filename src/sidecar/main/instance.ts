import { createHash, randomBytes } from 'node:crypto'
import { lstat, rename, rm } from 'node:fs/promises'
import { connect, createServer, type Server } from 'node:net'
import { homedir, userInfo } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { MatteboxError } from '../../errors/index.ts'
import { stateFolder } from './folders.ts'
import { ownSecret, readSecret, unusable } from './secret-file.ts'

/**
 * One sidecar a user. Whoever listens on the user's address is it: an abstract Unix socket on Linux, a named pipe on
 * Windows. Both vanish with their process, however it ends, so that there is no lock to go stale. Other users could
 * take a name that they can guess; this one holds a secret, which lies in the state folder.
 */

/** What the sidecar that runs says of itself. */
export interface InstanceInfo {
  readonly pid: number
  readonly version: string
  /** Of the panel, with a code that lets one browser in, a fresh one at each question; null where there is none. */
  readonly address: string | null
  /** Where filters connect; null until they can. */
  readonly socket: string | null
  /** ISO 8601. */
  readonly startedAt: string
}

/** The place is ours until it is released, or this process ends. */
export interface Instance {
  release(): Promise<void>
}

const ANSWER_TIMEOUT_MS = 2_000
const ANSWER_MAX = 64 * 1024
/** The lock of a renewal has no secret to its name: whoever else holds it must not keep us for ever. */
const RENEWAL_TIMEOUT_MS = 3_000

/**
 * Takes the place of this user's only sidecar.
 *
 * @param info - asked whenever another process wants to know who runs
 * @throws {MatteboxError} ALREADY_RUNNING, naming who runs; STATE_FOLDER
 */
export async function claimInstance(info: () => InstanceInfo, folder: string = stateFolder()): Promise<Instance> {
  const path = join(folder, 'instance')
  const secret = await ownSecret(path, () => clearAway(path, folder))
  for (;;) {
    const server = await listen(addressOf(secret, folder), info)
    if (server) return { release: () => new Promise((resolve) => server.close(() => resolve())) }
    const holder = await ask(addressOf(secret, folder))
    // It ended between the two questions.
    if (holder === 'nobody') continue
    throw alreadyRunning(holder)
  }
}

function alreadyRunning(holder: InstanceInfo | 'silent'): MatteboxError {
  if (holder === 'silent') {
    return new MatteboxError(
      'ALREADY_RUNNING',
      'mattebox runs already, and does not answer.',
      'Continue it if it was stopped (Ctrl-Z, then fg), or end its process.',
    )
  }
  const { pid, address, socket, startedAt, version } = holder
  const where = [address && `panel: ${address}`, socket && `filters connect to ${socket}`]
    .filter((text) => text !== null)
    .join('; ')
  return new MatteboxError(
    'ALREADY_RUNNING',
    `mattebox ${version} runs already: process ${pid}, since ${startedAt}${where === '' ? '' : `; ${where}`}.`,
    `Use that one. To end it: Ctrl-C in its terminal, or \`kill ${pid}\`.`,
  )
}

/** Length of a socket's name, with the NUL in front that makes it abstract. */
const ABSTRACT_LENGTH = 108

function addressOf(name: string, folder: string): string {
  if (process.platform === 'win32') return `\\\\.\\pipe\\mattebox-${userInfo().username}-${name}`
  if (process.platform !== 'linux') return join(folder, `${name.slice(0, 16)}.sock`)
  // As long as a name can be: a shorter one is filled up by some versions of Node and not by others.
  return `\0mattebox-${process.getuid!()}-${name}`.padEnd(ABSTRACT_LENGTH, '.')
}

/** Listens there; undefined where somebody else does. */
async function listen(address: string, info: () => InstanceInfo): Promise<Server | undefined> {
  // A socket file, where there is nothing better, outlives its process.
  const isFile = address.startsWith('/')
  if (isFile && (await ask(address)) === 'nobody') await rm(address, { force: true })
  return new Promise((resolve, reject) => {
    const server = createServer((peer) => {
      peer.on('error', () => undefined)
      peer.end(`${JSON.stringify(info())}\n`)
    })
    server.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(undefined)
      else reject(unusable(address.replace('\0', '@'), error))
    })
    server.listen(address, () => {
      // It must not keep a process alive that has nothing else to do.
      server.unref()
      resolve(server)
    })
  })
}

/** Asks whoever listens there who it is. */
function ask(address: string): Promise<InstanceInfo | 'nobody' | 'silent'> {
  return new Promise((resolve) => {
    const socket = connect(address)
    let text = ''
    socket.setTimeout(ANSWER_TIMEOUT_MS, () => {
      resolve('silent')
      socket.destroy()
    })
    socket.setEncoding('utf8').on('data', (piece: string) => {
      text += piece
      if (text.length > ANSWER_MAX) socket.destroy()
    })
    socket.on('error', ({ code }: NodeJS.ErrnoException) => {
      resolve(code === 'ECONNREFUSED' || code === 'ENOENT' ? 'nobody' : 'silent')
    })
    socket.on('close', () => {
      try {
        resolve(JSON.parse(text) as InstanceInfo)
      } catch {
        // It ended in the middle of its answer.
        resolve(text === '' ? 'nobody' : 'silent')
      }
    })
  })
}

/**
 * Moves what is no secret out of the way. One process at a time: a second one that still believes it damaged would move
 * the first one's new secret, and both would win.
 */
async function clearAway(path: string, folder: string): Promise<void> {
  const lock = addressOf(createHash('sha256').update(`renewal ${homedir()} ${folder}`).digest('hex'), folder)
  const nobody: InstanceInfo = { pid: process.pid, version: '', address: null, socket: null, startedAt: '' }
  const start = performance.now()
  let held = await listen(lock, () => nobody)
  while (!held && performance.now() - start < RENEWAL_TIMEOUT_MS) {
    await sleep(20)
    if (!isDamaged(await readSecret(path))) return
    held = await listen(lock, () => nobody)
  }
  try {
    if (!isDamaged(await readSecret(path))) return
    const aside = `${path}.damaged-${randomBytes(4).toString('hex')}`
    await rename(path, aside)
    // A file holds nothing that anybody would miss; a folder might.
    if (!(await lstat(aside)).isDirectory()) await rm(aside, { force: true })
  } finally {
    held?.close()
  }
}

function isDamaged(found: Awaited<ReturnType<typeof readSecret>>): boolean {
  return typeof found !== 'string' && found.damaged
}
