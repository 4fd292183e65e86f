import { MatteboxError } from '../../errors/index.ts'
import { createConn } from './conn.ts'
import { createDtssd } from './dtssd.ts'
import { createGrad } from './grad.ts'
import { iou } from './iou.ts'
import { mad } from './mad.ts'
import { mse } from './mse.ts'

/** The paper's metrics of a clip, each a mean over its frames. Less is better, but for `iou`. */
export interface AlphaMetricsResult {
  /** Mean absolute difference · 10³. */
  mad: number
  /** Mean squared error · 10³. */
  mse: number
  /** Gradient error ÷ 1000, without min–max normalisation. */
  grad: number
  /** Connectivity error ÷ 1000. */
  conn: number
  /** Temporal flicker · 10², mean over the pairs of neighbouring frames; null for a single frame. */
  dtssd: number | null
  /** Intersection over union at 0.5, mean over the frames whose union is not empty; null where all are. */
  iou: number | null
  /** Frames measured. */
  frames: number
}

/**
 * Measures a clip's mattes against the true ones, frame by frame, in memory that does not grow with the clip.
 *
 * The paper's evaluation reads predictions back from 8-bit images; here they may be float, which spares the rounding.
 */
export class AlphaMetrics {
  private readonly pixels: number
  private readonly grad: (prediction: Float32Array, truth: Float32Array) => number
  private readonly conn: (prediction: Float32Array, truth: Float32Array) => number
  private readonly dtssd: (prediction: Float32Array, truth: Float32Array) => number | null
  private readonly means = {
    mad: new Mean(),
    mse: new Mean(),
    grad: new Mean(),
    conn: new Mean(),
    dtssd: new Mean(),
    iou: new Mean(),
  }

  /** @param width - of every frame, pixels @param height - of every frame, pixels */
  constructor(
    private readonly width: number,
    private readonly height: number,
  ) {
    this.pixels = width * height
    this.grad = createGrad(width, height)
    this.conn = createConn(width, height)
    this.dtssd = createDtssd(this.pixels)
  }

  /**
   * Takes the next frame. Neither array is kept: the caller may use them again.
   *
   * @param prediction - alpha, 0..1, [height · width]
   * @param truth - alpha, 0..1, [height · width]
   * @throws {MatteboxError} SHAPE if one of them has another size
   */
  add(prediction: Float32Array, truth: Float32Array): void {
    for (const [name, { length }] of Object.entries({ prediction, truth })) {
      if (length !== this.pixels) {
        throw new MatteboxError(
          'SHAPE',
          `The ${name} has ${length} pixels, the clip's frames have ${this.width}x${this.height}.`,
          'Give a clip and a truth of the same size.',
        )
      }
    }
    this.means.mad.add(mad(prediction, truth))
    this.means.mse.add(mse(prediction, truth))
    this.means.grad.add(this.grad(prediction, truth))
    this.means.conn.add(this.conn(prediction, truth))
    this.means.dtssd.add(this.dtssd(prediction, truth))
    this.means.iou.add(iou(prediction, truth))
  }

  /** @throws {Error} before the first frame: there is nothing to average */
  result(): AlphaMetricsResult {
    const { mad, mse, grad, conn, dtssd, iou } = this.means
    if (mad.count === 0) throw new Error('No frame was measured.')
    return {
      mad: mad.value!,
      mse: mse.value!,
      grad: grad.value!,
      conn: conn.value!,
      dtssd: dtssd.value,
      iou: iou.value,
      frames: mad.count,
    }
  }
}

/** Mean of the values that are not null; null where there are none. */
class Mean {
  private sum = 0
  count = 0

  add(value: number | null): void {
    if (value === null) return
    this.sum += value
    this.count++
  }

  get value(): number | null {
    return this.count === 0 ? null : this.sum / this.count
  }
}
