import { Type, type Static, type TSchema } from 'typebox'

/** What is said of a setting, kept in its type so that options and forms can be drawn from it. */
interface About<D> {
  readonly title: string
  readonly description: string
  readonly default: D
}

const about = <S extends TSchema, D>(schema: S, words: About<D>): S & About<D> => Object.assign(schema, words)

/** A setting that is one of a few words; the first is the default. */
const word = <const T extends readonly [string, ...string[]]>(words: T, title: string, description: string) => {
  const schema = Type.Unsafe<T[number]>(Type.Enum([...words]))
  return Object.assign(about(schema, { title, description, default: words[0] }), { words })
}

/**
 * The settings of a matting run, each with its values, default and one plain sentence. Command-line options, and later
 * the filter's properties, the panel and the API, are drawn from this schema or checked against it.
 */
export const Settings = Type.Object(
  {
    ratio: about(Type.Union([Type.Literal(0), Type.Number({ minimum: 0.05, maximum: 1 })]), {
      title: 'Downsample ratio',
      description: 'How far a frame shrinks before the network sees it (auto: its longest side becomes 512).',
      default: 0,
    }),
    refiner: word(['deep', 'fast', 'none'], 'Refiner', 'How the small matte is brought to full resolution.'),
    view: word(['result', 'alpha', 'foreground'], 'View', 'What the output shows.'),
    decontaminate: about(Type.Boolean(), {
      title: 'Decontaminate',
      description: 'Take the foreground colour from the network, so that no old background shines through hair.',
      default: true,
    }),
    cut_detection: about(Type.Boolean(), {
      title: 'Cut detection',
      description: 'Reset the recurrent state where the content of the picture jumps.',
      default: true,
    }),
    blur_radius: about(Type.Number({ minimum: 0, maximum: 64 }), {
      title: 'Blur radius',
      description: 'Radius of the background blur, in pixels of a 1080-line picture.',
      default: 24,
    }),
    provider: word(['auto', 'cuda', 'webgpu', 'cpu'], 'Provider', 'What runs the network.'),
  },
  { additionalProperties: false },
)
export type Settings = Static<typeof Settings>
