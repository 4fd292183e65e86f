import type { Complaint } from '../../errors/index.ts'
import type { FilterSettings, ProviderName } from '../../settings/index.ts'
import type {
  ChannelCounters,
  FilterReset,
  FilterStats,
  Hello,
  SidecarResetReason,
  SidecarStats,
  Size,
} from '../inference/channel/index.ts'

/**
 * What the main process and the inference process say to each other, over the pipe that a forked child has. Types, and
 * a number that both go by: the two share no code beside this.
 */

/** A provider that is not to be tried, and why. */
export interface PassedOver {
  readonly provider: ProviderName
  readonly reason: Complaint
}

/** A network that a source will want, so that it is warm before the source's filter connects. */
export interface SourcePlan {
  readonly filterId: string
  /** The low resolution. */
  readonly width: number
  readonly height: number
  readonly refiner: FilterSettings['refiner']
  readonly planes: 2 | 8
}

export interface InferenceConfig {
  /** Version of mattebox, told to filters. */
  readonly version: string
  /** Where to listen; default: as the filters do. */
  readonly socket?: string | undefined
  /** The model's file and the name it goes by; or why there is none, which is told to the filters. */
  readonly model: { readonly name: string; readonly path: string } | { readonly error: Complaint }
  readonly provider: ProviderName | 'auto'
  /** Which GPU CUDA runs on, from 0; undefined = the first. */
  readonly device?: number | undefined
  /** Threads of the CPU provider; undefined = as the machine has. */
  readonly threads?: number | undefined
  /** Providers that failed while live: `auto` does not try them again. */
  readonly avoid: readonly PassedOver[]
  /** Networks to build before all else. */
  readonly plans: readonly SourcePlan[]
  /** Another process serves until this one is warm: listen only then. Else listen at once, and drop what comes early. */
  readonly takesOver: boolean
  /** A build that blocks for longer is made by a second process where somebody would wait; default 300 ms. */
  readonly longestBlockMs?: number | undefined
  /** Debug: a folder in which every frame that is taken is recorded. */
  readonly record?: string | undefined
}

/** A frame to be matted without OBS. */
export interface TryRequest {
  readonly id: number
  /** The low resolution. */
  readonly width: number
  readonly height: number
  readonly refiner: FilterSettings['refiner']
  readonly planes: 2 | 8
  /** Whether the recurrent state begins anew at this frame. */
  readonly reset: boolean
  readonly cutDetection: boolean
  /** RGBA [height, width, 4], straight. */
  readonly rgba: Uint8Array
}

/** What became of it. */
export type TryAnswer =
  | {
      readonly kind: 'matte'
      readonly id: number
      readonly width: number
      readonly height: number
      readonly planes: 2 | 8
      /** Coefficient planes [planes, height, width], float16, little-endian. */
      readonly texels: Uint8Array
      readonly runMs: number
      /** Why the recurrent state began anew at this frame; null: it did not. */
      readonly reset: string | null
      readonly provider: ProviderName
      readonly model: string
    }
  /** An OBS source went first, or the engine is busy starting: the next frame may be answered. */
  | { readonly kind: 'dropped'; readonly id: number }
  /** It cannot be matted now, and why; a later frame may be. */
  | { readonly kind: 'error'; readonly id: number; readonly error: Complaint }

/** Main process → inference process. `start` is the first, and comes once. */
export type ToInference =
  | { readonly kind: 'start'; readonly config: InferenceConfig }
  /** Asks a filter to change settings. */
  | { readonly kind: 'set'; readonly filterId: string; readonly changes: Partial<FilterSettings> }
  | { readonly kind: 'reset'; readonly filterId: string }
  | { readonly kind: 'cover'; readonly filterId: string; readonly on: boolean }
  /** The second process that `handover` asked for cannot be had: build here, whoever has to wait. */
  | { readonly kind: 'buildHere' }
  /** Say bye to every filter, and end: another process listens, or the user wants no more. */
  | { readonly kind: 'retire' }
  /** Previews of these filters are wanted, and of no others. */
  | { readonly kind: 'watch'; readonly filterIds: readonly string[] }
  /** One in flight a client: each is answered by `tryAnswer`. */
  | { readonly kind: 'tryFrame'; readonly client: string; readonly frame: TryRequest }
  /** The client has gone. */
  | { readonly kind: 'tryEnd'; readonly client: string }

