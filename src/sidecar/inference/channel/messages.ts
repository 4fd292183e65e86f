import { Type, type Static } from 'typebox'
import type { Complaint } from '../../../errors/index.ts'
import { FilterSettings } from '../../../settings/index.ts'

/**
 * The control messages, as native/channel/README.md lists them. A key that the receiver does not know is ignored; one
 * that is missing or of another type is a breach.
 */

const count = Type.Integer({ minimum: 0 })
const counts = Type.Record(Type.String(), count)

const complaint = Type.Object({ code: Type.String(), message: Type.String(), mend: Type.String() })

/** A filter says who it is; carries its memory. */
export const Hello = Type.Object({
  wire: count,
  /** Kept in the filter's settings: the same over restarts. */
  filterId: Type.String({ pattern: '^[0-9a-f]{16}$' }),
  source: Type.String(),
  filter: Type.String(),
  /** OBS's version. */
  obs: Type.String(),
  pid: count,
  /** Whether the source is private, as studio mode's duplicates are. */
  private: Type.Boolean(),
  /** Whether a sidecar has welcomed this filter before. */
  welcomed: Type.Boolean(),
})
export type Hello = Static<typeof Hello>

/** Another low resolution; carries its memory. */
export const Memory = Type.Object({ width: count, height: count })
/** A low resolution. */
export type Size = Static<typeof Memory>

/** The names of the filter and of its source. */
export const Renamed = Type.Object({ source: Type.String(), filter: Type.String() })
export type Renamed = Static<typeof Renamed>

/** The program scene. */
export const Scene = Type.Object({ scene: Type.Union([Type.String(), Type.Null()]) })
export type Scene = Static<typeof Scene>

/** A reset that the filter made. */
export const FilterReset = Type.Object({
  epoch: count,
  reason: Type.Unsafe<'first' | 'asked' | 'scene' | 'source' | 'size' | 'gap'>(
    Type.Enum(['first', 'asked', 'scene', 'source', 'size', 'gap']),
  ),
  /** The scenes before and after, where the reason is `scene`. */
  from: Type.Union([Type.String(), Type.Null()]),
  to: Type.Union([Type.String(), Type.Null()]),
})
export type FilterReset = Static<typeof FilterReset>

/** A filter's figures, once a second. */
export const FilterStats = Type.Object({
  fps: Type.Number(),
  delayMs: Type.Number(),
  latencyMs: Type.Number(),
  width: count,
  height: count,
  /** In effect. */
  ratio: Type.Number(),
  /** The longest delay that would allow `matched`; 0 where that is in use, or not asked for. */
  sufficesMs: Type.Number(),
  /** In use. */
  pairing: Type.Unsafe<'matched' | 'newest'>(Type.Enum(['matched', 'newest'])),
  /** Whether the policy's picture was asked for, by hotkey or from here. */
  cover: Type.Boolean(),
  /** Output frames with a pair, and with the policy's picture. */
  shown: count,
  covered: count,
  sent: count,
  answered: count,
  dropped: counts,
  resets: counts,
  error: Type.Union([complaint, Type.Null()]),
})
export type FilterStats = Static<typeof FilterStats>

/** Every message of a filter, by its name in wire.h. */
export const FROM_FILTER = {
  hello: Hello,
  memory: Memory,
  // The filter may be newer and know more settings.
  settings: Type.Object(FilterSettings.properties),
  renamed: Renamed,
  scene: Scene,
  reset: FilterReset,
  stats: FilterStats,
} as const
export type FromFilter = { [name in keyof typeof FROM_FILTER]: Static<(typeof FROM_FILTER)[name]> }

/** The sidecar's figures for one filter, once a second. */
export interface SidecarStats {
  readonly provider: string
  readonly device: string
  readonly model: string
  readonly inferenceMs: number
  readonly received: number
  readonly answered: number
  readonly dropped: Readonly<Record<string, number>>
  readonly resets: Readonly<Record<string, number>>
  /** Why nothing is matted, else null. */
  readonly error: Complaint | null
}

/** Every message to a filter, by its name in wire.h. */
export interface ToFilter {
  readonly welcome: { readonly wire: number; readonly sidecar: string }
  readonly refused: Complaint
  readonly ready: { readonly width: number; readonly height: number }
  readonly set: Partial<FilterSettings>
  readonly reset: Record<string, never>
  readonly cover: { readonly on: boolean }
  readonly stats: SidecarStats
  readonly bye: Record<string, never>
}
