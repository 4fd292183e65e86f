import { Type, type Static } from 'typebox'
import type { Complaint } from '../errors/index.ts'
import { FilterSettings } from '../settings/index.ts'
import { LIVE_SIDE } from '../settings/live-side.ts'
import { FilterId } from './source.ts'
import type { PanelState } from './state.ts'

/**
 * The two WebSockets. Text is JSON. Binary is a header and bytes: the length of the header (uint32, little-endian), the
 * header (JSON, UTF-8), the bytes.
 *
 * `/api/live`: the server tells the state at once, where it changes and in answer to a request, at most five times a
 * second, and the pictures of the sources that are watched, at most five a second each. The client says what it watches.
 *
 * `/api/try`: matting without OBS. The client sends a frame and waits for its answer: one in flight.
 */

export type LiveMessage = { readonly kind: 'state'; readonly state: PanelState }

/** Header of a picture; after it RGBA [height, width, 4] and, where there is a matte, alpha [height, width], in bytes. */
export interface PreviewHeader {
  readonly filterId: string
  /** The filter's frame id. */
  readonly frameId: number
  readonly width: number
  readonly height: number
  readonly hasAlpha: boolean
}

export const LiveRequest = Type.Object(
  { kind: Type.Literal('watch'), filterIds: Type.Array(FilterId, { maxItems: 64 }) },
  { additionalProperties: false },
)
export type LiveRequest = Static<typeof LiveRequest>

const side = Type.Integer({ minimum: LIVE_SIDE.min, maximum: LIVE_SIDE.max, multipleOf: LIVE_SIDE.multiple })

/** Header of a frame to be matted; after it RGBA [height, width, 4], straight, in bytes: the low resolution. */
export const TryFrame = Type.Object(
  {
    id: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
    width: side,
    height: side,
    refiner: FilterSettings.properties.refiner,
    /** 8 where a foreground is wanted too. */
    planes: Type.Unsafe<2 | 8>(Type.Enum([2, 8])),
    /** Whether the recurrent state begins anew at this frame. */
    reset: Type.Boolean(),
    cutDetection: Type.Boolean(),
  },
  { additionalProperties: false },
)
export type TryFrame = Static<typeof TryFrame>

/** Header of its matte; after it the coefficient planes [planes, height, width], float16, little-endian. */
export interface TryMatte {
  readonly kind: 'matte'
  readonly id: number
  readonly width: number
  readonly height: number
  readonly planes: 2 | 8
  readonly runMs: number
  /** Why the recurrent state began anew at this frame; null: it did not. */
  readonly reset: string | null
  readonly provider: string
  readonly model: string
}

/** In place of a matte, as text. */
export type TryFailure =
  /** An OBS source went first, or the engine is busy starting: send the newest frame. */
  | { readonly kind: 'dropped'; readonly id: number }
  | { readonly kind: 'error'; readonly id: number | null; readonly error: Complaint }
