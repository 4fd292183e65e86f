import type { PixelFormat } from './pixel-format.ts'

/** The matrix between RGB and YUV; `rgb` where there is none. */
export type Matrix = 'bt709' | 'bt601' | 'bt2020' | 'rgb'

/** How a stream's numbers are to be read as colours. */
export interface Colour {
  readonly matrix: Matrix
  readonly range: 'limited' | 'full'
  /** Of the pictures that are read: tags as ffmpeg names them; undefined where the stream has none. */
  readonly primaries: string | undefined
  readonly transfer: string | undefined
  /** Set where the stream's own colours are beyond an 8-bit display: they are converted on reading. */
  readonly wide?: WideColour | undefined
}

/** Colours that are converted to BT.709, and the tags that they have in the stream. */
export interface WideColour {
  /** For the user. */
  readonly title: string
  readonly primaries: string
  readonly transfer: string
  /** The brightest light in cd/m² of HDR, which is tone-mapped; undefined for SDR. */
  readonly peakNits: number | undefined
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
  bt2020nc: 'bt2020',
  gbr: 'rgb',
}

/**
 * Primaries and transfers that an 8-bit display shows about right without conversion, with their numbers in
 * ISO/IEC 23091-2 (ffmpeg's options and filters differ in names, not in numbers).
 */
const PRIMARIES: Readonly<Record<string, number>> = { bt709: 1, bt470m: 4, bt470bg: 5, smpte170m: 6, smpte240m: 7 }
const TRANSFERS: Readonly<Record<string, number>> = {
  bt709: 1,
  bt470m: 4,
  bt470bg: 5,
  smpte170m: 6,
  smpte240m: 7,
  'iec61966-2-1': 13,
  'bt2020-10': 14,
  'bt2020-12': 15,
}

/** Transfers of HDR and primaries of wide gamut, which are converted; what the people who set them call them. */
const HDR: Readonly<Partial<Record<string, string>>> = { smpte2084: 'HDR (PQ)', 'arib-std-b67': 'HDR (HLG)' }
const WIDE_GAMUTS: Readonly<Partial<Record<string, string>>> = {
  bt2020: 'wide gamut (BT.2020)',
  smpte432: 'wide gamut (Display P3)',
  smpte431: 'wide gamut (DCI-P3)',
}
/** HLG's by definition (ITU-R BT.2100), and what most of PQ is made for where it does not say. */
const USUAL_PEAK_NITS = 1000
/** HDR's white of paper and of captions (ITU-R BT.2408): SDR's white without tone mapping. */
const REFERENCE_WHITE_NITS = 203

/**
 * Reads a stream's colour tags. Untagged YUV is BT.709 in high definition and BT.601 below (video players draw the
 * line at 1280 wide or more than 576 high), and of limited range; untagged still pictures are BT.601, as JPEG's
 * JFIF and WebP lay down. Gray is full range in any case: ffmpeg keeps the tag "limited" when it converts to gray
 * and stretches the values. Untagged HDR is of BT.2020.
 *
 * @param size - of the stored picture
 * @param peakNits - the brightest light in cd/m² that HDR says it has; undefined if it does not
 * @returns the colour, or the name of the property that is not handled
 */
export function readColour(
  tags: ColourTags,
  pixels: PixelFormat,
  size: { width: number; height: number },
  still: boolean,
  peakNits?: number,
): Colour | { readonly unsupported: string } {
  const wide = wideColour(tags, pixels, peakNits)
  const { primaries, transfer } = wide === undefined ? tags : { primaries: 'bt709', transfer: sdrTransfer(wide) }
  if (transfer !== undefined && !Object.hasOwn(TRANSFERS, transfer)) {
    return { unsupported: transfer === 'linear' ? 'linear light' : `colour transfer ${transfer}` }
  }
  if (tags.primaries !== undefined && !Object.hasOwn({ ...PRIMARIES, ...WIDE_GAMUTS }, tags.primaries)) {
    return { unsupported: `colour primaries ${tags.primaries}` }
  }
  if (wide !== undefined && (pixels.family === 'gray' || pixels.alpha)) {
    return { unsupported: `${wide.title} ${pixels.alpha ? 'with alpha' : 'in gray'}` }
  }
  if (pixels.family !== 'yuv') return { matrix: 'rgb', range: 'full', primaries, transfer, wide }
  const highDefinition = size.width >= 1280 || size.height > 576
  const untagged = wide?.primaries === 'bt2020' ? 'bt2020' : highDefinition && !still ? 'bt709' : 'bt601'
  const matrix = tags.matrix === undefined ? untagged : MATRICES[tags.matrix]
  if (matrix === undefined || matrix === 'rgb') return { unsupported: `colour matrix ${tags.matrix!}` }
  return { matrix, range: pixels.fullRange || tags.range === 'pc' ? 'full' : 'limited', primaries, transfer, wide }
}

function wideColour(
  { primaries, transfer, matrix }: ColourTags,
  { family }: PixelFormat,
  peakNits = USUAL_PEAK_NITS,
): WideColour | undefined {
  const hdr = HDR[transfer ?? '']
  const untagged = hdr !== undefined || (matrix === 'bt2020nc' && family === 'yuv') ? 'bt2020' : undefined
  const named = primaries ?? untagged
  const gamut = WIDE_GAMUTS[named ?? '']
  if (hdr !== undefined) {
    return {
      title: hdr,
      primaries: named!,
      transfer: transfer!,
      peakNits: transfer === 'smpte2084' ? peakNits : USUAL_PEAK_NITS,
    }
  }
  if (gamut === undefined) return undefined
  return { title: gamut, primaries: named!, transfer: transfer ?? 'bt709', peakNits: undefined }
}

