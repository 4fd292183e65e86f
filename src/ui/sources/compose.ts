import type { Preview } from '../live.ts'

export type PictureView = 'result' | 'alpha' | 'source'
export const PICTURE_VIEWS: readonly PictureView[] = ['result', 'alpha', 'source']

/**
 * A source's picture as the page draws it: RGBA, straight. The result is transparent where the background was, so that
 * the checkerboard behind it is seen; without a matte it is transparent everywhere.
 */
export function compose(
  { rgba, alpha }: Pick<Preview, 'rgba' | 'alpha'>,
  view: PictureView,
): Uint8ClampedArray<ArrayBuffer> {
  const picture = new Uint8ClampedArray(rgba)
  if (view === 'source') return picture
  for (let pixel = 0; pixel < picture.length / 4; pixel++) {
    const opacity = alpha?.[pixel] ?? 0
    if (view === 'alpha') picture.fill(opacity, 4 * pixel, 4 * pixel + 3)
    else picture[4 * pixel + 3] = (picture[4 * pixel + 3] * opacity) / 255
  }
  return picture
}
