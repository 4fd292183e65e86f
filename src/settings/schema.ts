import { Type, type Static, type TSchema } from 'typebox'
import { RATIO_MIN } from './ratio-marks.ts'
import { FEWEST_POINTS, MOST_POINTS, MOST_REGIONS } from './region-limits.ts'

/** What is said of a setting, kept in its type so that options and forms can be drawn from it. */
export interface About<D> {
  readonly title: string
  readonly description: string
  readonly default: D
}

const about = <S extends TSchema, D>(schema: S, words: About<D>): S & About<D> => Object.assign(schema, words)

/** A setting that is one of a few words; the first is the default. */
const word = <const T extends readonly [string, ...string[]]>(words: T, title: string, description: string) => {
  const schema = Type.Unsafe<T[number]>(Type.Enum([...words]))
  const first: T[number] = words[0]
  return Object.assign(about(schema, { title, description, default: first }), { words })
}

const onOff = (value: boolean, title: string, description: string) =>
  about(Type.Boolean(), { title, description, default: value })

const range = (minimum: number, maximum: number, words: About<number>) =>
  about(Type.Number({ minimum, maximum }), words)

const share = Type.Number({ minimum: 0, maximum: 1 })

/** A part of the picture that is always background (the chair) or always foreground (the microphone). */
const Region = Type.Object({
  kind: Type.Unsafe<'keep_out' | 'keep'>(Type.Enum(['keep_out', 'keep'])),
  /** Corners of a polygon, in 0..1 of the source. Objects, because OBS's settings hold no arrays of arrays. */
  points: Type.Array(Type.Object({ x: share, y: share }), { minItems: FEWEST_POINTS, maxItems: MOST_POINTS }),
})
export type Region = Static<typeof Region>

const filterSettings = {
  ratio: about(Type.Union([Type.Literal(0), Type.Number({ minimum: RATIO_MIN, maximum: 1 })]), {
    title: 'Downsample ratio',
    description: 'How far a frame shrinks before the network sees it (auto: its longest side becomes 512).',
    default: 0,
  }),
  refiner: word(['deep', 'fast', 'none'], 'Refiner', 'How the small matte is brought to full resolution.'),
  background: word(['remove', 'blur'], 'Background', 'What becomes of the room behind the person.'),
  blur_radius: range(0, 64, {
    title: 'Blur radius',
    description: 'Radius of the background blur, in pixels of a 1080-line picture.',
    default: 24,
  }),
  view: word(['result', 'alpha', 'foreground'], 'View', 'What the output shows.'),
  decontaminate: onOff(
    true,
    'Decontaminate',
    'Take the foreground colour from the network, so that no old background shines through hair.',
  ),
  level_low: range(0, 1, {
    title: 'Lower level',
    description: 'What the matte holds at most this opaque becomes wholly transparent.',
    default: 0,
  }),
  level_high: range(0, 1, {
    title: 'Upper level',
    description: 'What the matte holds at least this opaque becomes wholly opaque.',
    default: 1,
  }),
  feather: range(-8, 8, {
    title: 'Feather',
    description: 'Grows (or, below zero, shrinks) the edge of the matte, in pixels of a 1080-line picture.',
    default: 0,
  }),
  regions: about(Type.Array(Region, { maxItems: MOST_REGIONS }), {
    title: 'Regions',
    description: 'Parts of the picture that are always background or always foreground.',
    default: [],
  }),
  pairing: word(
    ['matched', 'newest'],
    'Pairing',
    'Whether a frame waits for its own matte, or is shown at once with the newest one.',
  ),
  in_between: word(
    ['nearest', 'hold'],
    'Frames between',
    'What is shown where the network answers fewer frames than the source has.',
  ),
  max_delay_ms: about(Type.Integer({ minimum: 20, maximum: 500 }), {
    title: 'Longest delay',
    description: 'A frame waits at most this many milliseconds for its matte.',
    default: 150,
  }),
  when_unavailable: word(
    ['hide', 'freeze', 'blur', 'show'],
    'Without a matte',
    'What is shown while there is no matte; only “show” lets the room be seen.',
  ),
  reset_on_scene_change: word(
    ['always', 'when-new', 'never'],
    'Reset on scene change',
    'When a change of the program scene makes the network forget what it saw.',
  ),
  cut_detection: onOff(true, 'Cut detection', 'Reset the recurrent state where the content of the picture jumps.'),
}

/**
 * The settings of a filter in OBS, each with its values, default and one plain sentence. OBS's scene collection is
 * their only home; native/obs-plugin/settings.h holds the same keys, and a test compares the two.
 */
export const FilterSettings = Type.Object(filterSettings, { additionalProperties: false })
export type FilterSettings = Static<typeof FilterSettings>

const provider = word(['auto', 'cuda', 'webgpu', 'cpu'], 'Provider', 'What runs the network.')

/**
 * All settings of a matting run: the filter's and the engine's. Command-line options, the filter's properties, the
 * panel and the API are drawn from this schema or checked against it.
 */
export const Settings = Type.Object({ ...filterSettings, provider }, { additionalProperties: false })
export type Settings = Static<typeof Settings>

/** The settings of the sidecar; they live in `$XDG_CONFIG_HOME/mattebox/settings.json`. */
export const EngineSettings = Type.Object(
  {
    provider,
    device: about(Type.String({ pattern: '^(auto|[0-9]{1,2})$' }), {
      title: 'Device',
      description: 'Number of the GPU that CUDA runs on (auto: 0, the first). Other providers choose one themselves.',
      default: 'auto',
    }),
    model: about(Type.String({ minLength: 1, maxLength: 4096 }), {
      title: 'Model',
      description: 'Name of an installed model, or the path of a model file.',
      default: 'default',
    }),
    threads: about(Type.Integer({ minimum: 0, maximum: 256 }), {
      title: 'Threads',
      description: 'Threads of the CPU provider (0: as the machine has).',
      default: 0,
    }),
    port: about(Type.Integer({ minimum: 1, maximum: 65535 }), {
      title: 'Port',
      description: 'Port of the panel.',
      default: 4477,
    }),
    listen: about(Type.String({ minLength: 1, maxLength: 256 }), {
      title: 'Listen address',
      description: 'Address that the panel listens on; only the loopback address keeps others out.',
      default: '127.0.0.1',
    }),
  },
  { additionalProperties: false },
)
export type EngineSettings = Static<typeof EngineSettings>