/** The transfer of converted pictures: their own, where a display of SDR has it. */
function sdrTransfer({ transfer, peakNits }: WideColour): string {
  return peakNits === undefined ? transfer : 'bt709'
}

/**
 * ffmpeg's filters from a decoded picture to BGRA or gray of full range. Matrix and range are given, not left to
 * ffmpeg's guess. With these flags flat colours are within half a step of the exact value and chroma is
 * interpolated; ffmpeg's default is 2.7 steps off, one step too dark on average, and three times as fast (3 of 10 ms
 * for a frame of 1080p): the network costs far more.
 */
export function toPictureFilters(
  colour: Colour,
  { family, alpha, depth }: Pick<PixelFormat, 'family' | 'alpha'> & { readonly depth: number },
  layout: 'bgra' | 'gray',
): string[] {
  if (colour.wide !== undefined) return toSdrFilters(colour, colour.wide, layout)
  if (family === 'rgb') {
    if (layout === 'gray') return ['format=gbrp', 'extractplanes=g']
    // Older ffmpeg goes from planes of more than 8 bits to BGRA by way of YUV, unless there is a step between.
    return [...(depth > 8 ? [`format=${alpha ? 'rgba64le' : 'rgb48le'}`] : []), 'format=bgra']
  }
  if (family === 'gray') return [`scale=in_range=pc:out_range=pc`, `format=${layout}`]
  const range = colour.range === 'full' ? 'pc' : 'tv'
  const flags = 'bilinear+accurate_rnd+full_chroma_int'
  return [`scale=in_color_matrix=${colour.matrix}:in_range=${range}:out_range=pc:flags=${flags}`, `format=${layout}`]
}

/**
 * ffmpeg's filters from HDR and wide gamut to BT.709: to linear light of BT.709's primaries, there tone-mapped, and back.
 * Mobius leaves what is darker than 0.3 of white as it is and presses the rest, up to the brightest, below white; others
 * darken all of the picture. The same factor for R, G and B keeps the hue.
 *
 * HLG's display gamma is zscale's usual approximation, channel by channel: a few steps more saturated than the standard's.
 * The exact one (agamma=0) is a third too bright in older versions.
 */
function toSdrFilters({ matrix, range }: Colour, wide: WideColour, layout: 'bgra' | 'gray'): string[] {
  const { primaries, transfer, peakNits } = wide
  const matrixIn = { bt709: 'bt709', bt601: 'smpte170m', bt2020: 'bt2020nc', rgb: 'gbr' }[matrix]
  const stored = `min=${matrixIn}:pin=${primaries}:tin=${zscaleTransfer(transfer)}:rin=${range}`
  const bright = peakNits === undefined ? '' : `:npl=${REFERENCE_WHITE_NITS}`
  const peak = Math.max(1, (peakNits ?? 0) / REFERENCE_WHITE_NITS)
  return [
    // zscale takes neither every format nor odd sizes of subsampled colours.
    ...['scale=flags=bilinear+accurate_rnd', `format=${matrix === 'rgb' ? 'gbrp16le' : 'yuv444p16le'}`],
    ...[`zscale=${stored}:m=gbr:p=bt709:t=linear:r=full${bright}`, 'format=gbrpf32le'],
    ...(peakNits === undefined ? [] : [`tonemap=mobius:desat=0:peak=${peak.toFixed(4)}`]),
    `zscale=min=gbr:pin=bt709:tin=linear:rin=full:m=gbr:p=bt709:t=${zscaleTransfer(sdrTransfer(wide))}:r=full`,
    ...['format=gbrp', layout === 'gray' ? 'extractplanes=g' : 'format=bgra'],
  ]
}

/** zscale's name: it lacks some, whose curves are BT.709's or nearly. */
function zscaleTransfer(transfer: string): string {
  return transfer === 'iec61966-2-1' || HDR[transfer] !== undefined ? transfer : 'bt709'
}

/** What the user is told of colours that are converted. */
export function conversionNotice({ wide }: Colour): string | undefined {
  if (wide === undefined) return undefined
  return `${wide.title} is ${wide.peakNits === undefined ? 'converted' : 'tone-mapped'} to SDR (BT.709).`
}

/**
 * ffmpeg's filters from BGRA, BGR0 or gray of full range to BT.709 YUV of limited range, and the tags that say so.
 * Primaries and transfer pass through untouched: matting does not change what the numbers R, G and B mean.
 */
export function toVideoFilters(
  format: 'yuv420p' | 'yuva420p' | 'yuv444p10le' | 'yuva444p10le',
  source: OutputColour,
): string[] {
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

/** The filter and the encoder's options that tag pictures which stay RGB of full range. */
export function rgbTags(source: OutputColour): { filter: string; options: string[] } {
  const { primaries, transfer } = outputNumbers(source)
  const matrix = 0 // identity: RGB
  return {
    filter: `setparams=range=pc:colorspace=gbr:color_primaries=${primaries}:color_trc=${transfer}`,
    options: [
      ...['-color_range', 'pc', '-colorspace', String(matrix)],
      ...['-color_primaries', String(primaries), '-color_trc', String(transfer)],
    ],
  }
}

/** What an output keeps of its source's colour. */
export type OutputColour = Pick<Colour, 'primaries' | 'transfer'>

function outputNumbers(source: OutputColour): { primaries: number; transfer: number } {
  return { primaries: PRIMARIES[source.primaries ?? 'bt709'], transfer: TRANSFERS[source.transfer ?? 'bt709'] }
}
