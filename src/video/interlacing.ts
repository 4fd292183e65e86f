/**
 * In which order the two fields of interlaced pictures were taken; `as-flagged`: every picture says it of itself, and
 * whether it is interlaced at all.
 */
export type Interlacing = 'as-flagged' | 'top-first' | 'bottom-first'

/**
 * @param fieldOrder - of the stream, by ffprobe's names: the field that comes first in the file, then the one that is shown first
 * @param isFirstFlagged - whether the first picture says that it is interlaced
 * @returns undefined for progressive pictures
 */
export function readInterlacing(fieldOrder: string | undefined, isFirstFlagged: boolean): Interlacing | undefined {
  if (isFirstFlagged) return 'as-flagged'
  if (fieldOrder === 'tt' || fieldOrder === 'bt') return 'top-first'
  return fieldOrder === 'bb' || fieldOrder === 'tb' ? 'bottom-first' : undefined
}

/** The filter that makes one whole picture of the two fields of each; times and number of pictures stay. */
export function deinterlaceFilters(interlacing: Interlacing | undefined): string[] {
  switch (interlacing) {
    case undefined:
      return []
    case 'as-flagged':
      return ['bwdif=mode=send_frame:parity=auto:deint=interlaced']
    case 'top-first':
      return ['bwdif=mode=send_frame:parity=tff:deint=all']
    case 'bottom-first':
      return ['bwdif=mode=send_frame:parity=bff:deint=all']
  }
}
