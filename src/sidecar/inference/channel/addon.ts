import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isDeepStrictEqual } from 'node:util'
import { MatteboxError } from '../../../errors/index.ts'
import { LIMITS, MESSAGES, WIRE_REASONS } from './wire.ts'

/** A frame as native/addon hands it over. */
export interface NativeFrame {
  readonly id: number
  readonly epoch: number
  /** A place in `WIRE_REASONS`. */
  readonly reason: number
  readonly timestampNs: number
  readonly width: number
  readonly height: number
  readonly sourceWidth: number
  readonly sourceHeight: number
  readonly pixels: Uint8Array
}

/** Why a frame got no matte. */
export type DropReason = 'newer' | 'resize' | 'unready' | 'error' | 'full' | 'closed'

/** received = answered + dropped, once the channel is at rest; frames in work are in neither yet. */
export interface ChannelCounters {
  readonly received: number
  readonly answered: number
  readonly dropped: Readonly<Record<DropReason, number>>
}

/** What became of a matte: written, or why not. `nonFinite` is counted as an `error`. */
export type MatteFate = 'ok' | 'full' | 'resize' | 'closed' | 'nonFinite'

export interface NativeHandlers {
  readonly frames: () => void
  readonly message: (type: number, text: string, hasMemory: boolean) => void
  /** @param code - an errno's name; null where this side closed */
  readonly closed: (code: string | null, fault: string | null) => void
}

/** native/addon/channel.h */
export interface NativeChannel {
  handle(handlers: NativeHandlers): void
  adopt(): { readonly width: number; readonly height: number } | string
  takeFrame(into?: Uint8Array): NativeFrame | null
  writeMatte(id: number, planes: Float32Array, reason: number): MatteFate
  writeTexels(id: number, texels: Uint8Array, planes: number, reason: number): MatteFate
  drop(id: number, reason: 'unready' | 'error'): void
  send(type: number, text: string): boolean
  counters(): ChannelCounters
  close(): void
}

/** native/addon/server.h */
export interface NativeServer {
  resume(): void
  close(): void
}

export interface NativeServerHandlers {
  readonly accepted: (channel: NativeChannel) => void
  readonly refused: (code: string) => void
  readonly failed: (code: string) => void
  readonly closed: () => void
}

export interface Addon {
  readonly ChannelServer: new (path: string, handlers: NativeServerHandlers) => NativeServer
  readonly socketPath: () => string
  /** Has the kernel kill this process when its parent dies, whatever its thread does then. */
  readonly endWithParent: () => void
  readonly limits: Readonly<Record<string, number>>
  readonly messages: Readonly<Record<string, number>>
  readonly reasons: Readonly<Record<string, number>>
}

const packageRoot = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..', '..')
/** One that was compiled here is there for a reason: it goes before the package's own. */
const PLACES = [
  join(packageRoot, 'build', 'Release', 'mattebox.node'),
  join(packageRoot, 'prebuilds', `${process.platform}-${process.arch}`, 'mattebox.node'),
]

const BUILD = `In ${packageRoot} run \`npm run build:native\`.`

/**
 * Loads the native addon.
 *
 * @throws {MatteboxError} CHANNEL_ADDON where it is not built, does not load, or was built from another wire.h
 */
export function loadAddon(places: readonly string[] = PLACES): Addon {
  const require = createRequire(import.meta.url)
  let cause: unknown
  for (const place of places) {
    try {
      const addon = require(place) as Addon
      checkNumbers(addon)
      return addon
    } catch (error) {
      if (error instanceof MatteboxError) throw error
      // What is not there says less than what is there and does not load.
      if ((error as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND') cause ??= error
    }
  }
  if (process.platform !== 'linux') {
    const found = `The channel to OBS is not there on ${process.platform} yet.`
    throw new MatteboxError('CHANNEL_ADDON', found, 'Use it on Linux. Video files are matted here too.')
  }
  if (cause === undefined) {
    const compiler =
      'Install a compiler of C and C++ (Debian, Ubuntu: `apt install g++`; Fedora: `dnf install gcc-c++`; Arch: `pacman -S gcc`).'
    const found = 'The addon of the channel to OBS is not built.'
    throw new MatteboxError('CHANNEL_ADDON', found, `${compiler}\n${BUILD}`)
  }
  const reason = (cause as Error).message.split('\n')[0]
  throw new MatteboxError('CHANNEL_ADDON', `The addon of the channel to OBS does not load: ${reason}`, BUILD, {
    cause,
  })
}

function checkNumbers({ limits, messages, reasons }: Addon): void {
  const ours = { limits: LIMITS, messages: MESSAGES, reasons: numbered(WIRE_REASONS) }
  if (isDeepStrictEqual({ limits, messages, reasons }, ours)) return
  throw new MatteboxError(
    'CHANNEL_ADDON',
    'The addon of the channel to OBS was built from another version of the wire.',
    BUILD,
  )
}

function numbered(words: readonly string[]): Record<string, number> {
  return Object.fromEntries(words.map((word, place) => [word, place]))
}
