import type { Clip } from './cut-clips.ts'

/** A number in [0, 1), the same sequence for the same seed. */
export type Random = () => number

export const between = (random: Random, low: number, high: number): number => low + random() * (high - low)
/** In parts of the width, a frame. */
const FASTEST_PAN = 0.08

const whole = (random: Random, low: number, high: number): number => Math.floor(between(random, low, high + 1))

/** What the camera does to a picture: the part it sees, and value · gain + offset, clipped at 0 and 255. */
export interface Shot {
  readonly left: number
  readonly top: number
  readonly gain: number
  readonly offset: number
}

/** Cuts a window out of a frame and exposes it, into `out` [height, width, 4]. */
export function shoot(
  clip: Clip,
  index: number,
  { left, top, gain, offset }: Shot,
  out: Uint8ClampedArray,
  width: number,
  height: number,
): void {
  const exposed = new Uint8ClampedArray(256)
  for (let value = 0; value < 256; value++) exposed[value] = value * gain + offset
  const frame = clip.frames[index]
  for (let y = 0; y < height; y++) {
    let from = ((Math.round(top) + y) * clip.width + Math.round(left)) * 4
    for (let to = y * width * 4, end = to + width * 4; to < end; to++, from++) out[to] = exposed[frame[from]]
  }
}

/** A take without a cut: an exposure (gain, offset) and a camera (left, top) for each frame. */
export interface Camera {
  /** Window, smaller than the clip where the camera pans. */
  readonly width: number
  readonly height: number
  readonly random: Random
}

/** What happened in a take, to be named where the detector was wrong. */
export interface TakeFrame {
  readonly frame: Uint8Array
  readonly index: number
  readonly event: string
}

/**
 * One clip played to and fro without end or jump, while the camera rests, pans (up to 8 % of the width a frame) and
 * turns round at the edges, and the light does all that it may without a cut: flashes (white, hazy,
 * overexposed) and black-outs of 1 to 5 frames, fades to black or white and back, exposure ramps over 5 to 60 frames
 * between gain 0.3 and 2, and sudden steps of exposure.
 */
export function* take(clip: Clip, { width, height, random }: Camera): Generator<TakeFrame, never> {
  const out = new Uint8ClampedArray(width * height * 4)
  const frame = new Uint8Array(out.buffer)
  const pan = panning(clip.width - width, clip.height - height, width, random)
  const light = lighting(random)
  const last = clip.frames.length - 1
  for (let time = 0; ; time++) {
    const index = last - Math.abs((time % (2 * last)) - last)
    const { gain, offset, event } = light.next().value
    shoot(clip, index, { ...pan.next().value, gain, offset }, out, width, height)
    yield { frame, index, event }
  }
}

function* panning(
  roomX: number,
  roomY: number,
  width: number,
  random: Random,
): Generator<{ left: number; top: number }, never> {
  let left = roomX / 2
  let top = roomY / 2
  for (;;) {
    const speed = random() < 0.3 ? 0 : between(random, 0.005, FASTEST_PAN) * width
    let velocityX = random() < 0.5 ? speed : -speed
    let velocityY = between(random, -0.4, 0.4) * speed
    for (let rest = whole(random, 10, 60); rest > 0; rest--) {
      if (left + velocityX < 0 || left + velocityX > roomX) velocityX = -velocityX
      if (top + velocityY < 0 || top + velocityY > roomY) velocityY = -velocityY
      left = Math.min(roomX, Math.max(0, left + velocityX))
      top = Math.min(roomY, Math.max(0, top + velocityY))
      yield { left, top }
    }
  }
}

interface Light {
  readonly gain: number
  readonly offset: number
  readonly event: string
}

function* lighting(random: Random): Generator<Light, never> {
  let gain = 1
  for (;;) {
    for (let rest = whole(random, 10, 60); rest > 0; rest--) yield { gain, offset: 0, event: `gain ${gain.toFixed(2)}` }
    const length = whole(random, 1, 5)
    const kind = whole(random, 0, 9)
    if (kind < 4) {
      // White; nearly white; overexposed; black.
      const haze = between(random, 0.4, 0.98)
      const flash = between(random, 1.5, 8)
      const light: Light = [
        { gain: 0, offset: 255, event: `white of ${length}` },
        { gain: gain * (1 - haze), offset: 255 * haze, event: `haze ${haze.toFixed(2)} of ${length}` },
        { gain: gain * flash, offset: 0, event: `flash ${(gain * flash).toFixed(2)} of ${length}` },
        { gain: 0, offset: 0, event: `black of ${length}` },
      ][kind]
      for (let rest = length; rest > 0; rest--) yield light
    } else if (kind < 7) {
      const target = random() < 0.4 ? 1 : between(random, 0.3, 2)
      const steps = whole(random, 5, 60)
      const factor = (target / gain) ** (1 / steps)
      for (let rest = steps; rest > 0; rest--) {
        gain *= factor
        yield { gain, offset: 0, event: `ramp to ${target.toFixed(2)}, at ${gain.toFixed(2)}` }
      }
    } else if (kind < 9) {
      const white = kind === 8
      const out = whole(random, 0, 15)
      const back = whole(random, 0, 15)
      for (let time = 1 - out; time < length + back; time++) {
        const seen = time < 0 ? -time / out : time < length ? 0 : (time - length + 1) / (back + 1)
        const event = `fade to ${white ? 'white' : 'black'}, ${seen.toFixed(2)} of ${gain.toFixed(2)}`
        yield { gain: gain * seen, offset: white ? 255 * (1 - seen) : 0, event }
      }
    } else {
      gain = random() < 0.5 ? 1 : between(random, 0.5, 1.6)
      yield { gain, offset: 0, event: `step to ${gain.toFixed(2)}` }
    }
  }
}
