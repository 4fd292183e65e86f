import { LIVE_SIDE } from '../../../settings/live-side.ts'

/**
 * The numbers of native/channel/wire.h, which is the only truth: loading the addon holds these against those that it
 * was compiled with.
 */

export const LIMITS = {
  wireVersion: 1,
  /** Bytes of a control message's text. */
  messageMax: 65536,
  handshakeMs: 2000,
  slots: 4,
  /** Sides of the low resolution, in pixels. */
  sideMin: LIVE_SIDE.min,
  sideMax: LIVE_SIDE.max,
  sideMultiple: LIVE_SIDE.multiple,
  planesMax: 8,
} as const

export const MESSAGES = {
  doorbell: 1,
  hello: 16,
  memory: 17,
  settings: 18,
  renamed: 19,
  scene: 20,
  reset: 21,
  stats: 22,
  welcome: 32,
  refused: 33,
  ready: 34,
  set: 35,
  cover: 36,
  bye: 37,
} as const

/** Why the recurrent state begins anew; on the wire a reason is its place in this list. */
export const WIRE_REASONS = [
  'none',
  // The filter's: it raised its epoch.
  ...(['first', 'asked', 'scene', 'source', 'size', 'gap'] as const),
  // The sidecar's.
  ...(['cut', 'restart', 'error'] as const),
] as const
export type WireReason = (typeof WIRE_REASONS)[number]
export type SidecarResetReason = 'cut' | 'restart' | 'error'
export type FilterResetReason = Exclude<WireReason, SidecarResetReason | 'none'>
