import type { PixelFormat } from './pixel-format.ts'

/** The matrix between RGB and YUV; `rgb` where there is none. */
export type Matrix = 'bt709' | 'bt601' | 'rgb'

/** How a stream's numbers are to be read as colours. */
export interface Colour {
  readonly matrix: Matrix
  readonly range: 'limited' | 'full'
  /** Tags as ffmpeg names them; undefined where the stream has none. */
  readonly primaries: string | undefined
  readonly transfer: string | undefined
}

export interface ColourTags {
  readonly range: string | undefined
  readonly matrix: string | undefined
  readonly primaries: string | undefined
  readonly transfer: string | undefined
}

/** Matrix tags by ffmpeg's names; SMPTE 170M, BT.470BG and the FCC's are BT.601's numbers to two digits. */
const MATRICES: Readonly<Partial<Record<string, Matrix>>> = {
  bt709: 'bt709',
  smpte170m: 'bt601',
  bt470bg: 'bt601',
  fcc: 'bt601',
  gbr: 'rgb',
}

/**
 * Primaries and transfers that an 8-bit display shows about right without conversion, with their numbers in
 * ISO/IEC 23091-2 (ffmpeg's options and filters differ in names, not in numbers). All others are refused.
 */
const PRIMARIES: Readonly<Record<string, number>> = { bt709: 1, bt470m: 4, bt470bg: 5, smpte170m: 6, smpte240m: 7 }
const TRANSFERS: Readonly<Record<string, number>> = {
  bt709: 1,
  bt470m: 4,
  bt470bg: 5,
  smpte170m: 6,
  smpte240m: 7,
  'iec61966-2-1': 13,
}

/** What a refused tag is called by the people who set it. */
const COMMON_NAMES: Readonly<Partial<Record<string, string>>> = {
  smpte2084: 'HDR (PQ, smpte2084)',
  'arib-std-b67': 'HDR (HLG, arib-std-b67)',
  bt2020: 'wide gamut (bt2020)',
  smpte432: 'wide gamut (Display P3, smpte432)',
  smpte431: 'wide gamut (DCI-P3, smpte431)',
  linear: 'linear light',
}

/**
 * Reads a stream's colour tags. Untagged YUV is BT.709 in high definition and BT.601 below (video players draw the
 * line at 1280 wide or more than 576 high), and of limited range; untagged still pictures are BT.601, as JPEG's
 * JFIF and WebP lay down. Gray is full range in any case: ffmpeg keeps the tag "limited" when it converts to gray
 * and stretches the values.
 *
 * @param size - of the stored picture
 * @returns the colour, or the name of the property that is not handled
 */
export function readColour(
  tags: ColourTags,
  pixels: PixelFormat,
  size: { width: number; height: number },
  still: boolean,
): Colour | { readonly unsupported: string } {
  const { primaries, transfer } = tags
  if (transfer !== undefined && !Object.hasOwn(TRANSFERS, transfer))
    return { unsupported: refused('transfer', transfer) }
  if (primaries !== undefined && !Object.hasOwn(PRIMARIES, primaries))
    return { unsupported: refused('primaries', primaries) }
  if (pixels.family !== 'yuv') return { matrix: 'rgb', range: 'full', primaries, transfer }
  const highDefinition = size.width >= 1280 || size.height > 576
  const matrix = tags.matrix === undefined ? (highDefinition && !still ? 'bt709' : 'bt601') : MATRICES[tags.matrix]
  if (matrix === undefined || matrix === 'rgb') return { unsupported: refused('matrix', tags.matrix!) }
  return { matrix, range: pixels.fullRange || tags.range === 'pc' ? 'full' : 'limited', primaries, transfer }
}

function refused(what: string, tag: string): string {
  return COMMON_NAMES[tag] ?? `colour ${what} ${tag}`
}

/**
 * ffmpeg's filters from a decoded picture to BGRA or gray of full range. Matrix and range are given, not left to
 * ffmpeg's guess. With these flags flat colours are within half a step of the exact value and chroma is
 * interpolated; ffmpeg's default is 2.7 steps off, one step too dark on average, and three times as fast (3 of 10 ms
 * for a frame of 1080p): the network costs far more.
 */
export function toPictureFilters(colour: Colour, family: PixelFormat['family'], layout: 'bgra' | 'gray'): string[] {
  if (family === 'rgb') return layout === 'gray' ? ['format=gbrp', 'extractplanes=g'] : ['format=bgra']
  if (family === 'gray') return [`scale=in_range=pc:out_range=pc`, `format=${layout}`]
  const range = colour.range === 'full' ? 'pc' : 'tv'
  const flags = 'bilinear+accurate_rnd+full_chroma_int'
  const matrix = colour.matrix === 'bt709' ? 'bt709' : 'bt601'
  return [`scale=in_color_matrix=${matrix}:in_range=${range}:out_range=pc:flags=${flags}`, `format=${layout}`]
}

/**
 * ffmpeg's filters from BGRA, BGR0 or gray of full range to BT.709 YUV of limited range, and the tags that say so.
 * Primaries and transfer pass through untouched: matting does not change what the numbers R, G and B mean.
 */
export function toVideoFilters(format: 'yuv420p' | 'yuva420p', source: OutputColour): string[] {
  const { primaries, transfer } = outputNumbers(source)
  return [
    'scale=in_range=pc:out_color_matrix=bt709:out_range=tv:flags=bilinear+accurate_rnd+full_chroma_inp',
    `format=${format}`,
    // Newer versions take the tags from the picture, older ones from the encoder's options (`videoTags`).
    `setparams=range=tv:colorspace=bt709:color_primaries=${primaries}:color_trc=${transfer}`,
  ]
}

/** The encoder's options for the tags of `toVideoFilters`. */
export function videoTags(source: OutputColour): string[] {
  const { primaries, transfer } = outputNumbers(source)
  const numbers = ['-color_primaries', String(primaries), '-color_trc', String(transfer)]
  return ['-color_range', 'tv', '-colorspace', 'bt709', ...numbers]
}

/** What an output keeps of its source's colour. */
export type OutputColour = Pick<Colour, 'primaries' | 'transfer'>

function outputNumbers(source: OutputColour): { primaries: number; transfer: number } {
  return { primaries: PRIMARIES[source.primaries ?? 'bt709'], transfer: TRANSFERS[source.transfer ?? 'bt709'] }
}
