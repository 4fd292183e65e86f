/** What a stored pixel is made of. Gray is full range whatever its tag says (see `colour.ts`). */
export type PixelFamily = 'yuv' | 'rgb' | 'gray'

export interface PixelFormat {
  readonly family: PixelFamily
  readonly alpha: boolean
  /** Formats that say full range in their own name, whatever the stream's tag. */
  readonly fullRange: boolean
}

const format = (family: PixelFamily, alpha: boolean, fullRange: boolean, names: string): [string, PixelFormat][] =>
  names.split(' ').map((name) => [name, { family, alpha, fullRange }])

/** Every pixel format that is handled, under ffmpeg's name: at most 8 bits a component. */
const HANDLED: ReadonlyMap<string, PixelFormat> = new Map([
  ...format('yuv', false, false, 'yuv420p yuv422p yuv444p yuv440p yuv410p yuv411p'),
  ...format('yuv', false, false, 'nv12 nv21 nv16 nv24 nv42 yuyv422 uyvy422 yvyu422'),
  ...format('yuv', false, true, 'yuvj420p yuvj422p yuvj444p yuvj440p yuvj411p'),
  ...format('yuv', true, false, 'yuva420p yuva422p yuva444p'),
  ...format('rgb', false, true, 'rgb24 bgr24 rgb0 bgr0 0rgb 0bgr gbrp rgb555le rgb565le bgr555le bgr565le rgb8 bgr8'),
  // A palette may hold transparent colours.
  ...format('rgb', true, true, 'rgba bgra argb abgr gbrap pal8'),
  ...format('gray', false, true, 'gray monob monow'),
  ...format('gray', true, true, 'ya8'),
])

/** The format of ffmpeg's name; undefined if it is not handled. */
export function pixelFormat(name: string): PixelFormat | undefined {
  return HANDLED.get(name)
}

/** Bits of one component by the format's name, which ends in them where they are not 8: `yuv420p10le`, `rgb48be`. */
export function bitDepth(name: string): number {
  const bits = Number(/(9|10|12|14|16|32|48|64)(?:le|be)$/.exec(name)?.[1] ?? 8)
  return bits >= 48 ? 16 : bits
}
