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

/** Formats of more than 8 bits a component: the name, the bits, and the order of the bytes. */
const deep = (
  family: PixelFamily,
  alpha: boolean,
  fullRange: boolean,
  names: string,
  bits: string,
): [string, PixelFormat][] =>
  names
    .split(' ')
    .flatMap((name) =>
      bits.split(' ').flatMap((count) => format(family, alpha, fullRange, `${name}${count}le ${name}${count}be`)),
    )

/** Every pixel format that is handled, under ffmpeg's name: at most 16 bits a component, no floating point. */
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
  ...deep('yuv', false, false, 'yuv420p yuv422p yuv444p', '9 10 12 14 16'),
  ...deep('yuv', false, false, 'yuv440p', '10 12'),
  ...deep('yuv', false, false, 'p0 p2 p4', '10 12 16'),
  ...deep('yuv', false, false, 'y2', '10 12'),
  ...deep('yuv', false, false, 'nv', '20'),
  ...deep('yuv', true, false, 'yuva420p yuva422p yuva444p', '9 10 12 16'),
  ...deep('rgb', false, true, 'gbrp', '9 10 12 14 16'),
  ...deep('rgb', false, true, 'x2rgb x2bgr', '10'),
  ...deep('rgb', false, true, 'rgb bgr', '48'),
  ...deep('rgb', true, true, 'gbrap', '10 12 14 16'),
  ...deep('rgb', true, true, 'rgba bgra', '64'),
  ...deep('gray', false, true, 'gray', '9 10 12 14 16'),
  ...deep('gray', true, true, 'ya', '16'),
])

/** The format of ffmpeg's name; undefined if it is not handled. */
export function pixelFormat(name: string): PixelFormat | undefined {
  return HANDLED.get(name)
}

/** Bits of one component by the format's name, which ends in them where they are not 8: `yuv420p10le`, `rgb48be`. */
export function bitDepth(name: string): number {
  const bits = Number(/(9|10|12|14|16|20|32|48|64)(?:le|be)$/.exec(name)?.[1] ?? 8)
  // Some are named by the bits of a whole pixel.
  return { 20: 10, 48: 16, 64: 16 }[bits] ?? bits
}
