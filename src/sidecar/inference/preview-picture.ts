import type { Preview } from '../contract/inference-process.ts'
import { alphaAt, alphaPlanes, type LowPicture } from './low-picture.ts'

/** Widest preview, in pixels. */
const WIDEST = 320

/** A picture shrunk by area averaging to be looked at, in RGBA, with its matte in 8 bits where it has one. */
export function previewPicture({ width, height, pixels, planes }: LowPicture): Omit<Preview, 'filterId' | 'frameId'> {
  const scale = Math.min(1, WIDEST / width)
  const across = spans(width, Math.round(width * scale))
  const down = spans(height, Math.max(1, Math.round(height * scale)))
  return {
    width: across.count,
    height: down.count,
    rgba: shrunkRgba(pixels, width, across, down),
    alpha: planes && shrunkMatte(pixels, planes, width, across, down),
  }
}

/** What each new pixel of a line covers: from `first` to `last`, those two in parts; the parts of one add up to 1. */
interface Spans {
  readonly count: number
  readonly first: Int32Array
  readonly last: Int32Array
  readonly firstPart: Float32Array
  readonly lastPart: Float32Array
  /** Of each pixel between the two. */
  readonly wholePart: number
}

function spans(length: number, count: number): Spans {
  const covered = length / count
  const found = {
    count,
    first: new Int32Array(count),
    last: new Int32Array(count),
    firstPart: new Float32Array(count),
    lastPart: new Float32Array(count),
    wholePart: 1 / covered,
  }
  for (let i = 0; i < count; i++) {
    const [begin, end] = [i * covered, Math.min(length, (i + 1) * covered)]
    const first = Math.floor(begin)
    const last = Math.max(first, Math.ceil(end) - 1)
    found.first[i] = first
    found.last[i] = last
    found.firstPart[i] = (Math.min(end, first + 1) - begin) / covered
    found.lastPart[i] = last > first ? (end - last) / covered : 0
  }
  return found
}

/** The part of a line in a new one. */
function partOf({ first, last, firstPart, lastPart, wholePart }: Spans, i: number, line: number): number {
  return line === first[i] ? firstPart[i] : line === last[i] ? lastPart[i] : wholePart
}

// Two alike, for pixels of four channels and of one: as one function they took twice as long.

function shrunkRgba(bgra: Uint8Array, width: number, across: Spans, down: Spans): Uint8Array {
  const { count, first, last, firstPart, lastPart, wholePart } = across
  const rgba = new Uint8Array(count * down.count * 4)
  const line = new Float32Array(width * 4)
  for (let row = 0, to = 0; row < down.count; row++) {
    line.fill(0.5)
    for (let y = down.first[row]; y <= down.last[row]; y++) {
      const part = partOf(down, row, y)
      for (let i = 0, from = y * width * 4; i < line.length; i++, from++) line[i] += part * bgra[from]
    }
    for (let column = 0; column < count; column++, to += 4) {
      let at = 4 * first[column]
      let part = firstPart[column]
      let blue = part * line[at]
      let green = part * line[at + 1]
      let red = part * line[at + 2]
      let alpha = part * line[at + 3]
      const end = 4 * last[column]
      for (at += 4; at <= end; at += 4) {
        part = at === end ? lastPart[column] : wholePart
        blue += part * line[at]
        green += part * line[at + 1]
        red += part * line[at + 2]
        alpha += part * line[at + 3]
      }
      rgba[to] = red
      rgba[to + 1] = green
      rgba[to + 2] = blue
      rgba[to + 3] = alpha
    }
  }
  return rgba
}

function shrunkMatte(pixels: Uint8Array, planes: Float32Array, width: number, across: Spans, down: Spans): Uint8Array {
  const alphas = new Float32Array(pixels.length / 4)
  const both = alphaPlanes(planes, alphas.length)
  for (let pixel = 0; pixel < alphas.length; pixel++) alphas[pixel] = alphaAt(pixels, both, pixel)
  const { count, first, last, firstPart, lastPart, wholePart } = across
  const matte = new Uint8Array(count * down.count)
  const line = new Float32Array(width)
  for (let row = 0, to = 0; row < down.count; row++) {
    line.fill(0.5)
    for (let y = down.first[row]; y <= down.last[row]; y++) {
      const part = 255 * partOf(down, row, y)
      for (let i = 0, from = y * width; i < width; i++, from++) line[i] += part * alphas[from]
    }
    for (let column = 0; column < count; column++, to++) {
      let at = first[column]
      let sum = firstPart[column] * line[at]
      const end = last[column]
      for (at++; at <= end; at++) sum += (at === end ? lastPart[column] : wholePart) * line[at]
      matte[to] = sum
    }
  }
  return matte
}
