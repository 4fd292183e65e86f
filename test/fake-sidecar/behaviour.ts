import type { Complaint } from '../../src/errors/index.ts'
import type { Frame, SidecarStats } from '../../src/sidecar/inference/channel/index.ts'
import type { MatteName, Matte } from './mattes.ts'

/**
 * How a fake sidecar treats its filters. Everything can be changed while it runs. All but functions can also be told
 * to a fake sidecar in a process of its own.
 */
export interface Behaviour {
  /** What it answers: a name, or coefficients for a frame. Default: opaque. */
  readonly matte: MatteName | Matte
  /** 2: alpha only; 8: the foreground's colour too. Default: as the filter's setting `decontaminate` wants it. */
  readonly planes: 2 | 8 | 'as-set'
  /** From taking a frame to its answer: always the same, or evenly distributed from the one to the other. Default: 0. */
  readonly delayMs: number | readonly [number, number]
  /** Frames in work at once; with 1 (the default) they are answered in turn, as an engine does. */
  readonly overlap: number
  /** Share of the frames that are taken and never answered, 0..1. Default: 0. */
  readonly lose: number
  /** False: takes no frames. Default: true. */
  readonly taking: boolean
  /** False: reads nothing from its sockets. Default: true. */
  readonly reading: boolean
  /** What a matte says of itself beside the truth; frames that are lied about count as `error`. Default: null. */
  readonly lie: Lie | null
  /** `hang`: neither welcomes nor refuses; a complaint: refuses with it. Default: welcome. */
  readonly admit: 'welcome' | 'hang' | Complaint
  /** The wire version that `welcome` names. Default: the real one. */
  readonly welcomeWire: number | null
  /** What `stats` says every second; null (the default): says nothing. */
  readonly stats: Partial<SidecarStats> | null
}

/** `id`, `epoch` are added to the frame's own; the others replace. */
export interface Lie {
  readonly id?: number
  readonly epoch?: number
  readonly planes?: number
  readonly width?: number
  readonly height?: number
  readonly reason?: number
}

export const WELL_BEHAVED: Behaviour = {
  matte: 'opaque',
  planes: 'as-set',
  delayMs: 0,
  overlap: 1,
  lose: 0,
  taking: true,
  reading: true,
  lie: null,
  admit: 'welcome',
  welcomeWire: null,
  stats: null,
}

/** A frame as it is remembered: its head, and its first pixels or all of them. */
export type RecordedFrame = Omit<Frame, 'pixels'> & { readonly connection: number; readonly pixels: number[] }
