import { Type, type Static } from 'typebox'
import { FilterSettings } from '../settings/index.ts'
import { FilterId } from './source.ts'

/** What the settings file keeps for the panel beside the engine's settings: presets, their bindings, regions, audio. */

export const Name = Type.String({
  minLength: 1,
  maxLength: 64,
  // `.` and `..` are steps in an address, whose clients take them away.
  pattern: '^(?!\\.{1,2}$)[^\\u0000-\\u001f\\u007f]*\\S[^\\u0000-\\u001f\\u007f]*$',
})

export const SomeFilterSettings = Type.Partial(FilterSettings, { additionalProperties: false })

/** Some settings under a name. */
export const Preset = Type.Object({ name: Name, settings: SomeFilterSettings }, { additionalProperties: false })
export type Preset = Static<typeof Preset>

/** A preset that a filter takes on when a scene comes on program. */
export const Binding = Type.Object(
  { scene: Type.String({ minLength: 1, maxLength: 512 }), filterId: FilterId, preset: Name },
  { additionalProperties: false },
)
export type Binding = Static<typeof Binding>

/** Regions under a name, to be used again. */
export const RegionTemplate = Type.Object(
  { name: Name, regions: FilterSettings.properties.regions },
  { additionalProperties: false },
)
export type RegionTemplate = Static<typeof RegionTemplate>

/** The picture's delay, added to an input's audio offset. */
export const AudioDelay = Type.Object(
  {
    filterId: FilterId,
    input: Type.String({ minLength: 1, maxLength: 512 }),
    originalMs: Type.Integer({ description: 'The offset that the user had; given back on removal.' }),
    addedMs: Type.Integer(),
  },
  { additionalProperties: false },
)
export type AudioDelay = Static<typeof AudioDelay>

/** A delay that was added, beside the picture's own. */
export const AudioDelayView = Type.Object({
  ...AudioDelay.properties,
  hasMoved: Type.Boolean({ description: 'The picture’s delay is another one now, so much that it is noticed.' }),
})
export type AudioDelayView = Static<typeof AudioDelayView>

/** What became of an input's offset when its delay was removed. */
export const AudioDelayRemoved = Type.Object({
  restored: Type.Boolean({
    description: 'False: its offset was changed by somebody else meanwhile and stays, or the input is gone.',
  }),
})
export type AudioDelayRemoved = Static<typeof AudioDelayRemoved>
