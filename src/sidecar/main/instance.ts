import { createHash, createHmac, randomBytes } from 'node:crypto'
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
 * Windows. Both vanish with their process, however it ends, so that there is no lock to go stale. Nobody can guess the
 * name, which is made from a secret in the state folder. Once it has been in use, other users know it: they can ask there,
 * and take it when it is free. So what is told there lets nobody in, and bears a proof that the secret made it.
 */

/** Where a panel is, for whoever has its secret: whom else this is told learns nothing that lets him in. */
export interface PanelPlace {
  readonly address: string
  /** Of this one panel; a code that is made from the secret is good for no other. */
  readonly id: string
}

/** What the sidecar that runs says of itself, to every user of the machine who asks. */
export interface InstanceInfo {
  readonly pid: number
  readonly version: string
  /** Null where there is none. */
  readonly panel: PanelPlace | null
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
/** Each time, whoever held the place ended before it answered. */
const ATTEMPTS_MAX = 10
/** The lock of a renewal has no secret to its name: whoever else holds it must not keep us for ever. */
const RENEWAL_TIMEOUT_MS = 3_000

/**
 * Takes the place of this user's only sidecar.
 *
 * @param info - asked whenever another process wants to know who runs
 * @param addressOfPanel - what to tell of the panel of the one that runs
 * @throws {MatteboxError} ALREADY_RUNNING, naming who runs; STATE_FOLDER
 */
export async function claimInstance(
  info: () => InstanceInfo,
  folder: string = stateFolder(),
  addressOfPanel: (panel: PanelPlace) => Promise<string> = ({ address }) => Promise.resolve(address),
): Promise<Instance> {
  const path = join(folder, 'instance')
  const secret = await ownSecret(path, () => clearAway(path, folder))
  const place = addressOf(proof(secret, 'place'), folder)
  let answer: string | undefined
  for (let attempt = 0; answer === undefined && attempt < ATTEMPTS_MAX; attempt++) {
    const server = await listen(place, () => signed(secret, info()))
    if (server) return { release: () => new Promise((resolve) => server.close(() => resolve())) }
    answer = await ask(place)
  }
  const holder = believed(secret, answer ?? '')
  throw holder ? alreadyRunning(holder, holder.panel && (await addressOfPanel(holder.panel))) : silent(path)
}

/** What this user's sidecar says of itself; undefined where none runs, or none that can show that it is his. */
export async function findInstance(folder: string = stateFolder()): Promise<InstanceInfo | undefined> {
  const secret = await readSecret(join(folder, 'instance'))
  if (typeof secret !== 'string') return undefined
  return believed(secret, (await ask(addressOf(proof(secret, 'place'), folder))) ?? '')
}

/** Whoever has not the secret cannot make it, and learns nothing of the secret from it. */
function proof(secret: string, text: string): string {
  return createHmac('sha256', secret).update(text).digest('hex')
}

function signed(secret: string, info: InstanceInfo): string {
  const text = JSON.stringify(info)
  return `${proof(secret, text)} ${text}\n`
}

/** What the other says of itself; undefined where that was not made with the secret, or is not whole. */
function believed(secret: string, answer: string): InstanceInfo | undefined {
  const [, shown, text = ''] = /^(\w+) ([^\n]*)\n$/.exec(answer) ?? []
  return shown === proof(secret, text) ? (JSON.parse(text) as InstanceInfo) : undefined
}

function silent(path: string): MatteboxError {
  return new MatteboxError(
    'ALREADY_RUNNING',
    'mattebox runs already, and does not answer.',
    `Continue it if it was stopped (Ctrl-Z, then fg), or end its process. If there is none, another user holds its place: delete ${path} to take a new one.`,
  )
}

function alreadyRunning({ pid, socket, startedAt, version }: InstanceInfo, address: string | null): MatteboxError {
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
async function listen(address: string, answer: () => string): Promise<Server | undefined> {
  // A socket file, where there is nothing better, outlives its process.
  const isFile = address.startsWith('/')
  if (isFile && (await ask(address)) === undefined) await rm(address, { force: true })
  return new Promise((resolve, reject) => {
    const server = createServer((peer) => {
      peer.on('error', () => undefined)
      // Whoever asks and does not go keeps no connection.
      peer.end(answer(), () => peer.destroy())
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

/** What whoever listens there says in good time, which may be nothing; undefined: nobody does, or it ended meanwhile. */
function ask(address: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect(address)
    let text = ''
    const limit = setTimeout(() => {
      resolve('')
      socket.destroy()
    }, ANSWER_TIMEOUT_MS)
    socket.setEncoding('utf8').on('data', (piece: string) => {
      text += piece
      if (text.length > ANSWER_MAX) socket.destroy()
    })
    socket.on('error', ({ code }: NodeJS.ErrnoException) => {
      resolve(code === 'ECONNREFUSED' || code === 'ENOENT' ? undefined : '')
    })
    socket.on('close', () => {
      clearTimeout(limit)
      resolve(text === '' ? undefined : text)
    })
  })
}

/**
 * Moves what is no secret out of the way. One process at a time: a second one that still believes it damaged would move
 * the first one's new secret, and both would win.
 */
async function clearAway(path: string, folder: string): Promise<void> {
  const lock = addressOf(createHash('sha256').update(`renewal ${homedir()} ${folder}`).digest('hex'), folder)
  const start = performance.now()
  let held = await listen(lock, () => '\n')
  while (!held && performance.now() - start < RENEWAL_TIMEOUT_MS) {
    await sleep(20)
    if (!isDamaged(await readSecret(path))) return
    held = await listen(lock, () => '\n')
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
