import { createShrinker } from './shrink.ts'

/**
 * Fits pictures of one size over a frame of another: cut in the middle to the frame's shape, then scaled.
 *
 * @param pixelWidth - of the picture, in those of the frame: not 1 where one of the two has pixels that are not square
 * @returns a function from uint8 [height, width, 4] BGRA to uint8 [frameHeight, frameWidth, 4]; its result is
 *   overwritten by the next call
 */
export function createCover(
  width: number,
  height: number,
  frameWidth: number,
  frameHeight: number,
  pixelWidth = 1,
): (picture: Uint8Array) => Uint8Array {
  const scale = Math.max(frameWidth / (width * pixelWidth), frameHeight / height)
  const cutWidth = Math.min(width, Math.max(1, Math.round(frameWidth / (scale * pixelWidth))))
  const cutHeight = Math.min(height, Math.max(1, Math.round(frameHeight / scale)))
  const left = (width - cutWidth) >> 1
  const top = (height - cutHeight) >> 1
  const cut = new Uint8Array(cutWidth * cutHeight * 4)
  const covered = new Uint8Array(frameWidth * frameHeight * 4)
  const shrink = createShrinker(cutWidth, cutHeight, frameWidth, frameHeight)
  return (picture) => {
    for (let row = 0; row < cutHeight; row++) {
      const start = ((top + row) * width + left) * 4
      cut.set(picture.subarray(start, start + cutWidth * 4), row * cutWidth * 4)
    }
    shrink(cut, covered)
    return covered
  }
}
