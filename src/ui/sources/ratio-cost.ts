/** A low-resolution size that ran on this machine, and how long a step took. */
export interface Measurement {
  /** What else the time depends on: provider, model, refiner, planes. */
  readonly network: string
  readonly width: number
  readonly height: number
  readonly inferenceMs: number
}

export interface Cost {
  readonly ms: number
  /** False: computed from another size, by pixels. */
  readonly isMeasured: boolean
}

type Size = Pick<Measurement, 'width' | 'height'>

/**
 * What a step costs at a size, in milliseconds: as measured there, else in proportion to the pixels from the nearest
 * size that was; null where nothing was measured. A measurement of another network counts only where there is no other.
 */
export function costOf(size: Size, network: string, measured: readonly Measurement[]): Cost | null {
  const same = measured.filter((one) => one.network === network)
  const exact = same.find((one) => one.width === size.width && one.height === size.height)
  if (exact) return { ms: exact.inferenceMs, isMeasured: true }
  const pool = same.length > 0 ? same : measured
  if (pool.length === 0) return null
  const distance = (one: Size): number => Math.abs(Math.log(pixels(one) / pixels(size)))
  const nearest = pool.reduce((best, one) => (distance(one) < distance(best) ? one : best))
  return { ms: (nearest.inferenceMs * pixels(size)) / pixels(nearest), isMeasured: false }
}

/** The measurements with a new one in place of an older one of the same size and network. */
export function withMeasurement(measured: readonly Measurement[], one: Measurement): readonly Measurement[] {
  const isSame = (other: Measurement): boolean =>
    other.network === one.network && other.width === one.width && other.height === one.height
  return [...measured.filter((other) => !isSame(other)), one]
}

function pixels({ width, height }: Size): number {
  return width * height
}
