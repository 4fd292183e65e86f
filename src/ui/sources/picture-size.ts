import type { SourceView } from '../../api/index.ts'

/** A source's size in pixels; 16:9 of any size before it is known. */
export function pictureSize({ sourceSize }: SourceView): { readonly width: number; readonly height: number } {
  return sourceSize ?? { width: 16, height: 9 }
}