/** What runs the networks; or why nothing does. */
export type EngineState =
  | { readonly state: 'starting' }
  | {
      readonly state: 'ready'
      readonly provider: ProviderName
      readonly device: string
      readonly model: string
      readonly passedOver: readonly PassedOver[]
    }
  | { readonly state: 'none'; readonly error: Complaint }

/** A reset of a source's recurrent state. */
export interface RecentReset {
  /** As `Date.now()`. */
  readonly atMs: number
  readonly reason: FilterReset['reason'] | SidecarResetReason
  readonly by: 'filter' | 'sidecar'
  /** The scenes before and after, where the reason is `scene`. */
  readonly from: string | null
  readonly to: string | null
}

/** So many of a filter's are told and remembered. */
export const MOST_RECENT_RESETS = 20

/** What the low-resolution picture and its matte say, 0..1 each. */
export interface PictureFigures {
  /** Mean of the whole picture. */
  readonly luma: number
  /** Mean where the matte is opaque; null without a person. */
  readonly personLuma: number | null
  /** Distance of the mean colours inside and outside of the person's edge; null without an edge. */
  readonly contrast: number | null
  /** Mean alpha. */
  readonly area: number
}

/** A picture of a source to look at, at most 320 pixels wide. */
export interface Preview {
  readonly filterId: string
  /** The filter's frame id. */
  readonly frameId: number
  readonly width: number
  readonly height: number
  /** RGBA [height, width, 4], straight: the frame as it came. */
  readonly rgba: Uint8Array
  /** The matte [height, width]; null where the frame got none. */
  readonly alpha: Uint8Array | null
}

/** A filter that is connected, and both sides' figures. */
export interface SourceReport {
  readonly hello: Hello
  /** Null until the filter has said them. */
  readonly settings: FilterSettings | null
  readonly filter: FilterStats | null
  readonly sidecar: SidecarStats
  /** The network that it wants; null until it has said its settings. */
  readonly plan: SourcePlan | null
  /** The program scene as this filter's OBS tells it. */
  readonly scene: string | null
  /** Frames that were answered, a second, over the last one. */
  readonly answeredPerSecond: number
  /** Share of the inference process's stepping time for sources, 0..1, over the last second. */
  readonly share: number
  readonly counters: ChannelCounters
  /** Size of the source at the last frame; null before the first. */
  readonly sourceSize: Size | null
  /** Newest first, at most `MOST_RECENT_RESETS`. */
  readonly recentResets: readonly RecentReset[]
  /** Of the frame that was looked at last, one a second; null where it got no matte. */
  readonly picture: PictureFigures | null
}

/** Inference process → main process. */
export type FromInference =
  /** Twice a second while its thread is free: whoever is silent for longer than its phase allows hangs. */
  | { readonly kind: 'alive'; readonly rssBytes: number; readonly cpuMs: number }
  /** It is about to block for long (`create`), or is done with that (`run`). */
  | { readonly kind: 'phase'; readonly phase: 'create' | 'run' }
  | { readonly kind: 'engine'; readonly engine: EngineState }
  /** Filters reach it now. */
  | { readonly kind: 'listening'; readonly path: string }
  /** In place of `listening`: filters cannot reach it (there is no addon), and it serves `tryFrame` alone. */
  | { readonly kind: 'unreachable'; readonly error: Complaint }
  /** Once a second, and soon after a filter comes, goes, or says something that is to be seen at once. */
  | { readonly kind: 'sources'; readonly sources: readonly SourceReport[] }
  /** A connection was sent away. */
  | { readonly kind: 'refused'; readonly complaint: Complaint }
  /** A build that would starve sources is due: start a second process with these plans. */
  | { readonly kind: 'handover'; readonly plans: readonly SourcePlan[] }
  /** Of a filter that is watched. */
  | { readonly kind: 'preview'; readonly preview: Preview }
  | { readonly kind: 'tryAnswer'; readonly client: string; readonly answer: TryAnswer }
  /** The provider failed while live; the process ends. */
  | { readonly kind: 'failed'; readonly provider: ProviderName; readonly error: Complaint }
  /** It cannot serve at all (no socket); the process ends, and another try would end alike. */
  | { readonly kind: 'unable'; readonly error: Complaint }
  | {
      readonly kind: 'log'
      readonly level: 'debug' | 'info' | 'warn' | 'error'
      readonly message: string
      readonly fields?: Readonly<Record<string, unknown>>
    }

/** Limits of the watchdog: silence longer than this means that the process hangs. */
export interface PhaseLimits {
  readonly runMs: number
  readonly createMs: number
}
