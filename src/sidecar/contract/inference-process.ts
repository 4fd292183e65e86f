import type { Complaint } from '../../errors/index.ts'
import type { FilterSettings, ProviderName } from '../../settings/index.ts'
import type { ChannelCounters, FilterStats, Hello, SidecarStats } from '../inference/channel/index.ts'

/**
 * What the main process and the inference process say to each other, over the pipe that a forked child has. Types only:
 * the two share no code beside this.
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
  /** Share of the inference process's stepping time, 0..1, over the last second. */
  readonly share: number
  readonly counters: ChannelCounters
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
  /** Once a second, and where a filter comes or goes. */
  | { readonly kind: 'sources'; readonly sources: readonly SourceReport[] }
  /** A connection was sent away. */
  | { readonly kind: 'refused'; readonly complaint: Complaint }
  /** A build that would starve sources is due: start a second process with these plans. */
  | { readonly kind: 'handover'; readonly plans: readonly SourcePlan[] }
  /** The provider failed while live; the process ends. */
  | { readonly kind: 'failed'; readonly provider: ProviderName; readonly error: Complaint }
  /** It cannot serve at all (no addon, no socket); the process ends, and another try would end alike. */
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
