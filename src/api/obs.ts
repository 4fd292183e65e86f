import { Type, type Static } from 'typebox'
import { nullable } from './nullable.ts'
import { ComplaintView } from './complaint.ts'

/** OBS as it is seen through its own WebSocket. */

export const ObsFilter = Type.Object({
  name: Type.String(),
  kind: Type.String(),
  enabled: Type.Boolean(),
  index: Type.Integer({ description: 'From 0, the first that is applied.' }),
  /** Null: no filter of ours. */
  filterId: nullable(Type.String()),
})
export type ObsFilter = Static<typeof ObsFilter>

/** A source with a picture, in some scene or group. */
export const ObsVideoSource = Type.Object({
  name: Type.String(),
  kind: Type.String(),
  isCamera: Type.Boolean(),
  scenes: Type.Array(Type.String()),
  /** In the order in which OBS applies them. */
  filters: Type.Array(ObsFilter),
})
export type ObsVideoSource = Static<typeof ObsVideoSource>

export const ObsAudioInput = Type.Object({ name: Type.String(), offsetMs: Type.Number() })
export type ObsAudioInput = Static<typeof ObsAudioInput>

export const ObsView = Type.Object({
  /** `off`: its server is switched off; `password`: it wants one that is not known. */
  state: Type.Unsafe<'connecting' | 'connected' | 'off' | 'password' | 'away'>(
    Type.Enum(['connecting', 'connected', 'off', 'password', 'away']),
  ),
  address: Type.String(),
  version: nullable(Type.String()),
  webSocketVersion: nullable(Type.String()),
  programScene: nullable(Type.String()),
  /** Why it is not connected, and what to do. */
  error: nullable(ComplaintView),
  /** Null while it is not connected. */
  sources: nullable(Type.Array(ObsVideoSource)),
  audioInputs: nullable(Type.Array(ObsAudioInput)),
  hasPlugin: nullable(
    Type.Boolean({
      description:
        'Whether this OBS knows our filter; while it is not connected, whether one lies in a folder of plugins, or is connected.',
    }),
  ),
})
export type ObsView = Static<typeof ObsView>

export const AddFilter = Type.Object(
  {
    source: Type.String({ minLength: 1, maxLength: 512 }),
    name: Type.Optional(Type.String({ minLength: 1, maxLength: 512 })),
  },
  { additionalProperties: false },
)
export type AddFilter = Static<typeof AddFilter>

export const NamedFilter = Type.Object(
  { source: Type.String({ minLength: 1, maxLength: 512 }), filter: Type.String({ minLength: 1, maxLength: 512 }) },
  { additionalProperties: false },
)
export type NamedFilter = Static<typeof NamedFilter>

export const ChangeFilter = Type.Object(
  {
    ...NamedFilter.properties,
    enabled: Type.Optional(Type.Boolean()),
    index: Type.Optional(Type.Integer({ minimum: 0, maximum: 1000 })),
  },
  { additionalProperties: false },
)
export type ChangeFilter = Static<typeof ChangeFilter>

export const ObsLogin = Type.Object(
  {
    port: Type.Optional(Type.Integer({ minimum: 1, maximum: 65535 })),
    password: Type.Optional(Type.String({ maxLength: 512 })),
  },
  { additionalProperties: false },
)
export type ObsLogin = Static<typeof ObsLogin>
